"""The providers' stand-ins as a process of their own, and their books."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
CONTROL_TOKEN = "tests-only"


@dataclass(frozen=True)
class Sandbox:
    url: str
    smtp_port: int
    control_token: str

    def control(self, method: str, path: str, json: object = None) -> Any:
        """Call the control plane; `path` is what follows `/_control`."""
        answer = httpx.request(
            method,
            f"{self.url}/_control{path}",
            json=json,
            headers={"X-Sandbox-Control": self.control_token},
            timeout=30,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def fault(self, vendor: str, operation: str, effect: str, **more: object) -> str:
        rule = {"vendor": vendor, "operation": operation, "effect": effect, **more}
        return str(self.control("POST", "/faults", rule)["id"])

    def ledger(self) -> dict[str, Any]:
        found: dict[str, Any] = self.control("GET", "/ledger")
        return found

    def reset(self) -> None:
        self.control("POST", "/reset")


@contextmanager
def running_sandbox(folder: Path) -> Iterator[Sandbox]:
    """Start the sandboxes on free ports; they end with the block."""
    http_port, smtp_port = free_port(), free_port()
    log = folder / "log.txt"
    command = [sys.executable, "-m", "sandboxes", "--host", "127.0.0.1"]
    command += ["--http-port", str(http_port), "--smtp-port", str(smtp_port)]
    command += ["--data-dir", str(folder), "--control-token", CONTROL_TOKEN]
    command += ["--search-rate", "100000"]
    with (
        log.open("wb") as out,
        subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out) as process,
    ):
        url = f"http://127.0.0.1:{http_port}"
        try:
            _wait_until_healthy(url, process, log)
            yield Sandbox(url=url, smtp_port=smtp_port, control_token=CONTROL_TOKEN)
        finally:
            process.terminate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/healthz", timeout=1).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"the sandboxes did not start:\n{log.read_text()}")

"""Run the sandboxes as a child process and talk to their control plane: for tests and demos."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from sandboxes.control import CONTROL_HEADER
from sandboxes.store import Json

_READY_SECONDS = 60


class Sandbox:
    """One process on free ports, with its data in a folder that outlives it."""

    def __init__(
        self,
        data_dir: Path,
        *,
        token: str = "control",  # noqa: S107
        flags: Sequence[str] = (),
    ) -> None:
        self.data_dir = data_dir
        self.host = "127.0.0.1"
        self.http_port, self.smtp_port = free_port(), free_port()
        self._token = token
        self._flags = flags
        self._process: subprocess.Popen[bytes] | None = None
        self._control = httpx.Client(
            base_url=f"{self.url}/_control",
            headers={CONTROL_HEADER: token},
            timeout=30,
            # A call must not find a connection that died with an earlier process.
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.http_port}"

    @property
    def duffel_url(self) -> str:
        return f"{self.url}/duffel"

    @property
    def stripe_url(self) -> str:
        return f"{self.url}/stripe"

    def start(self) -> None:
        """Start the process and wait until it answers."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with (self.data_dir / "sandboxes.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [
                    sys.executable,
                    "-m",
                    "sandboxes",
                    *("--host", self.host),
                    *("--http-port", str(self.http_port), "--smtp-port", str(self.smtp_port)),
                    *("--data-dir", str(self.data_dir), "--control-token", self._token),
                    *self._flags,
                ],
                env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            try:
                if httpx.get(f"{self.url}/healthz").status_code == 200:
                    return
            except httpx.TransportError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"no sandbox: see {log.name}") from None
            time.sleep(0.05)

    def stop(self, *, kill: bool = False) -> int:
        """End the process, cleanly or by force; give its exit code."""
        process = self._process
        if process is None:
            return 0
        process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        self._process = None
        return process.wait(timeout=30)

    def close(self) -> None:
        self.stop()
        self._control.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def control(self, method: str, path: str, body: Json | None = None, **headers: str) -> Any:
        """Call the control plane; give the JSON answer. Raises httpx.HTTPStatusError."""
        answer = self._control.request(method, path, json=body, headers=headers)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def fault(self, vendor: str, operation: str, effect: str, **options: Any) -> str:
        """Set a fault; give its id."""
        body = {"vendor": vendor, "operation": operation, "effect": effect, **options}
        return str(self.control("POST", "/faults", body)["id"])

    def ledger(self) -> Json:
        """Read all vendors' books."""
        books: Json = self.control("GET", "/ledger")
        return books

    def reset(self) -> None:
        self.control("POST", "/reset")


def free_port() -> int:
    """Find a port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

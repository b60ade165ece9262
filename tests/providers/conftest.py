"""A running sandbox for all vendors, and a server that answers exactly what a test dictates."""

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

CONTROL_TOKEN = "tests-only"
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class ScriptedServer:
    """Plays its scripts one after another, the last one for ever; keeps what it was sent."""

    url: str = ""
    scripts: list[Script] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    connections: int = 0

    def answers(
        self, status: int, body: object = None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer with JSON, or with the bytes given."""
        content = body if isinstance(body, bytes) else b""
        if body is not None and not isinstance(body, bytes):
            content = json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.sends("\r\n".join(lines).encode() + b"\r\n\r\n" + content)

    def sends(self, raw: bytes, *, then_close: bool = False) -> None:
        """Send these bytes; then close, or leave the connection open."""

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(raw)
            await writer.drain()
            if then_close:
                writer.close()

        self.scripts.append(script)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {k.lower(): v for k, _, v in (h.partition(": ") for h in head[1:] if h)}
                content = await reader.readexactly(int(headers.get("content-length", "0")))
                self.requests.append((head[0], headers, content))
                script = self.scripts[0] if len(self.scripts) == 1 else self.scripts.pop(0)
                await script(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedServer]:
    found = ScriptedServer()
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(found.serve(reader, writer))
        tasks.add(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/vendor"
    yield found
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True)
class Sandbox:
    """The providers' stand-ins, running as a process of their own."""

    url: str
    smtp_port: int
    control_token: str

    def control(self, method: str, path: str, json: object = None) -> object:
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


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    http_port, smtp_port = _free_port(), _free_port()
    folder = tmp_path_factory.mktemp("sandbox")
    log = folder / "log.txt"
    command = [sys.executable, "-m", "sandboxes", "--host", "127.0.0.1"]
    command += ["--http-port", str(http_port), "--smtp-port", str(smtp_port)]
    command += ["--data-dir", str(folder), "--control-token", CONTROL_TOKEN]
    command += ["--search-rate", "100000"]
    root = Path(__file__).parents[2]
    with (
        log.open("wb") as out,
        subprocess.Popen(command, cwd=root, stdout=out, stderr=out) as process,
    ):
        url = f"http://127.0.0.1:{http_port}"
        try:
            _wait_until_healthy(url, process, log)
            yield Sandbox(url=url, smtp_port=smtp_port, control_token=CONTROL_TOKEN)
        finally:
            process.terminate()


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/healthz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail(f"the sandbox did not start:\n{log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])

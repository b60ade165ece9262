"""A small HTTP client: on a machine of few cores a big one would be measured instead of the API."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

LONGEST_SECONDS = 60.0  # for one request, with its repetitions


@dataclass(frozen=True)
class Ask:
    method: str
    path: str
    key: str
    body: bytes = b""
    idempotency_key: str = ""
    cookie: str = ""

    def bytes(self, accept: str = "application/json") -> bytes:
        lines = [
            f"{self.method} {self.path} HTTP/1.1",
            "Host: 127.0.0.1",
            f"Accept: {accept}",
        ]
        if self.key:
            lines.append(f"Authorization: Bearer {self.key}")
        if self.cookie:
            lines.append(f"Cookie: {self.cookie}")
        if self.idempotency_key:
            lines.append(f"Idempotency-Key: {self.idempotency_key}")
        if self.body:
            lines.append("Content-Type: application/json")
        lines += [f"Content-Length: {len(self.body)}", "", ""]
        return "\r\n".join(lines).encode() + self.body


class Connection:
    """One kept-alive connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, request: Ask, accept: str = "application/json") -> tuple[int, bytes]:
        """Send a request and return status and body."""
        reader, writer = await self._open()
        writer.write(request.bytes(accept))
        status, length = await _head(reader)
        return status, await reader.readexactly(length)

    async def stream(self, request: Ask) -> AsyncIterator[bytes]:
        """Yield the lines of an event stream until it is closed.

        Raises:
            RuntimeError: it was not opened.
        """
        reader, writer = await self._open()
        writer.write(request.bytes("text/event-stream"))
        status, _ = await _head(reader)
        if status != 200:
            raise RuntimeError(f"the stream answered {status}")
        while line := await reader.readline():
            yield line

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self._reader, self._writer


async def _head(reader: asyncio.StreamReader) -> tuple[int, int]:
    status = int((await reader.readline()).split()[1])
    length = 0
    while (line := await reader.readline()) not in {b"\r\n", b""}:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return status, length


@dataclass(frozen=True)
class Load:
    """What a load of requests took."""

    seconds: float
    latencies: list[float]
    bodies: list[bytes]
    repeated: int
    """How often the answer was "unknown, repeat with the same key", and that was done."""

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds


async def put_load(port: int, requests: Sequence[Ask], side_by_side: int) -> Load:
    """Send all requests over so many connections, each sending its next when it has its answer.

    Raises:
        RuntimeError: an answer was an error.
    """
    waiting, latencies, bodies, repeated = iter(requests), [], [], 0

    async def worker() -> None:
        nonlocal repeated
        connection = Connection(port)
        for request in waiting:
            begun = time.perf_counter()
            status, body = await connection.ask(request)
            while status == 503 and time.perf_counter() - begun < LONGEST_SECONDS:
                repeated += 1
                status, body = await connection.ask(request)
            latencies.append(time.perf_counter() - begun)
            if status >= 400:
                raise RuntimeError(f"{request.path} answered {status}: {body[:500]!r}")
            bodies.append(body)
        connection.close()

    begun = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(side_by_side)))
    return Load(time.perf_counter() - begun, latencies, bodies, repeated)

"""Ask a clamd whether a file carries something known to be harmful.

The command INSTREAM as clamd documents it: chunks with their length before them, ended by an empty
one; the answer is one line, `stream: OK` or `stream: <name> FOUND`.
"""

import asyncio
import re
from dataclasses import dataclass

from providers.errors import ProviderUnavailable
from providers.ports import FileClean, FileInfected

VENDOR = "clamav"
_OPERATION = "scan_file"
_CHUNK = 64 * 1024
_LONGEST_ANSWER = 4096
_FOUND = re.compile(r"stream: (?P<name>.+) FOUND")


@dataclass(frozen=True)
class ClamdAddress:
    """A path of a socket on this machine, or a host and a port."""

    path: str | None = None
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> "ClamdAddress":
        if text.startswith("/"):
            return cls(path=text)
        host, _, port = text.rpartition(":")
        return cls(host=host, port=int(port))


class ClamdScanner:
    """The port FileScanner. A connection for each file: uploads are few and far between."""

    name = VENDOR

    def __init__(self, address: ClamdAddress, *, timeout_seconds: float = 20) -> None:
        self._address, self._timeout = address, timeout_seconds

    async def scan(self, content: bytes) -> FileClean | FileInfected:
        """Return what clamd says of the content.

        Raises:
            ProviderUnavailable: no answer, or one that says neither.
        """
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._ask(content)
        except (OSError, TimeoutError, asyncio.LimitOverrunError) as error:
            raise ProviderUnavailable(VENDOR, _OPERATION, type(error).__name__) from error
        if answer == "stream: OK":
            return FileClean()
        if (found := _FOUND.fullmatch(answer)) is not None:
            return FileInfected(signature=found["name"][:200])
        raise ProviderUnavailable(VENDOR, _OPERATION, "no_verdict")

    async def _ask(self, content: bytes) -> str:
        reader, writer = await self._connect()
        try:
            writer.write(b"zINSTREAM\0")
            for start in range(0, len(content), _CHUNK):
                chunk = content[start : start + _CHUNK]
                writer.write(len(chunk).to_bytes(4, "big") + chunk)
                await writer.drain()
            writer.write(bytes(4))
            await writer.drain()
            answer = await reader.read(_LONGEST_ANSWER)
        finally:
            writer.close()
        return answer.rstrip(b"\0\n").decode(errors="replace")

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._address.path is not None:
            return await asyncio.open_unix_connection(self._address.path)
        return await asyncio.open_connection(self._address.host, self._address.port)

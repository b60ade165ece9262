"""The virus scanner: clamd's own protocol, over TCP and a socket, and silence that is no verdict."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from providers.clamav.adapter import ClamdAddress, ClamdScanner
from providers.errors import ProviderUnavailable
from providers.ports import FileClean, FileInfected
from providers.registry import file_scanner

# Written in two parts, so that no scanner takes this file for what it names.
HARMFUL = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


async def _clamd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one INSTREAM as clamd does."""
    assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
    content = b""
    while length := int.from_bytes(await reader.readexactly(4), "big"):
        content += await reader.readexactly(length)
    if content == b"odd":
        writer.write(b"INSTREAM size limit exceeded. ERROR\0")
    elif HARMFUL in content:
        writer.write(b"stream: Eicar-Test-Signature FOUND\0")
    else:
        writer.write(b"stream: OK\0")
    await writer.drain()
    writer.close()


@asynccontextmanager
async def clamd() -> AsyncIterator[str]:
    server = await asyncio.start_server(_clamd, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield f"127.0.0.1:{port}"


async def test_clean_and_harmful_files_are_told_apart(tmp_path: Path):
    async with clamd() as address:
        scanner = file_scanner(address)
        assert scanner is not None
        assert scanner.name == "clamav"
        assert await scanner.scan(b"%PDF-" + bytes(200_000)) == FileClean()
        found = await scanner.scan(bytes(100_000) + HARMFUL)
        assert found == FileInfected(signature="Eicar-Test-Signature")
        with pytest.raises(ProviderUnavailable, match="no_verdict"):
            await scanner.scan(b"odd")
    path = tmp_path / "clamd.sock"
    async with await asyncio.start_unix_server(_clamd, path):
        scanner = file_scanner(str(path))
        assert scanner is not None
        assert await scanner.scan(b"") == FileClean()


async def test_silence_is_no_verdict():
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        scanner = ClamdScanner(ClamdAddress.parse(f"127.0.0.1:{port}"), timeout_seconds=0.2)
        with pytest.raises(ProviderUnavailable, match="TimeoutError"):
            await scanner.scan(b"x")
    gone = ClamdScanner(ClamdAddress.parse(f"127.0.0.1:{port}"))
    with pytest.raises(ProviderUnavailable):
        await gone.scan(b"x")
    assert file_scanner(None) is None

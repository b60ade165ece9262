"""Keys and certificates on the console's first page: how old, until when, and what is not known."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from browsing import Site
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from api.web.admin.certificates import read_certificates
from runtime.crypto import new_master_key
from runtime.key_ids import KeyId
from runtime.settings import Settings
from runtime.signing import new_mandate_key

NOW = datetime.now(UTC)
MADE = (NOW - timedelta(days=400)).date()


@pytest.fixture
def settings(make_settings: Any, tmp_path: Path) -> Settings:
    """Return settings with a master key from last year, and one of mandates that says no day."""
    old, older = new_master_key(str(KeyId("k", 2, MADE))), new_master_key("k1")
    made: Settings = make_settings(
        PARKER_MASTER_KEYS=f"{old},{older}",
        PARKER_KEYS_DIR=str(tmp_path / "keys"),
        PARKER_MANDATE_KEYS=new_mandate_key("m1"),
    )
    return made


def certificate(folder: Path, until: datetime) -> ssl.SSLContext:
    """Make a certificate for localhost and the context of a server that shows it."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"localhost {until:%Y%m%d}")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=90))
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    shown, secret = folder / "shown.pem", folder / "secret.pem"
    with (folder / "trusted.pem").open("ab") as trusted:
        trusted.write(made.public_bytes(Encoding.PEM))
    shown.write_bytes(made.public_bytes(Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(shown, secret)
    return context


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    return tmp_path


@asynccontextmanager
async def serving(context: ssl.SSLContext, *, mail: bool = False) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if mail:
            for line in (
                b"220-mail\r\n220 of ours\r\n",
                b"250-mail\r\n250 STARTTLS\r\n",
                b"220 go\r\n",
            ):
                writer.write(line)
                if not line.endswith(b"go\r\n"):
                    await reader.readline()
            await writer.start_tls(context)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=None if mail else context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_certificates_are_good_until_their_day_and_only_where_they_hold(
    settings: Settings, trusted: Path
) -> None:
    soon, long = NOW + timedelta(days=10), NOW + timedelta(days=80)
    good, mail, over = (
        certificate(trusted, until) for until in (long, soon, NOW - timedelta(days=1))
    )
    async with AsyncExitStack() as opened:
        web, post, gone = [
            await opened.enter_async_context(serving(context, mail=context is mail))
            for context in (good, mail, over)
        ]
        asked = settings.model_copy(
            update={
                "public_url": f"https://localhost:{web}",
                "stripe_url": f"https://localhost:{gone}",
                "duffel_url": f"https://127.0.0.1:{web}",
                "smtp_server": "localhost",
                "smtp_server_port": post,
                "temporal_tls": True,
                "temporal_address": "localhost:1",
            }
        )
        found = {one.host: one for one in await read_certificates(asked)}
    assert {host: one.until for host, one in found.items()} == {
        f"localhost:{web}": long.replace(microsecond=0),
        f"localhost:{post}": soon.replace(microsecond=0),
        f"localhost:{gone}": None,
        f"127.0.0.1:{web}": None,
        "localhost:1": None,
    }
    assert found[f"localhost:{gone}"].wrong == "certificate has expired"
    assert "IP address mismatch" in found[f"127.0.0.1:{web}"].wrong
    assert found["localhost:1"].wrong == ""


async def test_keys_say_how_old_they_are_and_when_nobody_knows(admin: Site) -> None:
    shown = await admin.get("/admin")
    told = {
        " ".join(one.select_one("dt").get_text().split()): (
            " ".join(one["class"]),
            " ".join(one.select_one("small").get_text(" ").split()),
        )
        for one in shown.soup.select(".gauge")
        if "ey of" in one.select_one("dt").get_text() or "Mandates" in one.get_text()
    }
    rotate = "400 days old; 1 older one beside it; rotate it: parker keys rotate"
    assert told == {
        "Master key of people's keys": ("gauge wait", rotate),
        "Key of what Temporal stores": ("gauge wait", rotate),
        "Mandates' key": ("gauge good", "nobody wrote down when it was made"),
    }

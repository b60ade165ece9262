"""Calling strangers' servers: signed, once, at the address that was judged, and not for long."""

import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from receiver import Receiver, receiving
from standardwebhooks import WebhookVerificationError

from db.webhook_secrets import new_secret
from providers.ports import OutgoingWebhook, WebhookAnswer
from providers.webhooks.sender import HttpWebhookSender

SECRET, OLD, OTHER = new_secret(), new_secret(), new_secret()
HOOK = OutgoingWebhook(
    message_id="msg_1", url="", body='{"type":"test","data":{"n":"é"}}', secrets=(SECRET, OLD)
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


async def call(url: str, **changes: Any) -> WebhookAnswer:
    choices: dict[str, Any] = {"seconds": 5.0, "loopback": True}
    sender = HttpWebhookSender(**(choices | changes))
    return await sender.call(HOOK.model_copy(update={"url": url}))


async def test_a_message_is_signed_so_that_either_secret_opens_it(receiver: Receiver) -> None:
    answer = await call(receiver.url)
    assert (answer.status, answer.code) == (204, "answered")
    (got,) = receiver.calls
    assert got.path == "/hooks?of=mine"
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert got.headers["webhook-id"] == "msg_1"
    for secret in (SECRET, OLD):
        assert got.verified(secret) == {"type": "test", "data": {"n": "é"}}
    with pytest.raises(WebhookVerificationError):
        got.verified(OTHER)


async def test_nobody_is_led_on_and_nobody_keeps_us(receiver: Receiver) -> None:
    receiver.answers, receiver.headers = [302, 429], {"Location": receiver.url, "Retry-After": "90"}
    assert (await call(receiver.url)).status == 302
    assert len(receiver.calls) == 1
    assert (await call(receiver.url)).pause_seconds == 90
    # What a stranger says beyond the status is not read.
    receiver.headers, receiver.body_bytes = {}, 1 << 30
    assert (await call(receiver.url)).status == 204
    assert receiver.written_bytes < receiver.body_bytes / 2
    receiver.body_bytes, receiver.delay_seconds = 0, 3
    slow = await call(receiver.url, seconds=0.2)
    assert (slow.status, slow.code) == (None, "answer_timed_out")
    assert (await call("http://127.0.0.1:1/")).code == "connection_refused"


@pytest.mark.parametrize("answers", [["8.8.8.8", "10.0.0.1"], ["fd00::1"], ["127.0.0.1"], ["x"]])
async def test_nothing_inside_is_called_whatever_its_name(
    receiver: Receiver, answers: Sequence[str]
) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return answers

    url = f"https://hooks.example.com:{receiver.port}/"
    refused = await call(url, loopback=False, resolve=resolve)
    assert (refused.status, refused.code) == (None, "address_not_allowed")
    assert receiver.calls == []


async def test_this_machine_is_not_called_unless_that_is_allowed(receiver: Receiver) -> None:
    for url in (
        receiver.url,
        f"https://localhost:{receiver.port}/",
        f"https://2130706433:{receiver.port}/",
    ):
        assert (await call(url, loopback=False)).code == "address_not_allowed"
    assert receiver.calls == []


async def test_the_name_is_looked_up_once_and_the_certificate_is_for_it(tmp_path: Path) -> None:
    asked = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        # Whoever looked again would be led elsewhere.
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    ours, theirs = _certified("hooks.example.com", tmp_path)
    with receiving(theirs) as receiver:
        url = f"https://hooks.example.com:{receiver.port}/x"
        answer = await call(url, resolve=resolve, tls=ours)
        assert answer.status == 204
        assert asked == ["hooks.example.com"]
        assert receiver.calls[0].headers["host"] == f"hooks.example.com:{receiver.port}"

        async def here(host: str, port: int) -> Sequence[str]:
            return ["127.0.0.1"]

        other = f"https://other.example.com:{receiver.port}/x"
        assert (await call(other, resolve=here, tls=ours)).code == "certificate_refused"
        # Certificates that nobody we know has signed are refused too.
        assert (await call(url, resolve=here)).code == "certificate_refused"
        assert len(receiver.calls) == 1


async def test_what_is_too_large_is_not_sent(receiver: Receiver) -> None:
    sender = HttpWebhookSender(seconds=5, loopback=True)
    hook = HOOK.model_copy(update={"url": receiver.url, "body": "x" * 70_000})
    assert (await sender.call(hook)).code == "message_too_large"
    assert receiver.calls == []


def _certified(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return contexts of a caller and a server whose certificate is for that name."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "both.pem").write_bytes(pem + secret)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "both.pem")
    return ssl.create_default_context(cadata=pem.decode()), server

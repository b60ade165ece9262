"""Mail over a real SMTP connection: what arrives, and what each failure is called."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from providers.errors import (
    CredentialsRefused,
    OutcomeUnknown,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
)
from providers.ports import OutgoingMail
from providers.smtp.adapter import SmtpMailSender, SmtpServer

NOW = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
SENDER = "Parker Flight <travel@parker.example>"


def make_mail(**changes: Any) -> OutgoingMail:
    fields: dict[str, Any] = {
        "message_id": "notice-1@parker.example",
        "to": "Zoë Ana <zoe@example.com>",
        "subject": "Lisboa é tua — 487.20 USD",
        "text": "Your flight is booked.\n",
        "html": "<p>Your flight is <b>booked</b>.</p>\n",
    }
    return OutgoingMail(**(fields | changes))


def make_sender(port: int, **server: Any) -> SmtpMailSender:
    fields: dict[str, Any] = {"host": "127.0.0.1", "port": port, "starttls": False}
    return SmtpMailSender(
        SmtpServer(**({"timeout_seconds": 2} | fields | server)), SENDER, now=lambda: NOW
    )


@pytest.fixture
async def faults(sandbox: Any) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    async def add(effect: str, **rule: Any) -> None:
        body = {"vendor": "mail", "operation": "deliver", "effect": effect} | rule
        sandbox.control("POST", "/faults", json=body)

    yield add
    sandbox.control("DELETE", "/faults")


async def arrived(sandbox: Any, message_id: str) -> list[dict[str, Any]]:
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{sandbox.url}/mail/api/messages")
    return [m for m in answer.json()["messages"] if m["message_id"] == f"<{message_id}>"]


async def test_delivers_plain_text_and_html_under_the_given_id(sandbox: Any) -> None:
    await make_sender(sandbox.smtp_port).send(make_mail(message_id="both@parker.example"))

    (message,) = await arrived(sandbox, "both@parker.example")
    assert message["subject"] == "Lisboa é tua — 487.20 USD"
    assert message["text"].strip() == "Your flight is booked."
    assert message["html"].strip() == "<p>Your flight is <b>booked</b>.</p>"
    assert message["rcpt_tos"] == ["zoe@example.com"]
    assert message["mail_from"] == "travel@parker.example"
    assert message["headers"]["Date"] == "Mon, 01 Mar 2027 09:30:00 +0000"
    assert message["headers"]["Auto-Submitted"] == "auto-generated"


async def test_sends_plain_text_alone(sandbox: Any) -> None:
    await make_sender(sandbox.smtp_port).send(
        make_mail(message_id="<plain@parker.example>", html=None)
    )

    (message,) = await arrived(sandbox, "plain@parker.example")
    assert message["html"] == ""


async def test_a_long_message_id_arrives_unbroken(sandbox: Any) -> None:
    long = f"{'notice-' * 12}1@parker.a-long-name-of-an-installation.example.com"

    await make_sender(sandbox.smtp_port).send(make_mail(message_id=long))

    assert len(await arrived(sandbox, long)) == 1


async def test_writes_to_addresses_beyond_ascii(sandbox: Any) -> None:
    await make_sender(sandbox.smtp_port).send(
        make_mail(message_id="utf8@parker.example", to="zoë@example.com")
    )

    (message,) = await arrived(sandbox, "utf8@parker.example")
    assert message["rcpt_tos"] == ["zoë@example.com"]


async def test_keeps_the_message_id_when_sent_again(sandbox: Any, faults: Any) -> None:
    sender, mail = make_sender(sandbox.smtp_port), make_mail(message_id="again@parker.example")
    await faults("close_after")

    with pytest.raises(OutcomeUnknown):
        await sender.send(mail)
    await sender.send(mail)

    assert len(await arrived(sandbox, "again@parker.example")) == 2


@pytest.mark.parametrize(
    ("effect", "rule", "failure"),
    [
        ("error_before", {"status": 451}, ProviderUnavailable),
        ("rate_limit", {"status": 421}, ProviderUnavailable),
        ("error_before", {"status": 554}, ProviderRefused),
        ("close_before", {}, OutcomeUnknown),
        ("garbage_html", {}, OutcomeUnknown),
        ("timeout_before", {"seconds": 4}, OutcomeUnknown),
    ],
)
async def test_names_what_a_failed_delivery_means(
    sandbox: Any, faults: Any, effect: str, rule: dict[str, Any], failure: type[ProviderError]
) -> None:
    await faults(effect, **rule)

    with pytest.raises(ProviderError) as caught:
        await make_sender(sandbox.smtp_port).send(make_mail(message_id="failed@parker.example"))

    assert type(caught.value) is failure
    assert "zoe" not in str(caught.value)


async def test_nothing_happened_when_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]

    with pytest.raises(ProviderUnavailable):
        await make_sender(port).send(make_mail())


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Hello\r\nBcc: all@example.com"},
        {"to": "a@example.com, b@example.com"},
        {"to": "a@example.com\r\nBcc: b@example.com"},
        {"to": "nobody"},
        {"to": ""},
    ],
)
async def test_refuses_headers_that_would_reach_others(
    sandbox: Any, changes: dict[str, str]
) -> None:
    with pytest.raises(ProviderRefused):
        await make_sender(sandbox.smtp_port).send(make_mail(**changes))


@pytest.mark.parametrize(
    ("script", "failure"),
    [
        ({"AUTH": "535 no"}, CredentialsRefused),
        ({"AUTH": "454 later"}, ProviderUnavailable),
        ({"RCPT": "550 unknown"}, ProviderRefused),
        ({"RCPT": "450 busy"}, ProviderUnavailable),
        ({"MAIL": "552 full"}, ProviderRefused),
        ({"greeting": "421 not now"}, ProviderUnavailable),
        ({"greeting": "<html>"}, ProviderUnavailable),
    ],
)
async def test_names_what_a_refusing_server_means(
    script: dict[str, str], failure: type[ProviderError]
) -> None:
    server = await asyncio.start_server(_scripted(script), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        sender = make_sender(port, username="parker", password="secret")
        with pytest.raises(ProviderError) as caught:
            await sender.send(make_mail())

    assert type(caught.value) is failure
    assert "secret" not in str(caught.value)


def _scripted(
    script: dict[str, str],
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        usual = {"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": "235 ok", "QUIT": "221 bye"}
        answers = usual | script
        writer.write(f"{script.get('greeting', '220 here')}\r\n".encode())
        while line := await reader.readline():
            verb = line.split()[0].decode().upper() if line.split() else ""
            writer.write(f"{answers.get(verb, '250 ok')}\r\n".encode())
        writer.close()

    return serve

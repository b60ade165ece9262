"""The inbox, reached by SMTP."""

import smtplib
from email.message import EmailMessage

import httpx
import pytest

from sandboxes.harness import Sandbox


def message(subject: str = "Your trip", message_id: str = "<1@parker.test>") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Parker Flight <parker@parker.test>"
    mail["To"] = "Ada Example <ada@example.com>"
    mail["Subject"] = subject
    mail["Message-ID"] = message_id
    mail.set_content("Booked: JFK–LHR")
    mail.add_alternative("<p>Booked: <b>JFK–LHR</b></p>", subtype="html")
    mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="trip.pdf")
    return mail


def send(sandbox: Sandbox, mail: EmailMessage) -> None:
    with smtplib.SMTP(sandbox.host, sandbox.smtp_port, timeout=10) as smtp:
        smtp.send_message(mail)


def test_keeps_everything_that_comes_even_twice(sandbox: Sandbox):
    send(sandbox, message())
    send(sandbox, message())
    messages = httpx.get(f"{sandbox.url}/mail/api/messages").json()["messages"]
    assert [m["message_id"] for m in messages] == ["<1@parker.test>"] * 2
    first = messages[0]
    assert first["rcpt_tos"] == ["ada@example.com"]
    assert first["text"].strip() == "Booked: JFK–LHR"
    assert "<b>JFK–LHR</b>" in first["html"]
    assert first["attachments"] == ["trip.pdf"]
    assert len(sandbox.ledger()["mail"]["messages"]) == 2


def test_pages_show_mail_and_escape_it(sandbox: Sandbox):
    send(sandbox, message(subject="<script>alert(1)</script>"))
    inbox = httpx.get(f"{sandbox.url}/mail/").text
    assert "<script>" not in inbox
    assert "&lt;script&gt;" in inbox
    path = inbox.split('href="')[1].split('"')[0]
    page = httpx.get(f"{sandbox.url}{path}").text
    assert "1@parker.test" in page
    assert "<script>" not in page
    assert httpx.get(f"{sandbox.url}/mail/messages/nothing").status_code == 404


def test_faults_reach_smtp_too(sandbox: Sandbox):
    sandbox.fault("mail", "deliver", "error_before", status=451)
    with pytest.raises(smtplib.SMTPDataError) as caught:
        send(sandbox, message())
    assert caught.value.smtp_code == 451
    sandbox.fault("mail", "deliver", "close_after")
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(sandbox, message())
    # Refused once, taken once though the sender was not told.
    assert len(sandbox.ledger()["mail"]["messages"]) == 1
    counts = sandbox.control("GET", "/requests/count?vendor=mail")
    assert counts == {"mail": {"deliver": 2}}

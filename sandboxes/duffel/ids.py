"""Identifiers in Duffel's shape: a prefix and 22 base-62 characters that sort by time."""

import secrets
import time

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def new_id(prefix: str) -> str:
    """Make an identifier that never comes twice, not even after a reset."""
    moment = _base62(time.time_ns() // 1000).rjust(10, "0")
    tail = "".join(secrets.choice(_DIGITS) for _ in range(8))
    return f"{prefix}_0000{moment}{tail}"


def new_reference() -> str:
    """Make an airline's booking reference: six characters without look-alikes."""
    return "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(6))


def new_request_id() -> str:
    return secrets.token_urlsafe(15)


def _base62(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 62)
        text = _DIGITS[digit] + text
    return text or "0"

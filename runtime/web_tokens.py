"""Texts that a browser keeps for us: sessions and the tokens of forms. Only hashes are stored."""

import hashlib
import hmac
import secrets

from runtime.crypto import hmac_hex

_TOKEN_BYTES = 32


def new_token() -> str:
    """Return 256 fresh random bits as text."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def session_hash(pepper: str, token: str) -> str:
    """Return what is stored of a session's cookie."""
    return hmac_hex(pepper, f"web-session:{token}")


def share_hash(pepper: str, token: str) -> str:
    """Return what is stored of an address that somebody gives away."""
    return hmac_hex(pepper, f"share:{token}")


def form_token(secret: str, cookie: str) -> str:
    """Return the token of every form that is shown to the holder of a cookie."""
    return hmac.new(secret.encode(), f"form:{cookie}".encode(), hashlib.sha256).hexdigest()


def same_text(one: str, other: str) -> bool:
    """Compare in a time that says nothing about where the texts differ."""
    return hmac.compare_digest(one.encode(), other.encode())

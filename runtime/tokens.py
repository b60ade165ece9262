"""Signed links and API keys: texts handed to people, of which we keep a keyed hash or nothing."""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from runtime.crypto import hmac_hex

PAY_PURPOSE = "pay"
_PAYLOAD_BYTES = 16 + 16 + 8
_TAG_BYTES = 20


class BadToken(Exception):
    """The token was not made by us for this purpose, or was changed."""


class ExpiredToken(BadToken):
    """The token was good once."""


@dataclass(frozen=True)
class SignedLink:
    """What a token says: about what, on whose behalf, until when."""

    subject: UUID
    owner: UUID
    expires_at: datetime


def sign_token(
    secret: str, purpose: str, subject: UUID, expires_at: datetime, *, owner: UUID
) -> str:
    """Return a URL-safe token for one subject of one person and for one purpose."""
    payload = subject.bytes + owner.bytes + int(expires_at.timestamp()).to_bytes(8)
    return base64.urlsafe_b64encode(payload + _tag(secret, purpose, payload)).decode().rstrip("=")


def read_token(secret: str, purpose: str, token: str, now: datetime) -> SignedLink:
    """Return what the token says.

    Raises:
        ExpiredToken: its time is over.
        BadToken: not ours, of another purpose, or changed.
    """
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadToken("not a token") from None
    payload, tag = raw[:_PAYLOAD_BYTES], raw[_PAYLOAD_BYTES:]
    if len(raw) != _PAYLOAD_BYTES + _TAG_BYTES or not hmac.compare_digest(
        tag, _tag(secret, purpose, payload)
    ):
        raise BadToken("not a token")
    expires_at = datetime.fromtimestamp(int.from_bytes(payload[32:]), UTC)
    if expires_at <= now:
        raise ExpiredToken("its time is over")
    return SignedLink(UUID(bytes=payload[:16]), UUID(bytes=payload[16:32]), expires_at)


def pay_link(
    base_url: str, secret: str, attempt_id: UUID, expires_at: datetime, *, owner: UUID
) -> str:
    """Return the address at which a traveller confirms a payment with the bank."""
    token = sign_token(secret, PAY_PURPOSE, attempt_id, expires_at, owner=owner)
    return f"{base_url.rstrip('/')}/pay/{token}"


def one_time_token(secret: str, purpose: str, link_id: UUID) -> str:
    """Return the 256 bits of a link that works once; whoever knows the secret makes it again.

    So a mail can be written at any time, and sent again, without the token being stored.
    """
    text = b"parker-once\x00" + purpose.encode() + b"\x00" + link_id.bytes
    digest = hmac.new(secret.encode(), text, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def one_time_hash(pepper: str, token: str) -> str:
    """Return what is stored of a link that works once, to find it by."""
    return hmac_hex(pepper, f"one-time:{token}")


def _tag(secret: str, purpose: str, payload: bytes) -> bytes:
    text = b"parker-link\x00" + purpose.encode() + b"\x00" + payload
    return hmac.new(secret.encode(), text, hashlib.sha256).digest()[:_TAG_BYTES]


# Long enough that a hash needs no salt; the prefix tells a person which key it is.
_API_KEY_BYTES = 32
API_KEY_PREFIX_LENGTH = 10


def new_api_key() -> str:
    """Return a fresh API key; only its hash is ever stored."""
    return "pk_" + secrets.token_urlsafe(_API_KEY_BYTES)


def api_key_hash(pepper: str, key: str) -> str:
    """Return what is stored of an API key."""
    return hmac_hex(pepper, f"api-key:{key}")


def email_hash(pepper: str, email: str) -> str:
    """Return what an e-mail address is found by, whatever its capitals."""
    return hmac_hex(pepper, f"email:{email.strip().lower()}")

"""Browsers that an account was opened in before: strangers' tries do not count against them."""

import hmac
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import Response

from api.services import Services
from api.web import cookies
from runtime.crypto import hmac_hex

DEVICE = "__Host-device"
_LASTS_SECONDS = 365 * 24 * 3600


def remember_device(response: Response, services: Services, account: str) -> None:
    """Let this browser be known to an account, told by the hash of its address."""
    device = uuid4()
    value = f"{device.hex}.{_tag(services, device, account)}"
    cookies.keep(response, DEVICE, value, seconds=_LASTS_SECONDS)


def known_device(request: Request, services: Services, account: str) -> str | None:
    """Return which browser of the account's this is; None if it is none."""
    name, _, tag = request.cookies.get(DEVICE, "").partition(".")
    try:
        device = UUID(hex=name)
    except ValueError:
        return None
    expected = _tag(services, device, account)
    return device.hex if hmac.compare_digest(tag.encode(), expected.encode()) else None


def _tag(services: Services, device: UUID, account: str) -> str:
    return hmac_hex(services.settings.api_key_pepper, f"device:{device}:{account}")

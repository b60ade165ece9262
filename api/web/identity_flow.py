"""What a visit to an identity provider is remembered by: cookies of this browser, signed by us.

State, nonce and PKCE verifier are made of the flow's id by our secret, so that nothing is stored
and another browser's answer fits nothing here.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from starlette.responses import Response

from api.web import cookies
from api.web.visits import Visit
from providers.ports import Identity

FLOW, KNOWN = "__Host-provider", "__Host-identity"
LASTS = timedelta(minutes=10)


class Purpose(StrEnum):
    SIGN_IN = "sign_in"
    LINK = "link"


@dataclass(frozen=True)
class Flow:
    """A visit to the provider that was begun in this browser."""

    flow_id: str
    purpose: Purpose
    leads_to: str
    session_id: str
    """Of who begins, where somebody is signed in: only that session may link."""

    def part(self, visit: Visit, name: str) -> str:
        """Return one of the flow's secrets: state, nonce or verifier, 256 bits each."""
        secret = visit.services.settings.hmac_secret.get_secret_value()
        text = f"provider-{name}\x00{self.flow_id}".encode()
        digest = hmac.new(secret.encode(), text, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def new_flow(visit: Visit, purpose: Purpose, leads_to: str) -> Flow:
    session_id = str(visit.me.session_id) if visit.visitor is not None else ""
    return Flow(uuid4().hex, purpose, leads_to, session_id)


def keep_flow(response: Response, visit: Visit, flow: Flow) -> None:
    _keep(response, visit, FLOW, asdict(flow))


def flow_of(visit: Visit) -> Flow | None:
    """Return the flow that this browser began, if its time is not over."""
    held = _held(visit, FLOW)
    if held is None:
        return None
    return Flow(held["flow_id"], Purpose(held["purpose"]), held["leads_to"], held["session_id"])


@dataclass(frozen=True)
class Known:
    """Somebody whom the provider has named to us in this browser, and who has no account by it."""

    identity: Identity
    purpose: Purpose
    leads_to: str
    session_id: str


def keep_known(response: Response, visit: Visit, identity: Identity, flow: Flow) -> None:
    _keep(response, visit, KNOWN, {"identity": identity.model_dump(), **asdict(flow)})


def known_of(visit: Visit) -> Known | None:
    held = _held(visit, KNOWN)
    if held is None:
        return None
    identity = Identity(**held["identity"])
    return Known(identity, Purpose(held["purpose"]), held["leads_to"], held["session_id"])


def _keep(response: Response, visit: Visit, name: str, values: Mapping[str, Any]) -> None:
    body = json.dumps({**values, "until": (visit.now + LASTS).timestamp()}).encode()
    packed = base64.urlsafe_b64encode(body).decode()
    value = f"{packed}.{_tag(visit, name, packed)}"
    cookies.keep(response, name, value, seconds=int(LASTS.total_seconds()))


def _held(visit: Visit, name: str) -> dict[str, Any] | None:
    packed, _, tag = visit.request.cookies.get(name, "").partition(".")
    if not hmac.compare_digest(tag.encode(), _tag(visit, name, packed).encode()):
        return None
    try:
        values: dict[str, Any] = json.loads(base64.urlsafe_b64decode(packed.encode()))
    except (binascii.Error, ValueError):
        return None
    return values if _in_time(values, visit.now) else None


def _in_time(values: Mapping[str, Any], now: datetime) -> bool:
    return now.timestamp() < float(values.get("until", 0))


def _tag(visit: Visit, name: str, packed: str) -> str:
    secret = visit.services.settings.hmac_secret.get_secret_value()
    text = f"cookie\x00{name}\x00{packed}".encode()
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def session_matches(visit: Visit, session_id: str) -> bool:
    """Say whether who is signed in now is who began, in the same session."""
    return visit.visitor is not None and visit.me.session_id == _uuid(session_id)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

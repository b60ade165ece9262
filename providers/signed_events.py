"""What the checks of all providers' events share; each signs in its own way, in its own folder."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter
from pydantic_core import from_json

from domain.provider_events import ProviderEvent, Signature, id_in, object_in, redacted

# Stripe's own recommendation; Duffel names none. For both directions: a stamp from the future is
# no younger than one from the past.
TOLERANCE = timedelta(minutes=5)
_INSTANT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)


class EventRefused(Exception):
    """Not the provider's, too old, or not an event; `signature` says which."""

    def __init__(self, signature: Signature) -> None:
        super().__init__(signature.value)
        self.signature = signature


class Verify(Protocol):
    """Reads an event from the raw body that came, once the signature over it holds."""

    def __call__(
        self, payload: bytes, signature: str | None, secret: str, *, now: datetime
    ) -> ProviderEvent:
        """Return the event.

        Raises:
            EventRefused: with what came of the check.
        """
        ...


def check_secret(secret: str) -> None:
    """Refuse where there is none: what is signed with nothing can be signed by anybody."""
    if not secret:
        raise EventRefused(Signature.UNCHECKED)


def check_age(stamp: str, now: datetime) -> None:
    """Refuse a stamp, in seconds since 1970, that is far from now or no time at all."""
    try:
        signed_at = datetime.fromtimestamp(int(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        raise EventRefused(Signature.BAD) from None
    if abs(now - signed_at) > TOLERANCE:
        raise EventRefused(Signature.TOO_OLD)


class _Wire(BaseModel):
    """What both of ours call alike. A kind is a word, so that no list of kinds can be filled."""

    model_config = ConfigDict(extra="ignore", strict=True)
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,100}$")]
    type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]{0,79}$")]
    data: dict[str, Any]


def read_event(payload: bytes, created: str) -> ProviderEvent:
    """Return what a signed payload tells; `created` is what the provider calls its instant."""
    try:
        body = from_json(payload)
        wire = _Wire.model_validate(body)
        happened_at = _INSTANT.validate_python(body.get(created))
    except ValueError:
        # Without the cause, which quotes the payload.
        raise EventRefused(Signature.NOT_AN_EVENT) from None
    facts = redacted(body)
    return ProviderEvent(
        event_ref=wire.id,
        kind=wire.type,
        object_ref=id_in(object_in(facts), "id"),
        happened_at=happened_at,
        facts=facts,
    )

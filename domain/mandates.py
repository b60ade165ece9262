"""The permission to book alone: what it allows, what it says, and how far a price may move."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from babel.dates import format_date

from domain.ids import CampaignId
from domain.money import Money
from domain.values import Value


class Mandate(Value):
    """A traveller's consent to one charge of at most `cap` for one campaign."""

    id: UUID
    campaign_id: CampaignId
    cap: Money
    text_version: str
    consented_at: datetime
    revoked_at: datetime | None = None
    expires_at: datetime


class MandateRefusal(StrEnum):
    NOT_YET_GIVEN = "not_yet_given"
    REVOKED = "revoked"
    EXPIRED = "expired"
    OTHER_CURRENCY = "other_currency"
    ABOVE_CAP = "above_cap"


class MandateProblem(Value):
    """Why the mandate does not allow a booking, in a traveller's words."""

    kind: MandateRefusal
    words: str


def may_book(mandate: Mandate, total: Money, now: datetime) -> MandateProblem | None:
    """Return what forbids charging `total` at `now`, or None if the mandate allows it.

    `total` is everything that would be charged, bags included.
    """
    cap = mandate.cap
    if now < mandate.consented_at:
        return _problem(MandateRefusal.NOT_YET_GIVEN, "the consent was not given yet")
    if mandate.revoked_at is not None and mandate.revoked_at <= now:
        return _problem(MandateRefusal.REVOKED, "you withdrew your consent")
    if mandate.expires_at <= now:
        return _problem(MandateRefusal.EXPIRED, "your consent has run out")
    if total.currency != cap.currency:
        return _problem(
            MandateRefusal.OTHER_CURRENCY,
            f"you allowed a charge in {cap.currency}, not in {total.currency}",
        )
    if total > cap:
        return _problem(
            MandateRefusal.ABOVE_CAP, f"{total} is {total - cap} above the {cap} that you allowed"
        )
    return None


def _problem(kind: MandateRefusal, words: str) -> MandateProblem:
    return MandateProblem(kind=kind, words=words)


def within_tolerance(matched: Money, found: Money, tolerance_percent: Decimal) -> bool:
    """Say whether the price found now is close enough to the one that was matched.

    Relative to the matched price only: it lifts neither budget nor mandate, which the caller
    checks besides. A lower price is always close enough.

    Raises:
        CurrencyMismatch: the two prices are in different currencies.
    """
    return found <= matched.plus_percent(max(tolerance_percent, Decimal(0)))


CURRENT_CONSENT = "2026-11"

# A version is never edited once somebody has consented to it: add the next one instead.
CONSENT_TEXTS = MappingProxyType(
    {
        "2026-11": (
            "I allow Parker Flight to charge the card of this wish once, without asking me again, "
            "at most {cap} in all, as soon as it finds flights that satisfy this wish. "
            "The airline's fare decides the amount; bags that I asked for are included. "
            "Parker Flight first holds the money, and charges it only when the seats are booked. "
            "This permission ends on {expires}. I can withdraw it at any time by cancelling or "
            "pausing the wish; a booking that is already being placed will finish."
        ),
    }
)


def consent_text(version: str, cap: Money, expires: datetime) -> str:
    """Return the words that a traveller agrees to.

    Raises:
        KeyError: there is no text of that version.
    """
    day = format_date(expires.date(), "d MMMM yyyy", locale="en")
    return CONSENT_TEXTS[version].format(cap=cap, expires=day)

"""The permission to book alone: what it allows, what it says, and how far a price may move."""

import re
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Self
from uuid import UUID

from babel.dates import format_date

from domain.campaigns import BookingMode
from domain.criteria import Criteria
from domain.ids import CampaignId
from domain.mandate_document import MandateDocument, MandateKind
from domain.money import Money
from domain.offers import DatePair, Party
from domain.values import Value

_FLIGHT = re.compile(r"(?:^|[|+])([A-Z0-9]{2})[0-9]{1,4}[A-Z]?@")


class Mandate(Value):
    """A traveller's consent to one charge of at most `cap` for one campaign."""

    id: UUID
    campaign_id: CampaignId
    cap: Money
    text_version: str
    consented_at: datetime
    revoked_at: datetime | None = None
    expires_at: datetime

    @classmethod
    def of(cls, document: MandateDocument, revoked_at: datetime | None) -> Self:
        """Return what a document whose signatures hold allows."""
        return cls(
            id=document.mandate_id,
            campaign_id=CampaignId(document.campaign_id),
            cap=min(document.cap_each, document.cap_total),
            text_version=document.consent.version,
            consented_at=document.issued_at,
            revoked_at=revoked_at,
            expires_at=document.expires_at,
        )


class Charge(Value):
    """What is about to be booked and charged, as the rows have it.

    `used` is what other attempts have taken under the same mandate. What is not known yet, the
    flights at a match, is None.
    """

    campaign_id: UUID
    owner_id: UUID
    mode: BookingMode
    criteria_version: int
    criteria: Criteria
    party: Party
    traveler_ids: tuple[UUID, ...]
    named_card_id: UUID | None
    card_id: UUID | None = None
    total: Money
    used: Money
    pair: DatePair | None = None
    itinerary_key: str | None = None


class MandateRefusal(StrEnum):
    NOT_YET_GIVEN = "not_yet_given"
    REVOKED = "revoked"
    EXPIRED = "expired"
    OTHER_CURRENCY = "other_currency"
    ABOVE_CAP = "above_cap"
    USED_UP = "used_up"
    NOT_SIGNED = "not_signed"  # given before consents were signed
    NOT_GENUINE = "not_genuine"  # a byte of it is not as it was signed
    OTHER_WISH = "other_wish"
    OTHER_CARD = "other_card"
    OTHER_FLIGHTS = "other_flights"
    OTHER_TRAVELLERS = "other_travellers"


# Asking again mends these; the others are the traveller's or the clock's last word.
NEEDS_CONSENT = frozenset(
    {
        MandateRefusal.NOT_SIGNED,
        MandateRefusal.NOT_GENUINE,
        MandateRefusal.OTHER_WISH,
        MandateRefusal.OTHER_CARD,
        MandateRefusal.OTHER_TRAVELLERS,
    }
)


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


def covers(document: MandateDocument, charge: Charge) -> MandateProblem | None:
    """Return how a charge differs from what was signed, or None; time is `may_book`'s matter."""
    wish = (
        document.campaign_id == charge.campaign_id
        and document.owner_id == charge.owner_id
        and document.mode is charge.mode
        and document.criteria_version == charge.criteria_version
        and document.allows_wish(charge.criteria)
    )
    if not wish:
        return _problem(MandateRefusal.OTHER_WISH, "you consented to another wish")
    travelling = tuple(one.traveler_id for one in document.travelers)
    if document.party != charge.party or travelling != charge.traveler_ids:
        return _problem(MandateRefusal.OTHER_TRAVELLERS, "you consented for other travellers")
    # What is allowed once names the card itself, also where the wish takes the default.
    once = document.kind is MandateKind.ALLOW_ONCE
    if (document.card_id != charge.named_card_id and not once) or (
        document.card_id and charge.card_id and document.card_id != charge.card_id
    ):
        return _problem(MandateRefusal.OTHER_CARD, "you consented to another card")
    if not _flights_covered(document, charge):
        return _problem(MandateRefusal.OTHER_FLIGHTS, "you consented to other flights")
    total, used = charge.total, charge.used
    if total.currency != document.currency:
        return None  # `may_book` says so
    if total > document.cap_each:
        return _problem(
            MandateRefusal.ABOVE_CAP, f"{total} is above the {document.cap_each} that you allowed"
        )
    if used + total > document.cap_total:
        return _problem(
            MandateRefusal.USED_UP,
            f"{total} and the {used} taken before are above the {document.cap_total} in all "
            "that you allowed",
        )
    return None


def _flights_covered(document: MandateDocument, charge: Charge) -> bool:
    pair, key = charge.pair, charge.itinerary_key
    if document.kind is MandateKind.ALLOW_ONCE and key is not None:
        return key == document.itinerary_key
    if pair is not None:
        nights = (pair.returns_on - pair.departs_on).days if pair.returns_on else None
        within = document.departure_from <= pair.departs_on <= document.departure_until
        least, most = document.nights_min, document.nights_max
        stay = (
            nights is None
            if least is None or most is None
            else nights is not None and least <= nights <= most
        )
        if not (within and stay and pair.cabin is document.cabin):
            return False
    carriers = carriers_of(key) if key else frozenset()
    wanted = frozenset(document.airlines_wanted) or carriers
    return carriers <= wanted - frozenset(document.airlines_excluded)


def carriers_of(itinerary_key: str) -> frozenset[str]:
    """Return the airlines that sell the flights which an itinerary's key names."""
    return frozenset(_FLIGHT.findall(itinerary_key))


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
        "2026-11-asked": (
            "I allow Parker Flight to charge the card of this wish once, for flights that I have "
            "said yes to, at most {cap} in all. It asks me each time it finds flights that satisfy "
            "this wish; until I say yes nothing is held or charged. "
            "The airline's fare decides the amount; bags that I asked for are included. "
            "Parker Flight first holds the money, and charges it only when the seats are booked. "
            "This permission ends on {expires}. I can withdraw it at any time by cancelling or "
            "pausing the wish; a booking that is already being placed will finish."
        ),
    }
)
ASKED_CONSENT = "2026-11-asked"
CURRENT_CONSENTS = frozenset({CURRENT_CONSENT, ASKED_CONSENT})


def consent_for(mode: BookingMode) -> str:
    """Return the version of the text that says what is allowed in this mode."""
    return ASKED_CONSENT if mode is BookingMode.ASK_ME_FIRST else CURRENT_CONSENT


CURRENT_ALLOWANCE = "2026-11-once"

# As above: a version is never edited, another is added.
ALLOWANCE_TEXTS = MappingProxyType(
    {
        "2026-11-once": (
            "I allow Parker Flight to charge the card of this wish once, without asking me again, "
            "at most {cap} in all, for these flights and no others: {flights}. They are searched "
            "afresh first; if they are gone or cost more than that, nothing is booked or charged. "
            "This permission ends at {expires} and leaves the budget of the wish as it is. I can "
            "withdraw it by cancelling or pausing the wish; a booking that is already being placed "
            "will finish."
        ),
    }
)


def allowance_text(version: str, cap: Money, flights: str, expires: datetime) -> str:
    """Return the words with which a traveller allows certain flights once.

    Raises:
        KeyError: there is no text of that version.
    """
    moment = f"{expires:%H:%M} UTC on {format_date(expires.date(), 'd MMMM yyyy', locale='en')}"
    return ALLOWANCE_TEXTS[version].format(cap=cap, flights=flights, expires=moment)


def consent_text(version: str, cap: Money, expires: datetime) -> str:
    """Return the words that a traveller agrees to.

    Raises:
        KeyError: there is no text of that version.
    """
    day = format_date(expires.date(), "d MMMM yyyy", locale="en")
    return CONSENT_TEXTS[version].format(cap=cap, expires=day)

"""What happened to a wish, in people's words: one sentence an event, and none for the machinery."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from domain.attempts import FailureReason
from domain.money import Money
from domain.values import Value


class StoryFacts(Value):
    """What sentences may mention besides the event's own data."""

    currency: str
    caps: Mapping[int, Money] = {}  # what each version of the wish allowed to be charged


class StoryLine(Value):
    """`hot` marks what changed the money, the seats or what is asked of the traveller."""

    at: datetime
    words: str
    hot: bool = False


class DayFare(Value):
    """The best fare that fitted a wish on one day; None where no offer did."""

    day: date
    best_minor: int | None
    at: datetime


BECAUSE = {
    FailureReason.OFFER_GONE: "the flights were sold before we could book them",
    FailureReason.PRICE_ROSE: "the price rose above what you allow",
    FailureReason.CRITERIA_NOT_MET: "the flights no longer satisfied your wish",
    FailureReason.CARD_DECLINED: "your card was declined",
    FailureReason.CARD_TRY_LATER: "your card could not be charged just then",
    FailureReason.AUTHENTICATION_LAPSED: "your bank did not get your confirmation in time",
    FailureReason.WITHDRAWN: "the wish was stopped or changed",
    FailureReason.ORDER_REFUSED: "the airline refused the booking",
    FailureReason.ORDER_NEVER_HAPPENED: "the airline never confirmed the booking",
    FailureReason.CAPTURE_REFUSED: "your bank refused the charge after it had agreed to it",
    FailureReason.TRAVELLER_DATA: "the airline did not accept a traveller's details",
    FailureReason.ALLOWANCE_LAPSED: "the minutes for which you had allowed it were over",
    FailureReason.BOOKING_STOPPED: "booking is stopped for everybody for the moment",
    FailureReason.PROVIDER_UNAVAILABLE: "the airline could not be reached",
}
_NEEDS = {
    "no_card": "there is no card that we can use",
    "consent_needed": "your consent does not cover it as it is now",
}


def story_line(
    kind: str, data: Mapping[str, Any], at: datetime, facts: StoryFacts
) -> StoryLine | None:
    """Return the sentence for an event; None for one that tells a person nothing new."""
    writer = _WRITERS.get(kind)
    if writer is None:
        return None
    words = writer(data, facts) if callable(writer) else writer
    return StoryLine(at=at, words=words, hot=kind in _HOT)


def fare_lines(days: Sequence[DayFare], budget: Money) -> list[StoryLine]:
    """Return what the fares themselves did: the closest yet, and the change of the last day."""
    seen = [(one.best_minor, one) for one in days if one.best_minor is not None]
    if not seen:
        return []
    lines = []
    lowest, nearest = min(seen, key=lambda pair: pair[0])
    best = Money(minor=lowest, currency=budget.currency)
    if len(seen) > 1:
        lines.append(StoryLine(at=nearest.at, words=f"{best.short()}{_off(best, budget)}."))
        (before, _), (now, newest) = seen[-2:]
        change = Money(minor=abs(now - before), currency=budget.currency)
        if change.minor and newest is not nearest:
            how = "fell" if now < before else "rose"
            fare = Money(minor=now, currency=budget.currency).figure()
            words = f"Best fare {how} {change.short()} to {fare}."
            lines.append(StoryLine(at=newest.at, words=words, hot=now < before))
    return lines


def _off(best: Money, budget: Money) -> str:
    if best <= budget:
        return ", within your budget: the lowest yet"
    return f", {(best - budget).figure()} above your budget: the closest yet"


_Data = Mapping[str, Any]


def _amount(data: _Data, facts: StoryFacts) -> str:
    currency = data.get("currency", facts.currency)
    for name in ("amount_minor", "matched_minor", "price_minor"):
        if name in data:
            return Money(minor=data[name], currency=currency).short()
    return "the fare"


def _because(data: _Data) -> str:
    reason = str(data.get("reason"))
    if reason in _NEEDS:
        return f": {_NEEDS[reason]}"
    because = BECAUSE.get(FailureReason(reason)) if reason in set(FailureReason) else None
    return f": {because}" if because else ""


def _reference(data: _Data) -> str:
    reference = data.get("booking_reference")
    return f" under {reference}" if reference else ""


def _created(data: _Data, facts: StoryFacts) -> str:
    cap = facts.caps.get(int(data.get("criteria_version", 1)))
    allowed = f"; you allowed one charge of at most {cap.short()}" if cap else ""
    return f"Wish made{allowed}."


def _edited(data: _Data, facts: StoryFacts) -> str:
    old, new = data.get("budget_was_minor"), data.get("budget_minor")
    currency = data.get("currency", facts.currency)
    if old is not None and new is not None and old != new:
        verb = "raised" if new > old else "lowered"
        before = Money(minor=old, currency=currency).figure()
        after = Money(minor=new, currency=currency).short()
        more = " and changed other things" if data.get("shape_changed") else ""
        return f"You {verb} the budget from {before} to {after}{more}."
    return "You changed the wish."


def _watching_again(data: _Data, _facts: StoryFacts) -> str:
    because = _because(data)
    return (
        f"Not booked{because}. Nothing was charged; we go on watching."
        if because
        else ("We go on watching.")
    )


def _refused(data: _Data, _facts: StoryFacts) -> str:
    again = " We search the flights again." if data.get("again") else ""
    return f"The airline said no{_because(data)}.{again}"


def _cancelled(data: _Data, _facts: StoryFacts) -> str:
    by_airline = data.get("cancelled_by") == "airline"
    return f"{'The airline' if by_airline else 'You'} cancelled the booking."


_Writer = Callable[[_Data, StoryFacts], str] | str
_WRITERS: dict[str, _Writer] = {
    "campaign.created": _created,
    "campaign.edited": _edited,
    "campaign.paused": "You paused the wish.",
    "campaign.resumed": "You resumed the wish.",
    "campaign.cancelled": "You cancelled the wish. Nothing more is searched or charged.",
    "campaign.restored": "You took that back; the wish is as it was.",
    "campaign.expired": "The wish ended without a booking. Nothing was charged.",
    "campaign.expiring_soon": "The wish ends soon; we wrote to you.",
    "campaign.approved": "You said yes.",
    "campaign.allowed_once": lambda data, facts: (
        f"You allowed {_amount(data, facts)} once, for certain flights."
    ),
    "campaign.consented": "You consented to be charged for it.",
    "campaign.fare_found": lambda data, facts: (
        f"Flights for {_amount(data, facts)} fit; we told you. Nothing was booked."
    ),
    "campaign.watching_again": _watching_again,
    "campaign.needs_action": lambda data, _: f"The wish stopped{_because(data)}.",
    "campaign.booking": lambda data, facts: (
        f"Flights for {_amount(data, facts)} found; booking began."
    ),
    "campaign.booked": lambda data, _: f"Booked{_reference(data)}.",
    "proposal.opened": lambda data, facts: (
        f"Flights for {_amount(data, facts)} found; we asked you."
    ),
    "proposal.rejected": "You said no to the flights.",
    "proposal.lapsed": "Your answer did not come in time; the flights were let go.",
    "proposal.void": "The flights that were offered to you are off the table.",
    "attempt.authorising": lambda data, _: (
        f"We asked your bank to hold {_plain(data)}. Nothing was charged."
    ),
    "attempt.awaiting_authentication": "Your bank asked you to confirm.",
    "attempt.authenticated": "Your bank got your confirmation.",
    "attempt.ordering": "We asked the airline for the seats.",
    "attempt.compensating": "The booking did not work out; we undo what was begun.",
    "attempt.failed": lambda data, _: f"The booking did not come about{_because(data)}.",
    "order.placed": lambda data, _: f"Your seats are booked{_reference(data)}.",
    "order.refused": _refused,
    "order.unknown": "The airline gave no clear answer. We find out before anything else is done.",
    "order.given_back": "The seats were given back to the airline, in full.",
    "payment.authorised": lambda data, facts: (
        f"Your bank holds {_amount(data, facts)}. Nothing was charged."
    ),
    "payment.declined": "Your bank said no. Nothing was charged.",
    "payment.captured": lambda data, facts: f"{_amount(data, facts)} charged to your card, once.",
    "payment.released": "The hold on your card was released.",
    "payment.refund_begun": lambda data, facts: (
        f"We are giving {_amount(data, facts)} back to your card."
    ),
    "payment.refund_failed": lambda data, facts: (
        f"Your bank did not take {_amount(data, facts)} back; a person of ours looks after it."
    ),
    "payment.refunded": lambda data, facts: f"{_amount(data, facts)} given back to your card.",
    "booking.ticketed": "Your tickets are issued.",
    "booking.schedule_changed": "The airline changed your flights.",
    "booking.change_accepted": "You took the airline's new flights.",
    "booking.others_asked": "You asked us for other flights; a person looks for them.",
    "booking.cancelling": "You asked us to cancel the booking.",
    "booking.not_cancelled": "The airline did not accept the cancellation. The booking stands.",
    "booking.cancelled": _cancelled,
    "booking.flown": "The trip was flown.",
}
# Steps that another event of the same moment tells better.
SILENT = frozenset(
    {
        "attempt.captured",
        "attempt.validating",
        "booking.paid",
        "campaign.closed",
        "payment.authentication_required",
        "proposal.approved",
    }
)
_HOT = frozenset(
    {
        "attempt.awaiting_authentication",
        "campaign.booked",
        "campaign.needs_action",
        "order.placed",
        "order.unknown",
        "payment.captured",
        "payment.refunded",
        "proposal.opened",
    }
)


def told(kind: str) -> bool:
    """Say whether an event of this kind has a sentence."""
    return kind in _WRITERS


def _plain(data: _Data) -> str:
    """Read an amount that the event has as people write it."""
    if "amount" in data and "currency" in data:
        return Money.parse(data["amount"], data["currency"]).short()
    return "the fare"

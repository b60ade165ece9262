"""What we write to a traveller: first what is so, then the money, then what comes next."""

from collections.abc import Mapping
from typing import Any

from domain.account_notices import ACCOUNT_WRITERS, BECAUSE
from domain.attempts import FailureReason
from domain.itineraries import Itinerary
from domain.money import Money
from domain.values import Value


class NoticeFacts(Value):
    """What a message may be made of. `link` leads to the one thing to do, if there is one."""

    wish: str
    data: Mapping[str, Any]
    itinerary: Itinerary | None = None
    tickets: tuple[str, ...] = ()
    link: str | None = None
    sandbox: bool = False


class Message(Value):
    subject: str
    text: str


_WHY = {
    FailureReason.OFFER_GONE: "the flights were sold before we could book them",
    FailureReason.PRICE_ROSE: "the price rose above what you allow",
    FailureReason.CRITERIA_NOT_MET: "the flights no longer satisfied your wish",
    FailureReason.ORDER_REFUSED: "the airline refused the booking",
    FailureReason.ORDER_NEVER_HAPPENED: "the airline never confirmed the booking",
    FailureReason.PROVIDER_UNAVAILABLE: "the airline could not be reached",
    FailureReason.BOOKING_STOPPED: "booking is stopped for everybody for the moment",
    FailureReason.CARD_TRY_LATER: "your card could not be charged just now",
}
_ACTION = {
    "card_declined": (
        "Your card was declined",
        "Add another card or make another one the default, then resume the wish.",
    ),
    "authentication_lapsed": (
        "Your bank was waiting for you",
        "Resume the wish; when the next match needs your bank again, answer within 24 hours.",
    ),
    "capture_refused": (
        "Your card could not be charged",
        "Add another card, then resume the wish.",
    ),
    "traveller_data": (
        "A traveller's details need a look",
        "Check names, birth dates and documents, then resume the wish.",
    ),
    "no_card": ("There is no card to pay with", "Add a card, then resume the wish."),
}


def compose(event: str, facts: NoticeFacts) -> Message:
    """Write the message of an event.

    Raises:
        KeyError: nobody has written a message for this event.
    """
    account = event in ACCOUNT_WRITERS
    write = ACCOUNT_WRITERS[event](facts.data) if account else _WRITERS[event](facts)
    subject, paragraphs = write
    if facts.link:
        paragraphs.append(facts.link)
    paragraphs.append(BECAUSE if account else f"You get this because of your wish: {facts.wish}.")
    if facts.sandbox:
        subject = f"[SANDBOX] {subject}"
        paragraphs.append("SANDBOX: no real flight was booked and no real money moved.")
    return Message(subject=subject, text="\n\n".join(paragraphs) + "\n")


def _booked(facts: NoticeFacts) -> tuple[str, list[str]]:
    reference = facts.data["booking_reference"]
    price = _money(facts, "price_minor")
    return (
        f"Booked: {reference}",
        [
            f"Your flights are booked. Booking reference {reference}.",
            f"We charged {price} to your card, once. The tickets are being issued.",
            *_flights(facts),
            "You need to do nothing now. We watch the booking until you have flown.",
        ],
    )


def _ticketed(facts: NoticeFacts) -> tuple[str, list[str]]:
    reference = facts.data["booking_reference"]
    return (
        f"Your tickets for {reference}",
        [
            (
                f"Your tickets are issued: {', '.join(facts.tickets) or 'see the booking'}. "
                f"Booking reference {reference}."
            ),
            "Nothing more is charged.",
            *_flights(facts),
        ],
    )


def _failed(facts: NoticeFacts) -> tuple[str, list[str]]:
    why = _WHY.get(FailureReason(facts.data["reason"]), "the booking did not come about")
    return (
        "We tried to book and did not",
        [
            f"We found flights for you, but {why}.",
            "Nothing was charged; what was held on your card has been released.",
            "We go on watching. You need to do nothing.",
        ],
    )


def _action_needed(facts: NoticeFacts) -> tuple[str, list[str]]:
    what, remedy = _ACTION.get(facts.data["reason"], ("Your wish needs you", "Open it to see why."))
    return (
        what,
        [
            f"{what}. Nothing was charged{_seat(facts)}.",
            f"Your wish is paused until you act. {remedy}",
        ],
    )


def _seat(facts: NoticeFacts) -> str:
    """Say nothing of the seat where a person still has to give it back."""
    return "" if facts.data["reason"] == "capture_refused" else " and no seat is held"


def _authentication(facts: NoticeFacts) -> tuple[str, list[str]]:
    amount = _money(facts, "amount_minor")
    return (
        "Your bank asks for you",
        [
            (
                f"We found flights and want to hold {amount} on your card. Your bank asks you to "
                "confirm it. Nothing is charged or held yet."
            ),
            (
                "The link below leads to your bank and is good until "
                f"{facts.data['lapses_at'][:16]} UTC. After that we let these flights go."
            ),
        ],
    )


def _approval(facts: NoticeFacts) -> tuple[str, list[str]]:
    price = _money(facts, "price_minor")
    return (
        f"Flights for {price}: shall we book?",
        [
            f"We found flights for {price} that satisfy your wish.",
            (
                "Nothing is held and nothing is charged. If you approve, we search them afresh and "
                "book them at this price or below."
            ),
            *_flights(facts),
            f"Please answer by {facts.data['expires_at'][:16]} UTC; after that we go on watching.",
        ],
    )


def _expiring(facts: NoticeFacts) -> tuple[str, list[str]]:
    return (
        "Your wish ends soon",
        [
            f"Your wish ends on {facts.data['ends_at'][:10]} and is not booked yet.",
            (
                "Nothing was charged. A higher budget or wider dates may help; "
                "you can edit the wish until then."
            ),
        ],
    )


def _expired(facts: NoticeFacts) -> tuple[str, list[str]]:
    del facts
    return (
        "Your wish has ended",
        [
            "Your wish has ended without a booking: no flights satisfied it in time.",
            "Nothing was charged and nothing is held. You can make a new wish at any time.",
        ],
    )


def _cancelled(facts: NoticeFacts) -> tuple[str, list[str]]:
    reference = facts.data["booking_reference"]
    by_airline = facts.data.get("cancelled_by") == "airline"
    who = "The airline has cancelled" if by_airline else "We have cancelled"
    if by_airline:
        money = "You do not pay for flights that are not flown: the refund follows by itself."
    elif facts.data.get("refund_minor") == 0:
        money = "As the quote said, this fare gives nothing back."
    else:
        money = "What comes back to your card, and when, is told in a message of its own."
    return (f"Cancelled: {reference}", [f"{who} your booking {reference}.", money])


def _refunded(facts: NoticeFacts) -> tuple[str, list[str]]:
    amount = _money(facts, "refund_minor")
    return (
        f"Refund of {amount}",
        [
            f"We have given {amount} back to your card.",
            "It usually arrives within 5 to 10 business days, depending on your bank.",
        ],
    )


def _refund_by_person(facts: NoticeFacts) -> tuple[str, list[str]]:
    del facts
    return (
        "Your refund is being looked at",
        [
            (
                "The airline gives back something other than money to your card "
                "(a voucher, a credit, or it does not say how much)."
            ),
            "A person is looking at it and will write to you.",
        ],
    )


def _not_cancellable(facts: NoticeFacts) -> tuple[str, list[str]]:
    reference = facts.data["booking_reference"]
    return (
        f"Not cancelled: {reference}",
        [
            f"The airline did not accept the cancellation of {reference}. Your booking stands.",
            "Nothing was charged or given back. Ask for a new quote to try again.",
        ],
    )


def _schedule(facts: NoticeFacts) -> tuple[str, list[str]]:
    reference = facts.data["booking_reference"]
    return (
        f"The airline changed your flights: {reference}",
        [f"The airline changed the flights of your booking {reference}.", *_flights(facts)],
    )


_WRITERS = {
    "booked": _booked,
    "ticketed": _ticketed,
    "failed": _failed,
    "action_needed": _action_needed,
    "no_card": _action_needed,
    "authentication_required": _authentication,
    "approval_needed": _approval,
    "expiring_soon": _expiring,
    "expired": _expired,
    "booking_cancelled": _cancelled,
    "refunded": _refunded,
    "refund_by_person": _refund_by_person,
    "not_cancellable": _not_cancellable,
    "schedule_changed": _schedule,
}


def _money(facts: NoticeFacts, name: str) -> Money:
    return Money(minor=facts.data[name], currency=facts.data["currency"])


def _flights(facts: NoticeFacts) -> list[str]:
    if facts.itinerary is None:
        return []
    lines = []
    for leg in facts.itinerary.slices:
        for s in leg.segments:
            over = (s.arriving_at.date() - s.departing_at.date()).days
            plus = f" +{over}" if over else ""
            lines.append(
                f"{s.departing_at:%a %d %b %Y}  {s.marketing_carrier}{s.flight_number}  "
                f"{s.origin} {s.departing_at:%H:%M} - {s.destination} {s.arriving_at:%H:%M}{plus}"
            )
    return ["\n".join(lines) + "\n(times are local to each airport)"]

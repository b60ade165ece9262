"""The one status that people read, derived from the states of campaign, attempt and booking.

Each sentence says what is so, what it means for the money, and what comes next.
"""

from datetime import date
from enum import StrEnum
from typing import assert_never

from babel.dates import format_date

from domain.attempts import AttemptState, FailureReason
from domain.campaigns import CampaignState
from domain.money import Money
from domain.orders import BookingState
from domain.values import Value


class StatusCode(StrEnum):
    """Stable words for API and styles; the sentence is what people read."""

    WATCHING = "watching"
    ASLEEP = "asleep"
    YOUR_CONSENT = "your_consent"
    YOUR_ANSWER = "your_answer"
    CHECKING_PRICE = "checking_price"
    HOLDING_MONEY = "holding_money"
    CONFIRM_WITH_BANK = "confirm_with_bank"
    BOOKING_SEATS = "booking_seats"
    OUTCOME_UNKNOWN = "outcome_unknown"
    CHARGING = "charging"
    UNDOING = "undoing"
    NEEDS_YOU = "needs_you"
    PAUSED = "paused"
    TICKETING = "ticketing"
    BOOKED = "booked"
    CANCELLING = "cancelling"
    BOOKING_CANCELLED = "booking_cancelled"
    FLOWN = "flown"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class DisplayStatus(Value):
    code: StatusCode
    sentence: str


class StatusFacts(Value):
    """What the sentence may mention; everything is optional and left out where unknown."""

    opens_on: date | None = None
    best: Money | None = None
    budget: Money | None = None
    price: Money | None = None  # of the attempt or the booking
    booking_reference: str | None = None
    reason: FailureReason | None = None
    undoable: bool = False  # cancelled a moment ago
    books: bool = True  # False: the wish only tells


NEEDS_YOU = {
    FailureReason.CARD_DECLINED: "Your card was declined. Nothing was charged and no seat is held. "
    "We look again once you have chosen another card.",
    FailureReason.AUTHENTICATION_LAPSED: "Your bank did not get your confirmation in time. "
    "Nothing was charged and no seat is held. Resume the wish to go on.",
    FailureReason.CAPTURE_REFUSED: "Your bank refused the charge after it had agreed to it. "
    "Please choose another card.",
    FailureReason.CONSENT_NEEDED: "We need your consent again: what you agreed to does not cover "
    "this wish as it is now. Nothing is held and nothing was charged.",
    FailureReason.TRAVELLER_DATA: "The airline did not accept a traveller's details. "
    "Nothing was charged and no seat is held. Correct them, then resume the wish.",
}

_YOUR_CONSENT = (
    "This wish waits for your consent. Until you give it nobody looks for flights and nothing is "
    "charged."
)


def display_status(
    campaign: CampaignState,
    attempt: AttemptState | None = None,
    booking: BookingState | None = None,
    facts: StatusFacts | None = None,
) -> DisplayStatus:
    """Return the status of a campaign with its newest attempt and its booking, if there are any."""
    known = facts or StatusFacts()
    if booking is not None:
        return _of_booking(booking, known)
    if attempt is not None and campaign is CampaignState.BOOKING:
        return _of_attempt(attempt, known)
    return _of_campaign(campaign, known)


def _of_campaign(  # noqa: C901  # one case a state
    state: CampaignState, facts: StatusFacts
) -> DisplayStatus:
    match state:
        case CampaignState.AWAITING_CONSENT:
            return _say(StatusCode.YOUR_CONSENT, _YOUR_CONSENT)
        case CampaignState.ACTIVE if facts.opens_on is not None:
            return _say(
                StatusCode.ASLEEP,
                f"Asleep until {_day(facts.opens_on)}, when airlines begin to sell your dates. "
                "Nothing is held or charged.",
            )
        case CampaignState.ACTIVE:
            return _say(StatusCode.WATCHING, _watching(facts))
        case CampaignState.AWAITING_APPROVAL:
            return _say(
                StatusCode.YOUR_ANSWER,
                f"We found flights{_for(facts.price)} and wait for your answer. "
                "No seat is held and nothing is charged until you say yes.",
            )
        case CampaignState.BOOKING:
            return _say(StatusCode.CHECKING_PRICE, _checking(facts))
        case CampaignState.NEEDS_ACTION:
            other = "The wish has stopped and needs you. Nothing was charged and no seat is held."
            return _say(
                StatusCode.NEEDS_YOU, NEEDS_YOU.get(facts.reason, other) if facts.reason else other
            )
        case CampaignState.PAUSED:
            return _say(
                StatusCode.PAUSED,
                "Paused. Nobody looks for flights and nothing is charged until you resume it.",
            )
        case CampaignState.BOOKED:
            return _say(StatusCode.BOOKED, f"Your seats are booked{_reference(facts)}.")
        case CampaignState.CANCELLED:
            return _say(
                StatusCode.CANCELLED,
                "You cancelled this wish a moment ago and can still take that back. "
                "Nothing was booked or charged."
                if facts.undoable
                else "You cancelled this wish. Nothing was booked or charged.",
            )
        case CampaignState.EXPIRED:
            return _say(
                StatusCode.EXPIRED,
                "This wish has ended without a booking. Nothing was charged.",
            )
    assert_never(state)


def _of_attempt(state: AttemptState, facts: StatusFacts) -> DisplayStatus:
    match state:
        case AttemptState.VALIDATING:
            return _say(StatusCode.CHECKING_PRICE, _checking(facts))
        case AttemptState.AUTHORISING:
            return _say(
                StatusCode.HOLDING_MONEY,
                f"We are asking your bank to hold {_amount(facts)}. Nothing is charged yet.",
            )
        case AttemptState.AWAITING_AUTHENTICATION:
            return _say(
                StatusCode.CONFIRM_WITH_BANK,
                f"Your bank wants you to confirm {_amount(facts)}. "
                "Nothing is charged and no seat is held until you do.",
            )
        case AttemptState.ORDERING:
            return _say(
                StatusCode.BOOKING_SEATS,
                f"We are booking your seats with the airline. {_holding(facts)}, "
                "nothing is charged yet.",
            )
        case AttemptState.ORDER_UNKNOWN:
            return _say(
                StatusCode.OUTCOME_UNKNOWN,
                "We asked the airline and got no clear answer. We are checking and will not try "
                "again until we know. You will not be booked twice.",
            )
        case AttemptState.CAPTURING:
            return _say(
                StatusCode.CHARGING,
                f"Your seats are booked{_reference(facts)}. We are charging {_amount(facts)} now.",
            )
        case AttemptState.CAPTURED:
            return _say(
                StatusCode.TICKETING,
                f"Your seats are booked{_reference(facts)} and paid. "
                "The airline is issuing your tickets.",
            )
        case AttemptState.COMPENSATING:
            return _say(
                StatusCode.UNDOING,
                "The booking did not work out. We are releasing the hold on your card.",
            )
        case AttemptState.FAILED:
            return _say(
                StatusCode.WATCHING, "The booking did not work out. Nothing is held or charged."
            )
    assert_never(state)


def _of_booking(state: BookingState, facts: StatusFacts) -> DisplayStatus:
    reference = _reference(facts)
    match state:
        case BookingState.ORDERED:
            return _say(
                StatusCode.CHARGING,
                f"Your seats are booked{reference}. We are charging {_amount(facts)} now.",
            )
        case BookingState.TICKETING:
            return _say(
                StatusCode.TICKETING,
                f"Your seats are booked{reference} and paid. The airline is issuing your tickets.",
            )
        case BookingState.TICKETED:
            return _say(StatusCode.BOOKED, f"You are booked{reference}. Your tickets are issued.")
        case BookingState.CANCELLING:
            return _say(
                StatusCode.CANCELLING,
                f"We are cancelling your booking{reference} with the airline. "
                "It stands until the airline has confirmed.",
            )
        case BookingState.CANCELLED:
            return _say(StatusCode.BOOKING_CANCELLED, f"This booking{reference} is cancelled.")
        case BookingState.FLOWN:
            return _say(StatusCode.FLOWN, f"This trip{reference} has been flown.")
    assert_never(state)


def _watching(facts: StatusFacts) -> str:
    quiet = (
        "Nothing was booked, nothing is held."
        if facts.books
        else "We tell you when one fits; nothing is booked or charged."
    )
    if facts.best is None:
        return f"Watching. No fare that fits has been seen yet. {quiet}"
    if facts.budget is None or facts.best.currency != facts.budget.currency:
        return f"The best fare today is {facts.best.short()}. {quiet}"
    if facts.best <= facts.budget:
        return f"The best fare today is {facts.best.short()}, within what you allow. {quiet}"
    over = (facts.best - facts.budget).figure()
    return f"The best fare today is {facts.best.short()}, {over} above what you allow. {quiet}"


def _checking(facts: StatusFacts) -> str:
    return (
        f"We found flights{_for(facts.price)} and are checking the price with the airline. "
        "Nothing is held or charged yet."
    )


def _say(code: StatusCode, sentence: str) -> DisplayStatus:
    return DisplayStatus(code=code, sentence=sentence)


def _day(day: date) -> str:
    return format_date(day, "d MMMM yyyy", locale="en")


def _for(price: Money | None) -> str:
    return f" for {price.short()}" if price else ""


def _amount(facts: StatusFacts) -> str:
    return facts.price.short() if facts.price else "the fare"


def _holding(facts: StatusFacts) -> str:
    return f"We hold {_amount(facts)} on your card"


def _reference(facts: StatusFacts) -> str:
    return f" under {facts.booking_reference}" if facts.booking_reference else ""

"""How far a wish and a booking have come, as steps with words; never a percentage.

A step is done, under way, ahead, or the one at which it stopped.
"""

from collections.abc import Mapping
from enum import StrEnum

from domain.attempts import PAST_NO_RETURN, AttemptState, FailureReason
from domain.campaigns import CampaignState
from domain.orders import BookingState
from domain.values import Value


class StepState(StrEnum):
    DONE = "done"
    NOW = "now"
    AHEAD = "ahead"
    STOPPED = "stopped"


class Step(Value):
    """One step: a stable key for styles and clients, its word, and a line on where it stands."""

    key: str
    word: str
    state: StepState
    line: str = ""


class Stage(StrEnum):
    """The pipeline of a wish (S2-57) under the names that its states have for people."""

    SEARCH = "search"
    SELECT = "select"
    MONITOR = "monitor"
    BOOK = "book"
    NOTIFY = "notify"


STAGE_WORDS = {
    Stage.SEARCH: "Searching",
    Stage.SELECT: "Found",
    Stage.MONITOR: "Checking",
    Stage.BOOK: "Booking",
    Stage.NOTIFY: "Complete",
}
_STAGES = tuple(Stage)


class BookingStep(StrEnum):
    PRICE = "price"
    CARD = "card"
    ORDER = "order"
    TICKET = "ticket"


BOOKING_WORDS = {
    BookingStep.PRICE: "Checking price",
    BookingStep.CARD: "Authorising card",
    BookingStep.ORDER: "Placing order",
    BookingStep.TICKET: "Issuing ticket",
}
_BOOKING_STEPS = tuple(BookingStep)
_AT = {
    AttemptState.VALIDATING: BookingStep.PRICE,
    AttemptState.AUTHORISING: BookingStep.CARD,
    AttemptState.AWAITING_AUTHENTICATION: BookingStep.CARD,
    AttemptState.ORDERING: BookingStep.ORDER,
    AttemptState.ORDER_UNKNOWN: BookingStep.ORDER,
    AttemptState.CAPTURING: BookingStep.ORDER,
    AttemptState.CAPTURED: BookingStep.TICKET,
}
_STEP_LINES = {
    AttemptState.AWAITING_AUTHENTICATION: "your bank waits for you",
    AttemptState.ORDER_UNKNOWN: "the airline has not answered clearly; we are finding out",
    AttemptState.CAPTURING: "your seats are booked; the card is being charged",
}
_STOPPED_AT_CARD = frozenset(
    {
        FailureReason.CARD_DECLINED,
        FailureReason.CARD_TRY_LATER,
        FailureReason.AUTHENTICATION_LAPSED,
    }
)
_ISSUED = frozenset({BookingState.TICKETED, BookingState.FLOWN})
_STOPPED = frozenset(
    {CampaignState.AWAITING_CONSENT, CampaignState.NEEDS_ACTION, CampaignState.PAUSED}
)
_GIVEN_UP = frozenset({CampaignState.CANCELLED, CampaignState.EXPIRED})


def stage_of(campaign: CampaignState, attempt: AttemptState | None = None) -> Stage:
    """Return the stage at which a wish is, or at which it stopped."""
    if campaign is CampaignState.BOOKED:
        return Stage.NOTIFY
    if campaign is CampaignState.AWAITING_APPROVAL:
        return Stage.SELECT
    if campaign is CampaignState.BOOKING:
        beginning = attempt in {None, AttemptState.VALIDATING}
        return Stage.MONITOR if beginning else Stage.BOOK
    return Stage.SEARCH


def wish_steps(
    campaign: CampaignState,
    attempt: AttemptState | None = None,
    lines: Mapping[Stage, str] | None = None,
) -> tuple[Step, ...]:
    """Return the five steps of a wish, each with the line that is given for it."""
    at = stage_of(campaign, attempt)
    here = StepState.NOW
    if campaign is CampaignState.BOOKED:
        here = StepState.DONE
    elif campaign in _STOPPED or campaign in _GIVEN_UP:
        here = StepState.STOPPED
    said = lines or {}
    return tuple(
        Step(
            key=stage.value,
            word=STAGE_WORDS[stage],
            state=_place(_STAGES.index(stage), _STAGES.index(at), here),
            line=said.get(stage, ""),
        )
        for stage in _STAGES
    )


def booking_steps(
    attempt: AttemptState,
    *,
    booking: BookingState | None = None,
    reason: FailureReason | None = None,
    order_sent: bool = False,
) -> tuple[Step, ...]:
    """Return the four steps of a booking in progress, in words that fit every seller."""
    at, here = _booking_step(attempt, booking, reason, order_sent=order_sent)
    line = _STEP_LINES.get(attempt, "") if here is StepState.NOW else ""
    return tuple(
        Step(
            key=step.value,
            word=BOOKING_WORDS[step],
            state=_place(_BOOKING_STEPS.index(step), _BOOKING_STEPS.index(at), here),
            line=line if step is at else "",
        )
        for step in _BOOKING_STEPS
    )


def can_close(attempt: AttemptState) -> bool:
    """Say whether nobody waits for the traveller: the page may be closed."""
    return attempt is not AttemptState.AWAITING_AUTHENTICATION


def will_finish(attempt: AttemptState | None) -> bool:
    """Say whether a booking already being placed will finish whatever the traveller does."""
    return attempt in PAST_NO_RETURN


def _booking_step(
    attempt: AttemptState,
    booking: BookingState | None,
    reason: FailureReason | None,
    *,
    order_sent: bool,
) -> tuple[BookingStep, StepState]:
    if attempt in {AttemptState.COMPENSATING, AttemptState.FAILED}:
        if order_sent:
            return BookingStep.ORDER, StepState.STOPPED
        card = reason in _STOPPED_AT_CARD
        return (BookingStep.CARD if card else BookingStep.PRICE), StepState.STOPPED
    if attempt is AttemptState.CAPTURED and booking in _ISSUED:
        return BookingStep.TICKET, StepState.DONE
    return _AT[attempt], StepState.NOW


def _place(index: int, at: int, here: StepState) -> StepState:
    if index == at:
        return here
    return StepState.DONE if index < at else StepState.AHEAD

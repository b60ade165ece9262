"""How long a booking took: what counts, and what is the bank's."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from domain.booking_time import PaymentChange, Wait, bank_waits, time_to_book
from domain.payments import PaymentState

DECIDED = datetime(2026, 11, 21, 9, tzinfo=UTC)
ASKED, AGREED = PaymentState.AUTHENTICATION_REQUIRED, PaymentState.AUTHORISED
seconds = st.integers(min_value=-100, max_value=400)


def at(second: int) -> datetime:
    return DECIDED + timedelta(seconds=second)


def change(payment: UUID, state: PaymentState, second: int) -> PaymentChange:
    return PaymentChange(payment_id=payment, state=state, at=at(second))


@st.composite
def waits(draw: st.DrawFn) -> list[Wait]:
    spans = draw(st.lists(st.tuples(seconds, seconds), max_size=5))
    return [Wait(begun_at=at(min(span)), ended_at=at(max(span))) for span in spans]


def waited(second: int, spans: list[Wait]) -> bool:
    return any(wait.begun_at <= at(second) < wait.ended_at for wait in spans)


def test_the_bank_is_waited_for_from_its_question_to_its_answer() -> None:
    first, second = uuid4(), uuid4()
    changes = [
        change(first, ASKED, 6),
        change(first, AGREED, 906),
        change(first, PaymentState.VOIDED, 910),  # dearer by then
        change(second, ASKED, 913),
        change(second, AGREED, 973),
        change(second, PaymentState.CAPTURED, 990),
    ]
    spans = bank_waits(changes)
    assert spans == [
        Wait(begun_at=at(6), ended_at=at(906)),
        Wait(begun_at=at(913), ended_at=at(973)),
    ]
    assert time_to_book(DECIDED, at(990), spans) == timedelta(seconds=30)


def test_a_card_that_needs_no_bank_waits_for_none() -> None:
    payment = uuid4()
    changes = [change(payment, AGREED, 5), change(payment, PaymentState.CAPTURED, 21)]
    assert bank_waits(changes) == []
    assert time_to_book(DECIDED, at(21), []) == timedelta(seconds=21)


@given(st.integers(min_value=0, max_value=300), waits())
def test_every_second_in_which_nobody_waited_counts_once(confirmed: int, spans: list[Wait]) -> None:
    ours = sum(1 for second in range(confirmed) if not waited(second, spans))
    assert time_to_book(DECIDED, at(confirmed), spans) == timedelta(seconds=ours)


@given(seconds, waits())
def test_no_booking_takes_less_than_no_time(confirmed: int, spans: list[Wait]) -> None:
    took = time_to_book(DECIDED, at(confirmed), spans)
    assert timedelta(0) <= took <= max(at(confirmed) - DECIDED, timedelta(0))

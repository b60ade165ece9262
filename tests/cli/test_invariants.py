"""Every broken promise is found, and a house in order gives no alarm."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import pytest

from cli.invariants import Rows, Violation, check, load_rows, unsettled
from db.models import (
    AttemptRow,
    BookingRow,
    CampaignRow,
    DisputeRow,
    MandateRow,
    MandateUseRow,
    OperatorTaskRow,
    PaymentRow,
    ProviderCallRow,
    RefundRow,
)
from db.models.provider_call import CallState
from db.session import Database, SystemActor
from domain.attempts import AttemptState
from domain.disputes import DisputeStatus
from domain.orders import BookingState
from domain.payments import PaymentState

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ROOT = UUID("6f8df8a4-6a5c-4b8e-9a43-0c60d3c0f6b1")
PRICE = 45_000


def uid(name: str) -> UUID:
    return uuid5(ROOT, name)


CAMPAIGN, ATTEMPT, BOOKING, PAYMENT = (uid(n) for n in ("campaign", "attempt", "booking", "pay"))


def ledger_order(order_id: str = "ord_1", **changes: Any) -> dict[str, Any]:
    return {
        "id": order_id,
        "metadata": {"attempt_id": str(ATTEMPT), "campaign_id": str(CAMPAIGN)},
        "total_amount": "450.00",
        "currency": "USD",
        "status": "live",
        "refund_amount": None,
        "refund_to": None,
    } | changes


def ledger_intent(intent_id: str = "pi_1", **changes: Any) -> dict[str, Any]:
    return {
        "id": intent_id,
        "metadata": {"attempt_id": f"{ATTEMPT}:1", "campaign_id": str(CAMPAIGN)},
        "amount": PRICE,
        "currency": "usd",
        "status": "succeeded",
        "amount_capturable": 0,
        "amount_received": PRICE,
    } | changes


def booked() -> tuple[dict[str, Any], dict[str, Any]]:
    """One campaign that was booked and paid, as both sides have it."""
    ledger = {
        "duffel": {"orders": [ledger_order()], "balance_transactions": []},
        "stripe": {"payment_intents": [ledger_intent()], "refunds": []},
    }
    rows = {
        "campaigns": [CampaignRow(id=CAMPAIGN)],
        "mandates": [
            MandateRow(id=uid("mandate"), campaign_id=CAMPAIGN, criteria_version=1, cap_minor=50_000)
        ],
        "attempts": [
            AttemptRow(
                id=ATTEMPT, campaign_id=CAMPAIGN, criteria_version=1,
                limit_minor=50_000, currency="USD", state=AttemptState.CAPTURED,
            )
        ],
        "bookings": [
            BookingRow(
                id=BOOKING, campaign_id=CAMPAIGN, attempt_id=ATTEMPT, duffel_order_id="ord_1",
                price_minor=PRICE, penalty_minor=0, state=BookingState.TICKETED,
            )
        ],
        "payments": [
            PaymentRow(
                id=PAYMENT, campaign_id=CAMPAIGN, attempt_id=ATTEMPT, booking_id=BOOKING,
                intent_ref="pi_1", captured_minor=PRICE, state=PaymentState.CAPTURED,
            )
        ],
        "refunds": [],
        "calls": [
            ProviderCallRow(
                id=uid("call"), key="order:1", kind="create_order", attempt_id=ATTEMPT,
                booking_id=BOOKING, state=CallState.ANSWERED,
            )
        ],
        "tasks": [],
    }  # fmt: skip
    return ledger, rows


def cancelled() -> tuple[dict[str, Any], dict[str, Any]]:
    """The same campaign after its traveller accepted a penalty of 40.00."""
    ledger, rows = booked()
    ledger["duffel"]["orders"] = [
        ledger_order(status="cancelled", refund_amount="410.00", refund_to="balance")
    ]
    ledger["duffel"]["balance_transactions"] = [
        {"type": "order", "order_id": "ord_1", "amount": "-450.00", "currency": "USD"},
        {"type": "refund", "order_id": "ord_1", "amount": "410.00", "currency": "USD"},
    ]
    ledger["stripe"]["refunds"] = [
        {"id": "re_1", "payment_intent": "pi_1", "amount": 41_000, "status": "succeeded"}
    ]
    booking = rows["bookings"][0]
    booking.state, booking.cancelled_by = BookingState.CANCELLED, "traveller"
    booking.penalty_minor = 4_000
    rows["refunds"] = [
        RefundRow(
            id=uid("refund"), payment_id=PAYMENT, booking_id=BOOKING, refund_ref="re_1",
            amount_minor=41_000, status="succeeded",
        )
    ]  # fmt: skip
    return ledger, rows


def failed() -> tuple[dict[str, Any], dict[str, Any]]:
    """The same campaign after an attempt that ended without an order."""
    ledger, rows = booked()
    ledger["duffel"]["orders"] = []
    ledger["stripe"]["payment_intents"] = [ledger_intent(status="canceled", amount_received=0)]
    rows["attempts"][0].state = AttemptState.FAILED
    rows["bookings"] = []
    rows["calls"][0].state = CallState.ABSENT
    payment = rows["payments"][0]
    payment.state, payment.captured_minor, payment.booking_id = PaymentState.VOIDED, 0, None
    return ledger, rows


def found(ledger: dict[str, Any], rows: dict[str, Any]) -> tuple[Violation, ...]:
    return check(ledger, Rows(**{name: tuple(each) for name, each in rows.items()}))


def codes(ledger: dict[str, Any], rows: dict[str, Any]) -> set[str]:
    return {v.code for v in found(ledger, rows)}


def task(kind: str) -> OperatorTaskRow:
    return OperatorTaskRow(
        id=uid(kind), key=kind, kind=kind, campaign_id=CAMPAIGN, attempt_id=ATTEMPT,
        booking_id=BOOKING,
    )  # fmt: skip


@pytest.mark.parametrize("story", [booked, cancelled, failed])
def test_a_house_in_order_gives_no_alarm(
    story: Callable[[], tuple[dict[str, Any], dict[str, Any]]],
) -> None:
    ledger, rows = story()
    assert found(ledger, rows) == ()
    assert unsettled(Rows(**{name: tuple(each) for name, each in rows.items()})) == ()


@pytest.mark.parametrize("second", ["live", "pending"])
def test_finds_two_live_orders_of_one_campaign(second: str) -> None:
    ledger, rows = booked()
    ledger["duffel"]["orders"].append(ledger_order("ord_2", status=second))
    assert "two_live_orders" in codes(ledger, rows)


def test_takes_a_cancelled_order_beside_a_live_one() -> None:
    ledger, rows = booked()
    ledger["duffel"]["orders"].append(ledger_order("ord_2", status="cancelled"))
    assert "two_live_orders" not in codes(ledger, rows)


def test_finds_two_live_orders_even_while_the_dust_flies() -> None:
    ledger, rows = booked()
    rows["attempts"][0].state = AttemptState.ORDER_UNKNOWN
    ledger["duffel"]["orders"].append(ledger_order("ord_2"))
    assert codes(ledger, rows) == {"two_live_orders"}


def test_finds_an_authorisation_left_over() -> None:
    ledger, rows = failed()
    ledger["stripe"]["payment_intents"] = [
        ledger_intent(status="requires_capture", amount_capturable=PRICE, amount_received=0)
    ]
    assert codes(ledger, rows) == {"authorisation_left_over", "hold_not_written"}


def test_a_hold_is_no_fault_while_its_attempt_runs() -> None:
    ledger, rows = failed()
    ledger["stripe"]["payment_intents"] = [
        ledger_intent(status="requires_capture", amount_capturable=PRICE, amount_received=0)
    ]
    rows["attempts"][0].state = AttemptState.ORDERING
    assert found(ledger, rows) == ()
    assert unsettled(Rows(attempts=tuple(rows["attempts"])))


def test_finds_a_live_order_without_its_money() -> None:
    ledger, rows = booked()
    ledger["stripe"]["payment_intents"] = []
    assert {"order_without_money", "money_does_not_add_up"} <= codes(ledger, rows)


def test_a_person_was_asked_about_an_order_that_could_not_be_paid() -> None:
    ledger, rows = booked()
    ledger["stripe"]["payment_intents"] = []
    rows["tasks"] = [task("unpaid_order")]
    assert found(ledger, rows) == ()


def test_another_kind_of_task_excuses_nothing() -> None:
    ledger, rows = booked()
    ledger["stripe"]["payment_intents"] = []
    rows["tasks"] = [task("unticketed")]
    assert "order_without_money" in codes(ledger, rows)


def test_finds_money_that_was_kept_after_a_cancellation() -> None:
    ledger, rows = cancelled()
    ledger["stripe"]["refunds"] = []
    assert codes(ledger, rows) == {"money_does_not_add_up"}


def test_finds_money_that_was_given_back_twice() -> None:
    ledger, rows = cancelled()
    again = copy.deepcopy(ledger["stripe"]["refunds"][0]) | {"id": "re_2"}
    ledger["stripe"]["refunds"].append(again)
    assert codes(ledger, rows) == {"money_does_not_add_up", "unknown_refund"}


def test_finds_a_refund_of_the_airline_that_never_came() -> None:
    ledger, rows = cancelled()
    ledger["duffel"]["balance_transactions"].pop()
    assert codes(ledger, rows) == {"refund_did_not_reach_us"}


def test_finds_a_penalty_that_nobody_quoted() -> None:
    ledger, rows = cancelled()
    rows["bookings"][0].penalty_minor = 9_000
    rows["refunds"][0].amount_minor = ledger["stripe"]["refunds"][0]["amount"] = 36_000
    assert codes(ledger, rows) == {"penalty_not_as_quoted"}


def test_waits_for_a_refund_that_is_due() -> None:
    ledger, rows = cancelled()
    rows["refunds"], ledger["stripe"]["refunds"] = [], []
    assert found(ledger, rows) == ()
    assert unsettled(Rows(**{name: tuple(each) for name, each in rows.items()}))


def test_finds_a_dispute_that_our_rows_do_not_follow() -> None:
    ledger, rows = booked()
    ledger["stripe"]["disputes"] = [
        {"id": "dp_1", "payment_intent": "pi_1", "status": "needs_response", "withdrawn": PRICE}
    ]
    assert codes(ledger, rows) == {"unknown_dispute"}
    row = DisputeRow(
        id=uid("dispute"), dispute_ref="dp_1", payment_id=PAYMENT, booking_id=BOOKING,
        status=DisputeStatus.NEEDS_RESPONSE, withdrawn_minor=PRICE,
    )  # fmt: skip
    rows["disputes"] = [row]
    assert found(ledger, rows) == ()
    row.withdrawn_minor = 0
    assert codes(ledger, rows) == {"dispute_not_followed"}
    ledger["stripe"]["disputes"] = []
    assert codes(ledger, rows) == {"dispute_of_nobody"}


def test_finds_a_booking_whose_order_is_gone() -> None:
    ledger, rows = booked()
    ledger["duffel"]["orders"] = [ledger_order(status="cancelled")]
    assert "booking_without_order" in codes(ledger, rows)


def test_finds_an_order_that_nobody_adopted() -> None:
    ledger, rows = failed()
    ledger["duffel"]["orders"] = [ledger_order()]
    assert {"order_without_booking", "order_without_money"} <= codes(ledger, rows)


def test_finds_a_charge_of_another_amount_than_the_order() -> None:
    ledger, rows = booked()
    ledger["stripe"]["payment_intents"][0]["amount_received"] = PRICE + 1
    rows["payments"][0].captured_minor = PRICE + 1
    assert "took_another_amount" in codes(ledger, rows)


@pytest.mark.parametrize(("limit", "cap"), [(PRICE - 1, 50_000), (50_000, PRICE - 1)])
def test_finds_what_goes_above_the_limit_or_the_mandate(limit: int, cap: int) -> None:
    ledger, rows = booked()
    rows["attempts"][0].limit_minor = limit
    rows["mandates"][0].cap_minor = cap
    assert codes(ledger, rows) == {"above_the_mandate"}


def test_a_consent_to_another_version_of_the_wish_allows_nothing() -> None:
    ledger, rows = booked()
    rows["mandates"][0].criteria_version = 2
    assert codes(ledger, rows) == {"above_the_mandate"}


def test_finds_another_currency_than_the_agreed_one() -> None:
    ledger, rows = booked()
    rows["attempts"][0].currency = "EUR"
    assert codes(ledger, rows) == {"above_the_mandate"}


def test_finds_an_order_and_a_payment_of_nobody() -> None:
    ledger, rows = booked()
    stray = {"attempt_id": str(uid("nobody")), "campaign_id": str(CAMPAIGN)}
    ledger["duffel"]["orders"][0]["metadata"] = stray
    rows["payments"] = []
    assert {"unknown_order", "unknown_payment"} <= codes(ledger, rows)


def test_finds_an_order_that_was_sent_without_a_row() -> None:
    ledger, rows = booked()
    rows["calls"] = []
    assert codes(ledger, rows) == {"order_without_call"}


@pytest.mark.parametrize("state", [CallState.SENT, CallState.UNKNOWN])
def test_finds_a_call_that_nobody_settled(state: CallState) -> None:
    ledger, rows = booked()
    rows["calls"][0].state = state
    assert codes(ledger, rows) == {"call_without_answer"}


def test_finds_a_capture_that_was_not_written_down() -> None:
    ledger, rows = booked()
    rows["payments"][0].captured_minor = 0
    assert codes(ledger, rows) == {"capture_not_written"}


def test_finds_an_accepted_campaign_that_is_gone() -> None:
    ledger, rows = booked()
    given = Rows(**{name: tuple(each) for name, each in rows.items()})
    assert [v.code for v in check(ledger, given, [CAMPAIGN, uid("lost")])] == ["campaign_lost"]


async def test_reads_the_rows_of_an_empty_house(database: Database) -> None:
    async with database.transaction(SystemActor("tests")) as session:
        rows = await load_rows(session)
    assert rows == Rows()
    assert check({"duffel": {}, "stripe": {}}, rows) == ()


def test_finds_what_was_taken_beside_its_mandates_use() -> None:
    ledger, rows = booked()
    rows["calls"][0].facts = {"mandate_id": str(uid("mandate"))}
    assert codes(ledger, rows) == {"taken_beside_its_use"}
    taken = rows["payments"][0].captured_minor
    use = MandateUseRow(
        attempt_id=rows["attempts"][0].id,
        mandate_id=uid("mandate"),
        campaign_id=CAMPAIGN,
        payment_id=rows["payments"][0].id,
        amount_minor=taken,
        currency="USD",
    )
    rows["uses"] = [use]
    assert codes(ledger, rows) == set()
    use.amount_minor = taken - 1
    assert codes(ledger, rows) == {"taken_beside_its_use"}
    rows["uses"] = [
        use,
        use.model_copy(update={"attempt_id": uid("another"), "amount_minor": 9**9}),
    ]
    assert codes(ledger, rows) == {"taken_beside_its_use", "mandate_overdrawn"}

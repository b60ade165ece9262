"""Looking after an order: tickets late or never, cancellations by either side, money back."""

from datetime import timedelta
from typing import Any

from house import House, eventually

from domain.messages.order import (
    AnswerChange,
    CancellationOffer,
    ChangeAnswer,
    ChangeCode,
    ConfirmAnswer,
    ConfirmCancellation,
    ConfirmCode,
    QuoteCode,
)
from worker import simulated_clock


async def _booking(house: House, *states: str) -> dict[str, Any]:
    async def reached() -> dict[str, Any] | None:
        rows = await house.rows("SELECT * FROM bookings")
        return rows[0] if rows and rows[0]["state"] in states else None

    async def told() -> object:
        return await house.rows("SELECT state, cancelled_by, quote FROM bookings")

    return await eventually(reached, told=told)


async def _ticketed(house: House, **wish: Any) -> dict[str, Any]:
    new = await house.wish_of_someone(**wish)
    await house.until(new.campaign_id, "booked")
    return await _booking(house, "ticketed")


async def _quote(house: House, booking: dict[str, Any]) -> CancellationOffer:
    return await house.order(booking["id"]).execute_update(
        "quote_cancellation", result_type=CancellationOffer
    )


async def _confirm(house: House, booking: dict[str, Any], quote_id: str) -> ConfirmAnswer:
    return await house.order(booking["id"]).execute_update(
        "confirm_cancellation",
        ConfirmCancellation(booking_id=booking["id"], quote_id=quote_id),
        result_type=ConfirmAnswer,
    )


async def _nudge(house: House, booking: dict[str, Any]) -> None:
    await house.order(booking["id"]).signal("nudge")


async def test_tickets_that_come_late_are_told(house: House) -> None:
    house.fault("duffel", "create_order", "delayed_ticketing", value={"seconds": 1})
    booking = await _ticketed(house)
    assert booking["ticket_numbers"]
    await house.in_order()


async def test_a_mail_that_is_refused_for_good_is_a_persons_task_and_stops_no_other(
    house: House,
) -> None:
    house.fault("mail", "deliver", "error_before", status=550)
    await _ticketed(house)

    async def told() -> bool:
        rows = await house.rows(
            "SELECT state FROM notices WHERE channel = 'email' ORDER BY created_at"
        )
        return [r["state"] for r in rows] == ["failed", "sent"]

    await eventually(told)
    assert await house.tasks() == ["undelivered"]


async def test_tickets_that_never_come_are_a_persons_task(furnish: Any) -> None:
    async with furnish(extra_headers=simulated_clock, ticketing_deadline_hours=2) as house:
        house.fault("duffel", "create_order", "delayed_ticketing", value="never")
        new = await house.wish_of_someone()
        await house.until(new.campaign_id, "booked")
        booking = await _booking(house, "ticketing")
        # By then somebody looks after the order.
        await house.attempt(booking["attempt_id"]).result()
        await house.skip(house.order(booking["id"]), timedelta(hours=3))

        async def asked() -> bool:
            return "unticketed" in await house.tasks()

        await eventually(asked)


async def test_the_airline_cancels_and_the_traveller_gets_everything_back(house: House) -> None:
    booking = await _ticketed(house)
    order = booking["duffel_order_id"]
    house.sandbox.control("POST", f"/duffel/orders/{order}/airline_cancel", {"settled": True})
    await _nudge(house, booking)
    await _booking(house, "cancelled")

    async def refunded() -> bool:
        rows = await house.rows("SELECT status, cancelled_by FROM bookings")
        return rows[0] == {"status": "refunded", "cancelled_by": "airline"}

    await eventually(refunded)
    payments = await house.rows("SELECT captured_minor, refunded_minor FROM payments")
    assert payments[0]["captured_minor"] == payments[0]["refunded_minor"]
    await house.in_order()


async def test_the_traveller_cancels_for_exactly_what_the_quote_said(house: House) -> None:
    booking = await _ticketed(house, refundable_only=True)
    quote = await _quote(house, booking)
    assert quote.code is QuoteCode.QUOTED
    assert quote.refund
    assert quote.penalty
    assert (quote.refund + quote.penalty).minor == booking["price_minor"]

    answer = await _confirm(house, booking, str(quote.quote_id))
    assert answer.code is ConfirmCode.ACCEPTED
    cancelled = await _booking(house, "cancelled")
    assert cancelled["penalty_minor"] == quote.penalty.minor

    async def refunded() -> bool:
        rows = await house.rows("SELECT refunded_minor FROM payments WHERE state = 'refunded'")
        return rows == [{"refunded_minor": quote.refund.minor}] if quote.refund else False

    await eventually(refunded)
    await house.in_order()
    # The order's process has ended; asking once more is answered from the rows by the API.
    assert house.orders() == ["cancelled"]


async def test_a_quote_that_was_not_the_last_is_stale(house: House) -> None:
    booking = await _ticketed(house, refundable_only=True)
    first = await _quote(house, booking)
    second = await _quote(house, booking)
    assert first.quote_id != second.quote_id
    stale = await _confirm(house, booking, str(first.quote_id))
    assert stale.code is ConfirmCode.STALE_QUOTE
    assert house.orders() == ["live"]


async def test_a_lost_answer_to_the_cancellation_is_found_out(simulated: House) -> None:
    house = simulated
    booking = await _ticketed(house, refundable_only=True)
    quote = await _quote(house, booking)
    house.fault("duffel", "confirm_order_cancellation", "timeout_after", seconds=5)
    await _confirm(house, booking, str(quote.quote_id))
    await _booking(house, "cancelled")
    await house.in_order()
    assert len(await house.rows("SELECT id FROM refunds")) == 1


async def test_an_airline_that_will_not_cancel_keeps_the_booking(house: House) -> None:
    booking = await _ticketed(house, refundable_only=True)
    quote = await _quote(house, booking)
    house.fault("duffel", "confirm_order_cancellation", "order_not_cancellable")
    await _confirm(house, booking, str(quote.quote_id))
    back = await _booking(house, "ticketed")
    assert back["penalty_minor"] == 0
    await house.in_order()


async def test_a_voucher_is_a_persons_task(house: House) -> None:
    house.fault("duffel", "create_order_cancellation", "refund_to", value="voucher")
    booking = await _ticketed(house, refundable_only=True)
    quote = await _quote(house, booking)
    assert quote.refund is None
    await _confirm(house, booking, str(quote.quote_id))
    await _booking(house, "cancelled")
    assert "refund_by_person" in await house.tasks()
    assert not await house.rows("SELECT id FROM refunds")


async def test_a_refund_that_takes_its_time_is_waited_for(simulated: House) -> None:
    house = simulated
    booking = await _ticketed(house, refundable_only=True)
    quote = await _quote(house, booking)
    house.fault("stripe", "create_refund", "refund_pending", value={"seconds": 3600})
    await _confirm(house, booking, str(quote.quote_id))
    await _booking(house, "cancelled")

    async def pending() -> bool:
        return bool(await house.rows("SELECT 1 FROM refunds WHERE status = 'pending'"))

    await eventually(pending)
    await house.skip(house.order(booking["id"]), timedelta(hours=13))

    async def succeeded() -> bool:
        return bool(await house.rows("SELECT 1 FROM refunds WHERE status = 'succeeded'"))

    await eventually(succeeded)
    await house.in_order()


async def test_a_refund_that_fails_is_a_persons_task(house: House) -> None:
    booking = await _ticketed(house, refundable_only=True)
    quote = await _quote(house, booking)
    house.fault("stripe", "create_refund", "refund_failed", times=None)
    await _confirm(house, booking, str(quote.quote_id))

    async def asked() -> bool:
        return "refund_failed" in await house.tasks()

    await eventually(asked)


CHANGED = "FROM notices WHERE event = 'schedule_changed' AND channel = 'email'"


async def test_a_change_of_schedule_is_told_once(house: House) -> None:
    booking = await _ticketed(house)
    order = booking["duffel_order_id"]
    house.sandbox.control("POST", f"/duffel/orders/{order}/schedule_change", {"minutes": 90})
    await _nudge(house, booking)

    async def told() -> bool:
        rows = await house.rows(f"SELECT state {CHANGED}")
        return rows == [{"state": "sent"}]

    await eventually(told)
    await _nudge(house, booking)
    await house.in_order()
    assert len(await house.rows(f"SELECT 1 {CHANGED}")) == 1


async def test_the_airlines_new_flights_are_taken_as_they_are_now_and_once(house: House) -> None:
    booking = await _ticketed(house)
    path = f"/duffel/orders/{booking['duffel_order_id']}/schedule_change"
    first = house.sandbox.control("POST", path, {"minutes": 90})
    second = house.sandbox.control("POST", path, {"minutes": 120})

    async def answer(update: str, change_id: str) -> ChangeCode:
        request = AnswerChange(booking_id=booking["id"], change_id=change_id)
        order = house.order(booking["id"])
        return (await order.execute_update(update, request, result_type=ChangeAnswer)).code

    assert await answer("accept_change", first["id"]) is ChangeCode.STALE
    house.fault("duffel", "accept_airline_initiated_change", "close_after")
    assert await answer("accept_change", second["id"]) is ChangeCode.ACCEPTED
    assert await answer("accept_change", second["id"]) is ChangeCode.ACCEPTED
    assert house.calls("duffel", "accept_airline_initiated_change") == 2, "the order told the rest"
    row = await house.row("bookings", booking["id"])
    assert row["departs_at"] - booking["departs_at"] == timedelta(hours=2)
    assert row["arrives_at"] - booking["arrives_at"] == timedelta(hours=2)
    assert (await house.events(booking["campaign_id"])).count("booking.change_accepted") == 1
    await house.in_order()

    for _ in range(2):
        asked = await answer("ask_for_other_flights", second["id"])
        assert asked is ChangeCode.ASKED
    assert await house.tasks() == ["other_flights"]
    assert (await house.events(booking["campaign_id"])).count("booking.others_asked") == 1

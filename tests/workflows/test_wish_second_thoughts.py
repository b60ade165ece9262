"""A cancelling that can be taken back for a moment, and what comes of it if nobody does."""

from datetime import timedelta

from house import House, eventually

from domain.money import Money

CHEAP = Money(minor=1_000, currency="USD")
MOMENT = timedelta(seconds=61)


async def test_a_cancelling_stops_the_money_at_once_and_can_be_taken_back(house: House) -> None:
    house.fault("duffel", "create_order", "sold_out")
    house.fault("stripe", "confirm_payment_intent", "delay", seconds=1)
    new = await house.wish_of_someone()
    await house.attempt_in(new.campaign_id, "authorising")
    answer = await house.update(new.campaign_id, "cancel_with_undo")
    assert (answer.code, answer.state) == ("done", "cancelled")
    assert (await house.update(new.campaign_id, "cancel_with_undo")).code == "already"
    assert (await house.update(new.campaign_id, "resume")).code == "ended"
    row = await house.row("autobooking_campaigns", new.campaign_id)
    assert row["undo_until"] is not None

    async def let_go() -> bool:
        (first,) = await house.attempts(new.campaign_id)
        return bool(first["state"] == "failed")

    await eventually(let_go)
    assert house.orders() == []
    assert set(house.intents()) <= {"canceled", "requires_confirmation"}

    back = await house.update(new.campaign_id, "undo")
    assert (back.code, back.state) == ("done", "active")
    assert (await house.update(new.campaign_id, "undo")).code == "already"
    row = await house.row("autobooking_campaigns", new.campaign_id)
    assert (row["undo_until"], row["undo_to"]) == (None, None)
    await house.later(timedelta(minutes=30), new.campaign_id)
    await house.until(new.campaign_id, "booked")
    await house.in_order()


async def test_what_nobody_takes_back_in_time_is_over(house: House) -> None:
    new = await house.wish_of_someone(budget=CHEAP)
    assert (await house.update(new.campaign_id, "pause")).state == "paused"
    assert (await house.update(new.campaign_id, "cancel_with_undo")).state == "cancelled"
    assert (await house.update(new.campaign_id, "undo")).state == "paused"
    assert (await house.update(new.campaign_id, "cancel_with_undo")).code == "done"
    await house.skip(house.campaign(new.campaign_id), MOMENT)
    assert await house.campaign(new.campaign_id).result() == "cancelled"
    assert (await house.update(new.campaign_id, "undo")).code == "ended"
    (mandate,) = await house.rows("SELECT revoked_at FROM mandates")
    assert mandate["revoked_at"] is not None
    row = await house.row("autobooking_campaigns", new.campaign_id)
    assert (row["status"], row["undo_until"], row["undo_to"]) == ("cancelled", None, None)

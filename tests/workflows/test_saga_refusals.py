"""Every clear "no" on the way to a booking: what it costs, what is undone, what comes next."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from house import House, eventually

from domain.money import Money
from worker import simulated_clock

LATER = timedelta(minutes=70)  # by then the search loop looks at a pair of flights again


@pytest.fixture
async def strict(furnish: Any) -> AsyncIterator[House]:
    """Return a house that asks a card for money once in 30 days."""
    async with furnish(authorisations_per_card=1) as opened:
        yield opened


@pytest.fixture
async def hasty(furnish: Any) -> AsyncIterator[House]:
    """Return a house that waits an hour, by each workflow's clock, for a charge to be confirmed."""
    async with furnish(extra_headers=simulated_clock, authentication_hours=1) as opened:
        yield opened


# Validating


async def test_an_offer_that_is_gone_is_left_alone_for_a_while(house: House) -> None:
    house.fault("duffel", "get_offer", "sold_out")
    new = await house.wish_of_someone()
    failed = await house.attempt_in(new.campaign_id, "failed")
    assert failed["failure_reason"] == "offer_gone"
    assert failed["ignore_until"] is not None
    await house.until(new.campaign_id, "active")
    assert (await house.row("autobooking_campaigns", new.campaign_id))["hold_off_until"] is None
    await house.later(LATER, new.campaign_id)
    await house.until(new.campaign_id, "booked")
    assert house.intents() == ["succeeded"]  # no money was held for the first
    await house.in_order()


async def test_a_price_beyond_the_tolerance_is_not_paid(house: House) -> None:
    house.fare("400.00")
    house.fault("duffel", "get_offer", "price_changed", value={"amount": "20.00"}, times=None)
    new = await house.wish_of_someone()
    failed = await house.attempt_in(new.campaign_id, "failed")
    assert failed["failure_reason"] == "price_rose"
    await house.until(new.campaign_id, "active")
    assert (await house.row("autobooking_campaigns", new.campaign_id))["hold_off_until"]
    assert house.intents() == house.orders() == []
    await house.in_order()


async def test_a_price_above_the_budget_is_not_paid_however_little(house: House) -> None:
    house.fare("400.00")
    house.fault("duffel", "get_offer", "price_changed", value={"amount": "3.00"}, times=None)
    new = await house.wish_of_someone(budget=Money(minor=40_200, currency="USD"))
    failed = await house.attempt_in(new.campaign_id, "failed")
    assert failed["failure_reason"] == "price_rose"
    assert house.intents() == house.orders() == []
    await house.in_order()


async def test_a_little_more_within_tolerance_and_budget_is_paid(house: House) -> None:
    house.fare("400.00")
    house.fault("duffel", "get_offer", "price_changed", value={"amount": "3.00"}, times=None)
    new = await house.wish_of_someone()
    await house.until(new.campaign_id, "booked")
    matched = (await house.attempts(new.campaign_id))[0]["matched_minor"]
    assert [b["price_minor"] for b in await house.rows("SELECT * FROM bookings")] == [matched + 300]
    await house.in_order()


# The card


async def test_a_declined_card_stops_the_wish_until_another_card_is_there(house: House) -> None:
    new = await house.wish_of_someone("pm_card_chargeCustomerFail")
    await house.until(new.campaign_id, "needs_action")
    row = await house.row("autobooking_campaigns", new.campaign_id)
    assert row["action_reason"] == "card_declined"
    assert await house.notices(new.campaign_id) == ["action_needed"]
    assert house.orders() == []
    await house.in_order()

    await house.card(new.owner_id)
    answer = await house.update(new.campaign_id, "resume")
    assert answer.code == "done"
    await house.later(LATER, new.campaign_id)
    await house.until(new.campaign_id, "booked")
    await house.in_order()


@pytest.mark.parametrize("code", ["expired_card", "insufficient_funds"])
async def test_whatever_the_bank_has_against_a_card_nothing_is_booked_or_held(
    house: House, code: str
) -> None:
    house.fault("stripe", "confirm_payment_intent", "decline", code=code)
    new = await house.wish_of_someone()
    await house.until(new.campaign_id, "needs_action")
    (attempt,) = await house.attempts(new.campaign_id)
    assert attempt["failure_reason"] == "card_declined"
    (payment,) = await house.rows("SELECT state, decline_code FROM payments")
    assert payment == {"state": "voided", "decline_code": code}
    assert house.orders() == []
    await house.in_order()


async def test_a_card_is_asked_no_more_often_than_the_limit(strict: House) -> None:
    user, traveler = await strict.someone()
    wishes = [strict.new_campaign(user, (traveler,)) for _ in range(2)]
    for new in wishes:
        await strict.create(new)

    async def ended() -> list[str]:
        rows = await strict.rows("SELECT state, failure_reason FROM booking_attempts")
        done = [r["failure_reason"] or r["state"] for r in rows]
        return done if sorted(done) == ["captured", "card_try_later"] else []

    await eventually(ended)
    assert strict.intents() == ["succeeded"]
    states = sorted([await strict.state(new.campaign_id) for new in wishes])
    assert states in (["active", "booked"], ["booked", "booking"])
    await strict.in_order()


async def test_a_wish_without_a_card_asks_for_one(house: House) -> None:
    user = await house.user()
    new = house.new_campaign(user, (await house.traveler(user),))
    await house.create(new)
    await house.until(new.campaign_id, "needs_action")
    row = await house.row("autobooking_campaigns", new.campaign_id)
    assert row["action_reason"] == "no_card"
    assert await house.attempts(new.campaign_id) == []
    assert await house.notices(new.campaign_id) == ["no_card"]

    await house.card(user)
    await house.update(new.campaign_id, "resume")
    await house.later(LATER, new.campaign_id)
    await house.until(new.campaign_id, "booked")
    await house.in_order()


# The bank


async def test_the_traveller_agrees_at_the_bank_and_is_booked(house: House) -> None:
    new = await house.wish_of_someone("pm_card_authenticationRequired")
    attempt = await house.attempt_in(new.campaign_id, "awaiting_authentication")
    assert house.orders() == []
    await house.at_the_bank(attempt["id"], "approve")
    await house.until(new.campaign_id, "booked")
    assert (await house.notices(new.campaign_id))[0] == "authentication_required"
    assert house.intents() == ["succeeded"]
    # After the wait it searched again: the offer of before may have gone.
    assert house.calls("duffel", "get_offer") >= 2
    await house.in_order()


async def test_dearer_after_the_bank_starts_the_authorisation_over(house: House) -> None:
    house.fare("400.00")
    new = await house.wish_of_someone("pm_card_authenticationRequired")
    attempt = await house.attempt_in(new.campaign_id, "awaiting_authentication")
    house.fare("404.00")
    await house.at_the_bank(attempt["id"], "approve")

    async def second() -> bool:
        rows = await house.rows("SELECT state FROM payments ORDER BY round")
        return [r["state"] for r in rows] == ["voided", "authentication_required"]

    await eventually(second)
    await house.attempt_in(new.campaign_id, "awaiting_authentication")
    await house.at_the_bank(attempt["id"], "approve")
    await house.until(new.campaign_id, "booked")
    await house.in_order()
    assert sorted(house.intents()) == ["canceled", "succeeded"]


async def test_a_no_on_the_way_to_the_bank_stands(house: House) -> None:
    """Even where the processor goes on saying that the traveller is awaited."""
    house.fault(
        "stripe", "confirm_payment_intent", "error_before",
        skip=1, status=402, code="card_declined",
    )  # fmt: skip
    new = await house.wish_of_someone("pm_card_authenticationRequired")
    attempt = await house.attempt_in(new.campaign_id, "awaiting_authentication")
    assert await house.way_to_the_bank(attempt["id"]) is None
    await house.until(new.campaign_id, "needs_action")
    assert (await house.attempts(new.campaign_id))[0]["failure_reason"] == "card_declined"
    assert house.orders() == []
    await house.in_order()


async def test_the_traveller_fails_at_the_bank(house: House) -> None:
    new = await house.wish_of_someone("pm_card_authenticationRequired")
    attempt = await house.attempt_in(new.campaign_id, "awaiting_authentication")
    await house.at_the_bank(attempt["id"], "fail")
    await house.until(new.campaign_id, "needs_action")
    assert (await house.attempts(new.campaign_id))[0]["failure_reason"] == "card_declined"
    assert house.orders() == []
    await house.in_order()


async def test_a_link_that_nobody_follows_lapses(hasty: House) -> None:
    house = hasty
    new = await house.wish_of_someone("pm_card_authenticationRequired")
    attempt = await house.attempt_in(new.campaign_id, "awaiting_authentication")
    await house.skip(house.attempt(attempt["id"]), timedelta(hours=2))
    await house.until(new.campaign_id, "needs_action")
    row = await house.row("autobooking_campaigns", new.campaign_id)
    assert row["action_reason"] == "authentication_lapsed"
    assert await house.notices(new.campaign_id) == ["authentication_required", "action_needed"]
    assert house.intents() == ["canceled"]
    await house.in_order()


# The order


async def test_an_offer_sold_at_the_last_moment_is_searched_again(house: House) -> None:
    house.fault("duffel", "create_order", "sold_out")
    new = await house.wish_of_someone()
    await house.until(new.campaign_id, "booked")
    assert len(await house.attempts(new.campaign_id)) == 1
    assert house.calls("duffel", "create_order") == 2
    assert house.intents() == ["succeeded"]  # one hold served both tries
    await house.in_order()


async def test_sold_out_again_and_again_releases_the_money(house: House) -> None:
    house.fault("duffel", "create_order", "sold_out", times=3)
    new = await house.wish_of_someone()
    failed = await house.attempt_in(new.campaign_id, "failed")
    assert failed["failure_reason"] == "offer_gone"
    await house.until(new.campaign_id, "active")
    await house.later(LATER, new.campaign_id)
    await house.until(new.campaign_id, "booked")  # with other flights
    assert house.intents() == ["canceled", "succeeded"]
    assert "failed" in await house.notices(new.campaign_id)
    await house.in_order()


async def test_a_price_that_changed_at_the_order_is_searched_again(house: House) -> None:
    house.fault("duffel", "create_order", "price_changed_at_create", value={"amount": "3.00"})
    new = await house.wish_of_someone()
    await house.until(new.campaign_id, "booked")
    assert len(await house.attempts(new.campaign_id)) == 1
    assert house.calls("duffel", "create_order") == 2
    await house.in_order()


async def test_a_refusal_of_the_airline_leaves_these_flights_alone(house: House) -> None:
    house.fault("duffel", "create_order", "payment_declined")
    new = await house.wish_of_someone()
    failed = await house.attempt_in(new.campaign_id, "failed")
    assert failed["failure_reason"] == "order_refused"
    assert failed["ignore_until"] is not None
    await house.until(new.campaign_id, "active")
    assert (await house.row("autobooking_campaigns", new.campaign_id))["hold_off_until"]
    assert house.intents() == ["canceled"]
    await house.in_order()


async def test_an_empty_balance_stops_booking_for_everybody(house: House) -> None:
    house.fault("duffel", "create_order", "insufficient_balance")
    new = await house.wish_of_someone()
    failed = await house.attempt_in(new.campaign_id, "failed")
    assert failed["failure_reason"] == "booking_stopped"
    assert await house.tasks() == ["booking_stopped"]
    await house.until(new.campaign_id, "active")

    other = await house.wish_of_someone()
    await house.later(LATER, other.campaign_id)

    async def looked_at() -> bool:
        rows = await house.rows(
            "SELECT 1 FROM offer_decisions WHERE campaign_id = :id", id=other.campaign_id
        )
        return bool(rows)

    await eventually(looked_at)
    assert await house.attempts(other.campaign_id) == []
    assert house.orders() == []
    assert house.intents() == ["canceled"]
    await house.in_order()


async def test_refused_credentials_stop_booking_for_everybody(house: House) -> None:
    house.fault("duffel", "create_order", "error_before", status=401, code="expired_access_token")
    new = await house.wish_of_someone()
    failed = await house.attempt_in(new.campaign_id, "failed")
    assert failed["failure_reason"] == "booking_stopped"
    assert await house.tasks() == ["booking_stopped"]
    assert house.intents() == ["canceled"]
    await house.in_order()


async def test_details_that_the_airline_refuses_need_the_traveller(house: House) -> None:
    house.fault("duffel", "create_order", "error_before", status=422, code="invalid_phone_number")
    new = await house.wish_of_someone()
    await house.until(new.campaign_id, "needs_action")
    row = await house.row("autobooking_campaigns", new.campaign_id)
    assert row["action_reason"] == "traveller_data"
    assert await house.notices(new.campaign_id) == ["action_needed"]
    assert house.intents() == ["canceled"]
    await house.in_order()


# The capture


async def test_a_refused_capture_is_made_good_by_a_new_authorisation(house: House) -> None:
    house.fault("stripe", "capture_payment_intent", "capture_refused")
    new = await house.wish_of_someone()
    await house.until(new.campaign_id, "booked")
    await house.in_order()
    assert sorted(house.intents()) == ["canceled", "succeeded"]
    assert house.orders() == ["live"]


async def test_an_order_that_cannot_be_paid_goes_back_if_that_costs_nothing(house: House) -> None:
    house.fault("stripe", "capture_payment_intent", "capture_refused", times=None)
    house.fault("duffel", "create_order_cancellation", "penalty", value={"amount": "0.00"})
    new = await house.wish_of_someone(refundable_only=True)
    await house.until(new.campaign_id, "needs_action")
    assert (await house.attempts(new.campaign_id))[0]["failure_reason"] == "capture_refused"
    assert house.orders() == ["cancelled"]
    assert house.intents() == ["canceled", "canceled"]
    assert await house.tasks() == []
    bookings = await house.rows("SELECT state, status::text FROM bookings")
    assert bookings == [{"state": "cancelled", "status": "failed"}]
    await house.in_order()


async def test_an_order_that_cannot_be_paid_nor_given_back_goes_to_a_person(house: House) -> None:
    house.fault("stripe", "capture_payment_intent", "capture_refused", times=None)
    new = await house.wish_of_someone()
    await house.until(new.campaign_id, "needs_action")
    assert house.orders() == ["live"]
    assert house.intents() == ["canceled", "canceled"]
    assert await house.tasks() == ["unpaid_order"]
    answer = await house.update(new.campaign_id, "resume")
    assert answer.code == "not_now"  # the seat is still there; another one must not be bought
    await house.in_order()

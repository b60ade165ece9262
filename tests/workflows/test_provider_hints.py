"""An event of a provider makes the process that owns the thing look now; it changes nothing."""

from datetime import timedelta
from typing import Any

import httpx
from house import TESTS, House, eventually

from api.processes import wake_events
from api.services import TemporalLink
from db.queries.provider_events import store_event
from domain.messages.order import CancellationOffer, ConfirmAnswer, ConfirmCancellation
from domain.provider_events import ProviderEvent, Teller
from runtime.clock import system_now


async def tell(house: House, teller: Teller, kind: str, ref: str, **about: Any) -> None:
    """Store an event as the API does, and have it worked on."""
    event = ProviderEvent(
        event_ref=ref,
        kind=kind,
        object_ref=about.get("id"),
        happened_at=None,
        facts={"data": {"object": about}},
    )
    async with house.database.transaction(TESTS) as session:
        assert await store_event(session, teller, event, system_now())
    await wake_events(TemporalLink(house.settings))


async def outcome(house: House, ref: str) -> tuple[str, str]:
    """Return what came of an event, once it is worked on."""

    async def settled() -> tuple[str, str] | None:
        query = "SELECT state, outcome FROM provider_events WHERE event_ref = :ref"
        [row] = await house.rows(query, ref=ref)
        return None if row["state"] == "pending" else (row["state"], row["outcome"])

    return await eventually(settled)


async def test_the_banks_answer_is_heard_although_the_traveller_never_comes_back(
    house: House,
) -> None:
    """The browser was closed at the bank; without an event it is asked again in five minutes."""
    new = await house.wish_of_someone("pm_card_authenticationRequired")
    attempt = await house.attempt_in(new.campaign_id, "awaiting_authentication")
    [payment] = await house.rows("SELECT intent_ref FROM payments")
    kind, intent = "payment_intent.amount_capturable_updated", payment["intent_ref"]
    # It comes too early, and says what is not so: the bank was not even asked.
    await tell(house, Teller.STRIPE, kind, "evt_1", id=intent)
    done = ("done", f"attempt:{attempt['id']}: authentication_returned")
    assert await outcome(house, "evt_1") == done
    page = await house.way_to_the_bank(attempt["id"])
    assert page
    async with httpx.AsyncClient() as browser:
        assert (await browser.post(page, data={"outcome": "approve"})).status_code == 303
    assert (await house.attempts(new.campaign_id))[0]["state"] == "awaiting_authentication"
    await tell(house, Teller.STRIPE, kind, "evt_2", id=intent)
    await house.until(new.campaign_id, "booked")
    # Nobody waits for the bank any more, and a hint about nothing of ours is left.
    await tell(house, Teller.STRIPE, "payment_intent.canceled", "evt_3", id=intent)
    await tell(house, Teller.STRIPE, "payment_intent.canceled", "evt_4", id="pi_of_another")
    assert {await outcome(house, ref) for ref in ("evt_3", "evt_4")} == {
        ("left", "nothing of ours hangs on it")
    }
    await house.in_order()


async def test_an_order_in_doubt_and_a_refund_under_way_are_asked_for_at_once(
    simulated: House,
) -> None:
    house = simulated
    house.fault("duffel", "create_order", "order_202_then_created", value={"seconds": 1})
    new = await house.wish_of_someone(refundable_only=True)
    attempt = await house.attempt_in(new.campaign_id, "order_unknown", "captured")

    async def made() -> dict[str, Any] | None:
        orders: list[dict[str, Any]] = house.sandbox.ledger()["duffel"]["orders"]
        return orders[0] if orders else None

    order = await eventually(made)
    about = {"id": order["id"], "order_id": order["id"], "offer_id": attempt["offer_id"]}
    await tell(house, Teller.DUFFEL, "order.created", "wev_1", **about)
    await house.until(new.campaign_id, "booked")

    async def ticketed() -> dict[str, Any] | None:
        rows = await house.rows("SELECT * FROM bookings WHERE state = 'ticketed'")
        return rows[0] if rows else None

    booking = await eventually(ticketed)
    process = house.order(booking["id"])
    quote = await process.execute_update("quote_cancellation", result_type=CancellationOffer)
    house.fault("stripe", "create_refund", "refund_pending", value={"seconds": 3600})
    answer = ConfirmCancellation(booking_id=booking["id"], quote_id=str(quote.quote_id))
    await process.execute_update("confirm_cancellation", answer, result_type=ConfirmAnswer)

    async def refund(status: str) -> bool:
        query = "SELECT 1 FROM refunds WHERE status = :status"
        return bool(await house.rows(query, status=status))

    await eventually(lambda: refund("pending"))
    asked = house.calls("stripe", "list_refunds")
    [payment] = await house.rows("SELECT intent_ref FROM payments WHERE state = 'captured'")
    about = {"id": "re_1", "payment_intent": payment["intent_ref"]}
    await tell(house, Teller.STRIPE, "refund.updated", "evt_1", **about)
    assert await outcome(house, "evt_1") == ("done", f"order:{booking['id']}: nudge")

    async def asked_again() -> bool:
        return house.calls("stripe", "list_refunds") > asked

    await eventually(asked_again)
    # What the event said of the refund was not believed: it is under way until the processor says.
    assert await refund("pending")
    await house.skip(process, timedelta(hours=13))
    await eventually(lambda: refund("succeeded"))
    await process.result()
    await tell(house, Teller.DUFFEL, "air.order.changed", "wev_2", order_id=order["id"])
    assert await outcome(house, "wev_2") == ("left", f"order:{booking['id']}: has ended")
    await house.in_order()

"""Wishes that wait for a consent, and wishes that only tell, through the whole product."""

from consents import consent_to, document_of
from house import House, eventually

from db.queries.mandates import revoke_mandate
from db.session import SystemActor
from domain.campaigns import BookingMode
from runtime.clock import system_now


async def test_a_wish_books_once_its_owner_has_consented(house: House) -> None:
    user, traveler = await house.someone()
    new = house.new_campaign(user, (traveler,))
    answer = await house.create(new.model_copy(update={"consent": None}))
    assert (answer.code, answer.state) == ("done", "awaiting_consent")
    assert (await house.update(new.campaign_id, "resume")).code == "consent_needed"
    assert await house.rows("SELECT 1 FROM looks") == []
    consent = consent_to(document_of(new))
    first = await house.update(new.campaign_id, "consent", consent)
    assert (first.code, first.state) == ("done", "active")
    await house.until(new.campaign_id, "booked")
    (use,) = await house.rows("SELECT amount_minor, released_at FROM mandate_uses")
    (payment,) = await house.rows("SELECT captured_minor FROM payments")
    assert (use["amount_minor"], use["released_at"]) == (payment["captured_minor"], None)
    assert house.orders() == ["live"]
    await house.in_order()


async def test_a_wish_that_only_tells_writes_and_books_nothing(house: House) -> None:
    user = await house.user()
    traveler = await house.traveler(user)
    new = house.new_campaign(user, (traveler,), mode=BookingMode.NOTIFY)
    await house.create(new.model_copy(update={"consent": None}))

    async def told() -> list[dict[str, object]]:
        return await house.rows(
            "SELECT 1 FROM notices WHERE event = 'fare_found' AND channel = 'email'"
            " AND state = 'sent'"
        )

    await eventually(told)
    assert await house.state(new.campaign_id) == "active"
    assert await house.attempts(new.campaign_id) == []
    assert (house.orders(), house.intents()) == ([], [])
    assert (await house.update(new.campaign_id, "cancel")).state == "cancelled"


async def test_a_consent_withdrawn_between_order_and_charge_leaves_no_unpaid_ticket(
    house: House,
) -> None:
    """The order was allowed when it was sent: it is paid, whatever was withdrawn since."""
    rule = house.fault("stripe", "capture_payment_intent", "error_before", status=500, times=None)
    new = await house.wish_of_someone()
    await house.attempt_in(new.campaign_id, "capturing")
    assert (await house.update(new.campaign_id, "cancel")).code == "being_booked"
    async with house.database.transaction(SystemActor("tests")) as session:
        await revoke_mandate(session, new.campaign_id, system_now(), kind=None)

    async def tried() -> bool:
        return house.calls("stripe", "capture_payment_intent") >= 2

    await eventually(tried)
    assert house.orders() == ["live"]
    house.sandbox.control("DELETE", f"/faults/{rule}")
    await house.until(new.campaign_id, "booked")
    (use,) = await house.rows("SELECT amount_minor, released_at FROM mandate_uses")
    (payment,) = await house.rows("SELECT captured_minor, state FROM payments")
    assert (payment["state"], use["released_at"]) == ("captured", None)
    assert payment["captured_minor"] == use["amount_minor"]
    assert house.orders() == ["live"]
    await house.in_order()

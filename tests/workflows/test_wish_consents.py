"""Wishes that wait for a consent, and wishes that only tell, through the whole product."""

from consents import consent_to, document_of
from house import House, eventually

from domain.campaigns import BookingMode


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

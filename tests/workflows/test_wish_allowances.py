"""Flights just over the budget, allowed once: booked as they were shown, or not at all."""

from datetime import UTC, datetime, timedelta
from typing import Any

from consents import consent_to, document_of
from house import House, eventually

from domain.mandate_document import MandateKind
from domain.messages.campaign import AllowOnce, CampaignAnswer, NewCampaign
from domain.money import Money

BUDGET = Money(minor=30_000, currency="USD")


async def dear(house: House) -> tuple[NewCampaign, dict[str, Any]]:
    """Return a wish, and the decision over the cheapest flights that it cannot afford."""
    house.fare("300.50")
    new = await house.wish_of_someone(budget=BUDGET)

    async def seen() -> list[dict[str, Any]]:
        return await house.rows(
            "SELECT * FROM offer_decisions WHERE reason = 'over_budget' ORDER BY total_minor"
        )

    return new, (await eventually(seen))[0]


async def allow(
    house: House, new: NewCampaign, decision: dict[str, Any], most: int, **changes: Any
) -> CampaignAnswer:
    (card,) = await house.rows(
        "SELECT id FROM payment_methods WHERE user_id = :id", id=new.owner_id
    )
    maximum = Money(minor=most, currency="USD")
    facts = {
        "kind": MandateKind.ALLOW_ONCE,
        "itinerary_key": decision["itinerary_key"],
        "cap_each": maximum,
        "cap_total": maximum,
        "card_id": card["id"],
        "issued_at": datetime.now(UTC) - timedelta(seconds=1),
        "expires_at": datetime.now(UTC) + timedelta(minutes=15),
    }
    consent = consent_to(document_of(new, **(facts | changes)))
    request = AllowOnce(look_id=decision["look_id"], offer_id=decision["offer_id"], consent=consent)
    key = str(document_of(new).mandate_id)
    first = await house.update(new.campaign_id, "allow_once", request, key=key)
    again = await house.update(new.campaign_id, "allow_once", request, key=f"{key}-again")
    assert again.code in {"already", "booked", first.code}
    return first


async def said_of(house: House, decision: dict[str, Any]) -> tuple[str, str | None]:
    row = await house.row("offer_decisions", decision["id"])
    return row["verdict"], row["failure_reason"]


async def test_what_was_allowed_once_is_booked_and_the_budget_stays(house: House) -> None:
    new, decision = await dear(house)
    assert decision["total_minor"] > BUDGET.minor
    refused = await allow(house, new, decision, decision["total_minor"] - 1)
    assert refused.code == "consent_needed"
    other = await allow(house, new, decision, 40_000, itinerary_key="ZZ1@2027-05-10T09:00")
    assert other.code == "offer_gone"
    general = await allow(house, new, decision, 40_000, kind=MandateKind.BOOKING)
    assert general.code == "consent_needed"
    assert await house.attempts(new.campaign_id) == []

    answer = await allow(house, new, decision, decision["total_minor"] + 100)
    assert (answer.code, answer.state) == ("done", "booking")
    await house.until(new.campaign_id, "booked")
    (attempt,) = await house.attempts(new.campaign_id)
    assert attempt["itinerary_key"] == decision["itinerary_key"]
    assert attempt["limit_minor"] == decision["total_minor"] + 100
    (use,) = await house.rows("SELECT * FROM mandate_uses")
    assert (use["mandate_id"], use["amount_minor"]) == (
        attempt["mandate_id"],
        decision["total_minor"],
    )
    row = await house.row("autobooking_campaigns", new.campaign_id)
    assert row["budget_minor"] == BUDGET.minor
    assert await said_of(house, decision) == ("booked", None)
    await house.in_order()


async def test_dearer_by_now_it_dies_and_its_traveller_is_told(house: House) -> None:
    new, decision = await dear(house)
    house.fare("309.00")
    answer = await allow(house, new, decision, decision["total_minor"] + 100)
    assert answer.code == "done"
    await house.until(new.campaign_id, "active")
    (attempt,) = await house.attempts(new.campaign_id)
    assert (attempt["failure_reason"], attempt["ignore_until"]) == ("price_rose", None)
    assert house.intents() == []
    row = await house.row("autobooking_campaigns", new.campaign_id)
    assert (row["budget_minor"], row["hold_off_until"]) == (BUDGET.minor, None)
    rows = await house.rows("SELECT kind FROM mandates WHERE revoked_at IS NULL")
    assert [one["kind"] for one in rows] == ["booking"]

    async def told() -> bool:
        return "allowance_ended" in await house.notices(new.campaign_id)

    await eventually(told)
    assert await said_of(house, decision) == ("failed", "price_rose")
    house.fare("300.50")
    answer = await allow(house, new, decision, decision["total_minor"] + 100)
    assert (answer.code, answer.state) == ("done", "booking")
    await house.until(new.campaign_id, "booked")
    assert await said_of(house, decision) == ("booked", None)
    await house.in_order()

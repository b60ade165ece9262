"""Stories that run side by side in one house: each has people and a departure day of its own."""

from datetime import date, timedelta
from typing import Any

from house import House, eventually
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from domain.messages.campaign import NewCampaign, OfferFound
from domain.money import Money
from domain.offers import DatePair


async def dreamt(
    house: House, number: int, card: str = "pm_card_visa", **changes: Any
) -> NewCampaign:
    """Let somebody new think of a wish for a day of its own, which is not made yet."""
    user, traveler = await house.someone(card)
    day: date = house.wish().departure_from + timedelta(days=number)
    criteria = house.wish(departure_from=day, departure_until=day, **changes)
    return house.new_campaign(user, (traveler,), criteria)


async def make(house: House, new: NewCampaign) -> None:
    assert (await house.create(new)).code == "done"


async def skip(house: House, handle: WorkflowHandle[Any, Any], span: timedelta) -> None:
    """Move a workflow's clock; one that has ended needs none."""
    try:
        await house.skip(handle, span)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


async def cheapest_found(house: House) -> OfferFound:
    """Wait until a look has come by; return its cheapest offer as a look reports a match."""

    async def cheapest() -> list[dict[str, Any]]:
        return await house.rows("SELECT * FROM offer_snapshots ORDER BY total_minor LIMIT 1")

    row = (await eventually(cheapest))[0]
    return OfferFound(
        look_id=row["look_id"],
        criteria_version=1,
        seller="duffel",
        pair=DatePair(origin="JFK", destination="LIS", departs_on=house.wish().departure_from),
        itinerary_key=row["itinerary_key"],
        price=Money(minor=row["total_minor"], currency="USD"),
    )


async def orders_of(house: House, new: NewCampaign) -> list[str]:
    orders = house.sandbox.ledger()["duffel"]["orders"]
    mine = str(new.campaign_id)
    return [o["status"] for o in orders if o["metadata"]["campaign_id"] == mine]


async def holds_of(house: House, new: NewCampaign) -> list[str]:
    """Return the states of the wish's payments in the processor's books, oldest first."""
    intents = house.sandbox.ledger()["stripe"]["payment_intents"]
    mine = str(new.campaign_id)
    held = sorted(
        (i for i in intents if i["metadata"]["campaign_id"] == mine), key=lambda i: i["created"]
    )
    return [i["status"] for i in held]

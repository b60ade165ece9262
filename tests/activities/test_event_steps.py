"""Working on what providers tell us: one after the other, again where nobody was reached, then not.

Whom an event reaches is shown by tests/workflows/test_provider_hints.py, on real processes.
"""

from datetime import datetime, timedelta
from typing import Any

from activity_desk import Desk
from house import TESTS
from temporalio.service import RPCError, RPCStatusCode

from activities.provider_events import Looker, ProviderEventActivities
from db.queries.provider_events import lock_event, settle_event, store_event, take_event, work_again
from domain.ids import derive
from domain.provider_events import MOST_TRIES, EventState, ProviderEvent, Teller
from runtime.clock import system_now


def event(ref: str, kind: str = "order.updated", **about: str) -> ProviderEvent:
    return ProviderEvent(
        event_ref=ref,
        kind=kind,
        object_ref=None,
        happened_at=None,
        facts={"data": {"object": about}},
    )


async def tell(desk: Desk, *events: ProviderEvent, teller: Teller = Teller.DUFFEL) -> list[bool]:
    async with desk.house.database.transaction(TESTS) as session:
        return [await store_event(session, teller, one, system_now()) for one in events]


async def rows(desk: Desk) -> dict[str, dict[str, Any]]:
    found = await desk.house.rows("SELECT * FROM provider_events")
    return {row["event_ref"]: row for row in found}


class Away:
    """Processes that cannot be reached, until they can; it keeps whom it was asked for."""

    def __init__(self, status: RPCStatusCode | None) -> None:
        self.status = status
        self.asked: list[Looker] = []

    async def __call__(self, looker: Looker) -> None:
        self.asked.append(looker)
        if self.status is not None:
            raise RPCError("away", self.status, b"")


async def test_what_is_nobodys_keeps_nobody_waiting_and_comes_once(desk: Desk) -> None:
    ours = event("wev_1", order_id="ord_ours")
    assert await tell(desk, ours, event("wev_2", "ping.triggered"), ours) == [True, False, False]
    assert await desk.take(desk.all.events.work_on_events) is None
    found = await rows(desk)
    assert (found["wev_1"]["state"], found["wev_1"]["times"]) == ("left", 2)
    assert found["wev_1"]["outcome"] == "nothing of ours hangs on it"
    assert (found["wev_2"]["state"], found["wev_2"]["tries"]) == ("left", 0)
    # One that comes again later is counted, and nobody looks because of it.
    await tell(desk, ours)
    assert (await rows(desk))["wev_1"]["state"] == "left"


async def test_who_is_not_reached_is_tried_again_and_given_up_in_the_end(desk: Desk) -> None:
    away = Away(RPCStatusCode.UNAVAILABLE)
    steps = ProviderEventActivities(desk.house.database, away)
    kind = "charge.dispute.created"
    await tell(desk, event("evt_1", kind), event("evt_2", kind), teller=Teller.STRIPE)
    due: datetime | None = system_now()
    while due is not None:
        after = due - system_now() + timedelta(seconds=1)
        due = await desk.take(steps.work_on_events, after=after)
    assert away.asked == [("disputes", "look_again")] * 2 * MOST_TRIES
    for row in (await rows(desk)).values():
        assert (row["state"], row["tries"]) == ("dead", MOST_TRIES)
        assert row["outcome"] == "disputes: unavailable"
    # A dead letter is worked on again where an operator says so.
    async with desk.house.database.transaction(TESTS) as session:
        row = await lock_event(session, derive("provider event", Teller.STRIPE, "evt_1"))
        assert row is not None
        work_again(row, system_now())
    away.status = None
    assert await desk.take(steps.work_on_events) is None
    assert {ref: row["state"] for ref, row in (await rows(desk)).items()} == {
        "evt_1": "done",
        "evt_2": "dead",
    }


async def test_one_that_takes_its_worker_down_is_given_up_too(desk: Desk) -> None:
    """Its try is counted before it is made; others are worked on meanwhile."""
    await tell(desk, event("wev_1", order_id="ord_1"))
    now = system_now()
    for _ in range(MOST_TRIES):
        async with desk.house.database.transaction(TESTS) as session:
            taken = await take_event(session, now)
            assert taken is not None
        async with desk.house.database.transaction(TESTS) as session:
            assert await take_event(session, now) is None, "it is another's until its next try"
        now += timedelta(days=1)
    async with desk.house.database.transaction(TESTS) as session:
        assert await take_event(session, now) is None
        # Whoever lost it and comes back late does not settle what was settled.
        await settle_event(session, taken, EventState.DONE, "late", now)
    [row] = (await rows(desk)).values()
    assert (row["state"], row["outcome"], row["next_try_at"]) == ("dead", "", None)

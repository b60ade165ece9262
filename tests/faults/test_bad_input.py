"""Providers that answer garbage: no wrong booking, no endless repeating, and a reason that says so.

What Schemathesis sends to our own door is in tests/api/test_schemathesis.py. The stories of a test
run side by side in one house; each has its own garbage, aimed at it by its day or its attempt.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import date, timedelta
from typing import Any

import pytest
from fault_worker import marked
from house import House, eventually
from sandbox import Sandbox
from stories import dreamt, make, orders_of, skip
from temporal_servers import SharedServers

from domain.ids import attempt_id_for, booking_id_for
from domain.messages.attempt import attempt_workflow_id
from domain.messages.campaign import NewCampaign
from domain.messages.order import order_workflow_id

EFFECTS = (
    "garbage_truncated",
    "garbage_types",
    "garbage_missing",
    "garbage_html",
    "garbage_huge",
    "hang_headers",
)
# What a clean run calls, once the look has found something; a test holds this list to the truth.
SAGA_CALLS = (
    ("duffel", "create_offer_request"),
    ("duffel", "get_offer"),
    ("stripe", "list_payment_intents"),
    ("stripe", "create_payment_intent"),
    ("stripe", "confirm_payment_intent"),
    ("duffel", "create_order"),
    ("stripe", "get_payment_intent"),
    ("stripe", "capture_payment_intent"),
    ("duffel", "get_order"),
)
# What is bent for ever, how, and after how many calls at most it must be over.
FOR_EVER = (
    ("duffel", "create_offer_request", "garbage_html", 60),
    ("duffel", "get_offer", "garbage_missing", 60),
    ("stripe", "create_payment_intent", "garbage_truncated", 60),
    # A hold is looked for until it is released, for three days, and then by a person.
    ("stripe", "list_payment_intents", "garbage_types", 600),
)
SEARCH, CAPTURE = ("duffel", "create_offer_request"), ("stripe", "capture_payment_intent")
WRITES = {call for call in SAGA_CALLS if call[1].startswith(("create_", "confirm_"))} - {SEARCH}
PATIENCE = 1.0
HANG = {"seconds": 2}
LATER = timedelta(minutes=70)  # by then the search loop looks at a pair of flights again


@pytest.fixture
async def house(
    database_url: str, clean_sandbox: Sandbox, temporal_servers: SharedServers
) -> AsyncIterator[House]:
    async with temporal_servers.house(
        database_url, clean_sandbox, extra_headers=marked, patience=PATIENCE
    ) as opened:
        yield opened


async def test_a_look_that_gets_garbage_says_so_and_the_next_one_books(house: House) -> None:
    tales, rules = {}, {}
    for number, effect in enumerate(EFFECTS):
        tales[effect] = new = await dreamt(house, number)
        rules[effect] = house.fault(
            "duffel", "create_offer_request", effect,
            times=None, contains=str(_day(new)), **HANG,
        )  # fmt: skip
        await make(house, new)
    ids = [new.campaign_id for new in tales.values()]

    async def looked() -> dict[date, dict[str, Any]] | None:
        # Less than what brings about another look while one of these is still waited for.
        await house.later(timedelta(seconds=10), *ids)
        looks = await house.rows("SELECT departs_on, failed, offers, cheapest_minor FROM looks")
        assert len({look["departs_on"] for look in looks}) == len(looks)
        return {look["departs_on"]: look for look in looks} if len(looks) == len(tales) else None

    looks = await eventually(looked)
    for effect, new in tales.items():
        look = looks[_day(new)]
        assert look["failed"], effect
        decided = await _decisions(house, new)
        why = "unreadable" if effect.startswith("garbage") else "no_answer"
        assert [d["reason"] for d in decided] == [why], effect
        assert decided[0]["detail"] == look["failed"], effect
        assert (look["offers"], look["cheapest_minor"]) == (0, None), effect
        assert 1 <= _rules(house)[rules[effect]]["fired"] <= 4, effect
        assert await house.state(new.campaign_id) == "active", effect
        assert await house.attempts(new.campaign_id) == [], effect
    assert house.calls("duffel", "create_offer_request") <= 4 * len(tales)

    house.sandbox.control("DELETE", "/faults")
    await house.later(timedelta(hours=2), *ids)
    for new in tales.values():
        await house.until(new.campaign_id, "booked")
    await house.in_order()


async def test_garbage_once_at_every_call_still_books_once(house: House) -> None:
    """Each write has happened, and its answer cannot be read; each read fails once."""
    clean = await dreamt(house, len(EFFECTS))
    await make(house, clean)
    await _until_ticketed(house, clean)
    made = {(r["vendor"], r["operation"]) for r in house.sandbox.control("GET", "/requests")}
    set_up = {
        ("stripe", "create_customer"),
        ("stripe", "attach_payment_method"),
        ("mail", "deliver"),
    }
    assert made - set_up == set(SAGA_CALLS)

    rules, tales = [], {}
    for number, effect in enumerate(EFFECTS):
        tales[effect] = new = await dreamt(house, number)
        rules += [_bend(house, new, call, effect, value="after") for call in SAGA_CALLS]
        await make(house, new)
    await _until_over(house, tales.values())
    for effect, new in tales.items():
        assert await house.state(new.campaign_id) == "booked", effect
        await _until_ticketed(house, new)
        assert await orders_of(house, new) == ["live"], effect
        assert len(await _decisions(house, new, "booked")) == 1, effect
    await house.in_order()
    _all_fired(house, rules)


async def test_writes_that_answer_garbage_and_did_nothing_book_nothing_twice(house: House) -> None:
    rules, captures, tales = [], {}, {}
    for number, effect in enumerate(EFFECTS):
        tales[effect] = new = await dreamt(house, number)
        rules += [_bend(house, new, call, effect) for call in sorted(WRITES)]
        # The first attempt does not come so far; a further one may meet an offer that has lapsed.
        captures[effect] = [_bend(house, new, CAPTURE, effect, attempt=n) for n in range(2, 7)]
        await make(house, new)
    await _until_over(house, tales.values())
    # Nobody knew of an order; once it could no longer come to be, the hold was released.
    for effect, new in tales.items():
        first, *_ = await house.attempts(new.campaign_id)
        assert first["failure_reason"] == "order_never_happened", effect
        failed = await _decisions(house, new, "failed")
        assert [d["failure_reason"] for d in failed] == ["order_never_happened"], effect
    await _until_over(house, tales.values(), "booked")
    await house.in_order()
    for effect, new in tales.items():
        assert len(await orders_of(house, new)) == 1, effect
        assert any(_rules(house)[rule]["fired"] for rule in captures[effect]), effect
    _all_fired(house, rules)


async def test_garbage_for_ever_ends_the_attempt_with_a_reason(house: House) -> None:
    rules, tales = {}, {}
    for number, (vendor, operation, effect, _) in enumerate(FOR_EVER):
        tales[operation] = new = await dreamt(house, number)
        rules[operation] = _bend(house, new, (vendor, operation), effect, times=None)
        await make(house, new)
    await _until_over(house, tales.values())
    assert house.orders() == []
    _all_fired(house, rules.values())
    for _, operation, _, most in FOR_EVER:
        new = tales[operation]
        attempts = await house.attempts(new.campaign_id)
        assert attempts, operation
        reasons = [one["failure_reason"] for one in attempts]
        assert all(reasons), operation
        told = {d["failure_reason"] for d in await _decisions(house, new, "failed")}
        assert told == set(reasons), operation
        state = await house.state(new.campaign_id)
        assert state in {"active", "needs_action", "paused"}, operation
        # Growing pauses: no storm, however long it lasts.
        assert _rules(house)[rules[operation]]["seen"] < most
        asked = await house.rows(
            "SELECT 1 FROM operator_tasks t JOIN booking_attempts a ON a.id = t.attempt_id"
            " WHERE a.campaign_id = :id", id=new.campaign_id,
        )  # fmt: skip
        assert bool(asked) is (operation == "list_payment_intents"), operation
    assert len(await house.tasks()) == 1


async def test_offers_that_cannot_be_read_are_told_beside_those_that_can(house: House) -> None:
    new = await dreamt(house, 0)
    house.fault(*SEARCH, "garbage_items", value="after", times=1, contains=str(_day(new)))
    await make(house, new)
    await house.watched(new.campaign_id)
    (look,) = await house.rows("SELECT failed, offers FROM looks")
    assert look["failed"] is None
    (left,) = await _decisions(house, new, "unread")
    assert left["reason"] == "some_unreadable"
    spoilt, _, more = left["detail"].removesuffix(" offers").partition(" of ")
    assert (int(more) - int(spoilt), int(more) // 2) == (look["offers"], int(spoilt))
    await house.until(new.campaign_id, "booked")
    await house.in_order()


async def _decisions(house: House, new: NewCampaign, *verdicts: str) -> list[dict[str, Any]]:
    return await house.rows(
        "SELECT verdict, reason, detail, failure_reason FROM offer_decisions WHERE campaign_id = :id"
        " AND (verdict = ANY(:verdicts) OR :verdicts = '{}') ORDER BY id",
        id=new.campaign_id, verdicts=list(verdicts),
    )  # fmt: skip


def _day(new: NewCampaign) -> date:
    return new.criteria.departure_from


def _bend(
    house: House, new: NewCampaign, call: tuple[str, str], effect: str, *,
    attempt: int = 1, **more: object,
) -> str:  # fmt: skip
    """Bend a call of one attempt, or of the care for its order."""
    caller = attempt_id_for(new.campaign_id, attempt)
    marks = {"get_order": order_workflow_id(booking_id_for(caller))}
    mark = marks.get(call[1], attempt_workflow_id(caller))
    return house.fault(*call, effect, contains=mark, **HANG, **more)


async def _until_over(house: House, wishes: Iterable[NewCampaign], *states: str) -> None:
    """Let time pass until no attempt is under way, and the wishes are in one of the states.

    They go side by side: a step is over when the slowest has taken it.
    """
    steps = iter([timedelta(minutes=20)] * 15 + [timedelta(hours=6)] * 1000)
    left, ends = list(wishes), states or ("booked", "active", "needs_action", "paused")

    async def over() -> bool:
        live, idle = [], []
        for new in tuple(left):
            attempts = await house.attempts(new.campaign_id)
            under_way = [a for a in attempts if a["state"] not in {"captured", "failed"}]
            live += [house.attempt(attempt["id"]) for attempt in under_way]
            if attempts and not under_way:
                state = await house.state(new.campaign_id)
                if state in ends:
                    left.remove(new)
                elif state == "active":
                    idle.append(house.campaign(new.campaign_id))
        span = next(steps) if live else timedelta()
        await asyncio.gather(*(skip(house, attempt, span) for attempt in live))
        if idle:
            await asyncio.gather(*(skip(house, campaign, LATER) for campaign in idle))
            await house.later(LATER)
        return not left

    async def told() -> object:
        return [await house.events(new.campaign_id) for new in left]

    await eventually(over, seconds=120, told=told)


async def _until_ticketed(house: House, new: NewCampaign) -> None:
    async def ticketed() -> bool:
        rows = await house.rows(
            "SELECT id, state FROM bookings WHERE campaign_id = :id", id=new.campaign_id
        )
        if rows and rows[0]["state"] != "ticketed":
            await skip(house, house.order(rows[0]["id"]), timedelta(minutes=10))
        return bool(rows) and rows[0]["state"] == "ticketed"

    await eventually(ticketed)


def _rules(house: House) -> dict[str, dict[str, Any]]:
    return {rule["id"]: rule for rule in house.sandbox.control("GET", "/faults")}


def _all_fired(house: House, rules: Iterable[str]) -> None:
    known = _rules(house)
    idle = [known[rule] for rule in rules if not known[rule]["fired"]]
    assert [(rule["operation"], rule["effect"]) for rule in idle] == []

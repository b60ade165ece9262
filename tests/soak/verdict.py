"""What is true after a schedule: every deadline has passed, and both sides' books agree."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from house import TESTS

from cli.invariants import Rows, check, load_rows, unsettled
from domain.attempts import LIVE
from domain.ids import CampaignId
from domain.orders import BookingState
from tests.soak.places import ASKS_A_PERSON
from tests.soak.player import Player
from tests.soak.steps import Fault

STILL_SECONDS = 60.0  # nothing has moved for so long: it never will
PATIENT_SECONDS = 1.5  # what has not moved for so long waits for its clock
DEADLINE = timedelta(minutes=70)  # of a proposal's bank, of an order in doubt
PAUSE = timedelta(minutes=2)  # between two tries of a call
CARE_PAUSE = timedelta(minutes=11)  # between two looks at an order
REFUND_PAUSE = timedelta(hours=7)
_WAITS = frozenset({"awaiting_authentication", "order_unknown"})
_WATCHES = frozenset({"active", "paused", "awaiting_approval"})
_BEING_BOOKED = frozenset({BookingState.ORDERED, BookingState.TICKETING})


@dataclass(frozen=True)
class Verdict:
    """What was wrong after a schedule, and how many bookings came of it."""

    wrong: tuple[str, ...]
    bookings: int = 0


async def settle(player: Player) -> list[str]:
    """Let every deadline pass and end what still watches; say what came to no end."""
    await player.clear_faults()
    loop = asyncio.get_running_loop()
    seen: object = None
    since = loop.time()
    while True:
        rows = await _rows(player)
        now = _position(rows)
        if now != seen:
            seen, since = now, loop.time()
        waits = await _move_on(player, rows, patient=loop.time() < since + PATIENT_SECONDS)
        if not waits:
            return []
        if loop.time() > since + STILL_SECONDS:
            return [f"never settled: {why}" for why in waits]
        await asyncio.sleep(0.1)


async def judge(player: Player) -> Verdict:
    """Hold what the providers wrote down against what we wrote down, for this schedule."""
    rows = await _rows(player)
    ledger = _of_campaigns(await player.stage.control("GET", "/ledger"), _ids(player))
    wrong = [str(violation) for violation in check(ledger, rows, player.accepted)]
    if not any(isinstance(s, Fault) and s.effect in ASKS_A_PERSON for s in player.schedule.steps):
        wrong += [f"asked a person: {task.kind}: {task.detail}" for task in rows.tasks]
    return Verdict((*wrong, *_cancelled_yet_booked(player, rows, ledger)), len(rows.bookings))


def _cancelled_yet_booked(player: Player, rows: Rows, ledger: dict[str, Any]) -> list[str]:
    """Whoever was told that their wish is cancelled has no flight and paid nothing."""
    states = {c.id: c.status.value for c in rows.campaigns}
    wrong = [
        f"campaign {each} is {states[each]} though its cancelling was confirmed"
        for each in player.cancelled
        if states[each] != "cancelled"
    ]
    told = {str(each) for each in player.cancelled}
    for order in ledger["duffel"]["orders"]:
        if order["metadata"]["campaign_id"] in told and order["status"] in {"live", "pending"}:
            wrong.append(f"order {order['id']} lives though its wish was cancelled before")
    return wrong


async def _move_on(player: Player, rows: Rows, *, patient: bool) -> list[str]:
    """Do what time and a traveller who loses interest would do; say what is still under way."""
    waits = list(unsettled(rows))
    live = [a for a in rows.attempts if a.state in LIVE]
    for attempt in live:
        waiting = attempt.state.value in _WAITS
        if waiting or not patient:
            handle = player.house.attempt(attempt.id)
            await player.stage.skip(handle, DEADLINE if waiting else PAUSE)
    waits += await _move_orders(player, rows, patient=patient)
    for campaign in rows.campaigns:
        if campaign.status.value == "booking":
            waits.append(f"campaign {campaign.id} is being booked")
        elif campaign.status.value in _WATCHES and not any(
            a.campaign_id == campaign.id for a in live
        ):
            waits.append(f"campaign {campaign.id} watches")
            async with asyncio.timeout(STILL_SECONDS):
                await player.house.update(CampaignId(campaign.id), "cancel")
    return waits


async def _move_orders(player: Player, rows: Rows, *, patient: bool) -> list[str]:
    """Let the care of orders look again; what a person was asked about is at rest."""
    waits = []
    asked = {task.booking_id for task in rows.tasks}
    owed = " ".join(unsettled(rows))
    for booking in rows.bookings:
        coming = booking.state in _BEING_BOOKED and booking.id not in asked
        going = str(booking.campaign_id) in owed and booking.state not in _BEING_BOOKED
        if coming:
            waits.append(f"booking {booking.id} is {booking.state.value}")
        if (coming or going) and not patient:
            span = CARE_PAUSE if coming else REFUND_PAUSE
            await player.stage.skip(player.house.order(booking.id), span)
    return waits


def _position(rows: Rows) -> object:
    return (
        sorted((str(c.id), c.status, c.event_seq) for c in rows.campaigns),
        sorted((str(a.id), a.state) for a in rows.attempts),
        sorted((str(b.id), b.state) for b in rows.bookings),
        sorted((str(r.id), r.status) for r in rows.refunds),
    )


def _ids(player: Player) -> set[UUID]:
    return {new.campaign_id for new in player.wishes.values()}


async def _rows(player: Player) -> Rows:
    """Return our rows of this schedule."""
    async with player.house.database.transaction(TESTS) as session:
        rows = await load_rows(session)
    ids = _ids(player)

    def mine(found: Any) -> Any:
        return tuple(row for row in found if row.campaign_id in ids)

    attempts = mine(rows.attempts)
    known = {a.id for a in attempts}
    bookings = mine(rows.bookings)
    booked = {b.id for b in bookings}
    return replace(
        rows,
        campaigns=tuple(c for c in rows.campaigns if c.id in ids),
        mandates=mine(rows.mandates),
        attempts=attempts,
        bookings=bookings,
        payments=mine(rows.payments),
        refunds=tuple(r for r in rows.refunds if r.booking_id in booked),
        calls=tuple(c for c in rows.calls if c.attempt_id in known or c.booking_id in booked),
        tasks=mine(rows.tasks),
    )


def _of_campaigns(ledger: dict[str, Any], ids: Collection[UUID]) -> dict[str, Any]:
    """Keep what the providers know of these campaigns; the whole is checked at the end."""
    names = {str(each) for each in ids}

    def mine(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [r for r in rows if (r.get("metadata") or {}).get("campaign_id") in names]

    orders = mine(ledger["duffel"]["orders"])
    intents = mine(ledger["stripe"]["payment_intents"])
    intent_ids = {i["id"] for i in intents}
    refunds = [r for r in ledger["stripe"]["refunds"] if r["payment_intent"] in intent_ids]
    return {
        "duffel": {**ledger["duffel"], "orders": orders},
        "stripe": {**ledger["stripe"], "payment_intents": intents, "refunds": refunds},
    }

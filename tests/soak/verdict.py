"""What is true after a schedule: every deadline has passed, and both sides' books agree."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from house import TESTS
from sqlalchemy import select

from cli.invariants import Rows, check, unsettled
from db.models import (
    AttemptRow,
    BookingRow,
    CampaignRow,
    MandateRow,
    MandateUseRow,
    OperatorTaskRow,
    PaymentRow,
    ProviderCallRow,
    RefundRow,
)
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
POLL_SECONDS = 0.25
_WAITS = frozenset({"awaiting_authentication", "order_unknown"})
_WATCHES = frozenset({"active", "paused", "awaiting_approval"})
_BEING_BOOKED = frozenset({BookingState.ORDERED, BookingState.TICKETING})


@dataclass(frozen=True)
class Verdict:
    """What was wrong after a schedule, and what came about in it."""

    wrong: tuple[str, ...]
    bookings: int = 0
    attempts: int = 0
    faults: int = 0


async def settle(player: Player) -> list[str]:
    """Let every deadline pass and end what still watches; say what came to no end."""
    await player.clear_faults()
    loop = asyncio.get_running_loop()
    seen: object = None
    since = loop.time()
    while True:
        now, moving = await _position(player)
        if now != seen:
            seen, since = now, loop.time()
        patient = loop.time() < since + PATIENT_SECONDS
        if not (moving and patient):
            waits = await _move_on(player, await _rows(player), patient=patient)
            if not waits:
                return []
            if loop.time() > since + STILL_SECONDS:
                return [f"never settled: {why}" for why in waits]
        await asyncio.sleep(POLL_SECONDS)


async def judge(player: Player) -> Verdict:
    """Hold what the providers wrote down against what we wrote down, for this schedule."""
    rows = await _rows(player)
    ledger = _of_campaigns(await player.stage.control("GET", "/ledger"), _ids(player))
    wrong = [str(violation) for violation in check(ledger, rows, player.accepted)]
    if not any(isinstance(s, Fault) and s.effect in ASKS_A_PERSON for s in player.schedule.steps):
        wrong += [f"asked a person: {task.kind}: {task.detail}" for task in rows.tasks]
    wrong += _cancelled_yet_booked(player, rows, ledger)
    return Verdict(tuple(wrong), len(rows.bookings), len(rows.attempts), player.faults)


def _cancelled_yet_booked(player: Player, rows: Rows, ledger: dict[str, Any]) -> list[str]:
    """Whoever was told that their wish is cancelled has no flight and paid nothing."""
    states = {c.id: c.status.value for c in rows.campaigns}
    wrong = [
        f"campaign {each} is {states[each]} though its cancelling was confirmed"
        for each in player.cancelled
        if states[each] != "cancelled"
    ]
    told = {str(each) for each in player.cancelled}
    living = [o for o in ledger["duffel"]["orders"] if o["status"] in {"live", "pending"}]
    return wrong + [
        f"order {order['id']} lives though its wish was cancelled before"
        for order in living
        if order["metadata"]["campaign_id"] in told
    ]


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


async def _position(player: Player) -> tuple[object, bool]:
    """Return where everything stands, and whether something of it goes on by itself."""
    query = """SELECT c.id, c.status, c.event_seq,
        (SELECT string_agg(state, ' ' ORDER BY number) FROM booking_attempts
            WHERE campaign_id = c.id AND state NOT IN ('captured', 'failed')) AS attempts,
        (SELECT string_agg(state, ' ' ORDER BY created_at) FROM bookings
            WHERE campaign_id = c.id) AS bookings
        FROM autobooking_campaigns c WHERE c.id = ANY(:ids) ORDER BY c.id"""
    found = await player.house.rows(query, ids=list(_ids(player)))
    moving = {row["attempts"] for row in found} - _WAITS - {None}
    return found, bool(moving)


def _ids(player: Player) -> set[UUID]:
    return {new.campaign_id for new in player.wishes.values()}


async def _rows(player: Player) -> Rows:
    """Return our rows of this schedule."""
    ids = _ids(player)
    async with player.house.database.transaction(TESTS) as session:

        async def mine(table: Any, column: Any, wanted: Collection[UUID]) -> tuple[Any, ...]:
            return tuple(await session.scalars(select(table).where(column.in_(wanted))))

        attempts = await mine(AttemptRow, AttemptRow.campaign_id, ids)
        bookings = await mine(BookingRow, BookingRow.campaign_id, ids)
        return Rows(
            campaigns=await mine(CampaignRow, CampaignRow.id, ids),
            mandates=await mine(MandateRow, MandateRow.campaign_id, ids),
            uses=await mine(MandateUseRow, MandateUseRow.campaign_id, ids),
            attempts=attempts,
            bookings=bookings,
            payments=await mine(PaymentRow, PaymentRow.campaign_id, ids),
            refunds=await mine(RefundRow, RefundRow.booking_id, [b.id for b in bookings]),
            calls=await mine(ProviderCallRow, ProviderCallRow.attempt_id, [a.id for a in attempts]),
            tasks=await mine(OperatorTaskRow, OperatorTaskRow.campaign_id, ids),
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

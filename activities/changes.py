"""A traveller's answer to flights that the airline has moved: take them, or ask for others."""

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.booking_rows import write_flights
from activities.failures import provider_call
from activities.offers import WORKER
from activities.refunds import locked_booking
from db.models import BookingRow
from db.models.provider_call import CallState
from db.queries import calls
from db.queries.attempts import open_task
from db.queries.transitions import append_event
from db.session import Database
from db.vault import PersonalVault
from domain.ids import provider_key
from domain.messages.order import AnswerChange, ChangeAnswer, ChangeCode
from domain.order_details import AirlineChange
from domain.orders import BookingState
from providers.changes import ScheduleChanges
from providers.ports import FlightOrders, ProviderOrder
from providers.registry import read_order
from runtime.clock import activity_now

_STANDS = frozenset({BookingState.TICKETING, BookingState.TICKETED})
_TAKEN = "accepted"


class ChangeActivities:
    def __init__(
        self,
        database: Database,
        vault: PersonalVault,
        orders: FlightOrders,
        changes: ScheduleChanges,
    ) -> None:
        self._database, self._vault = database, vault
        self._orders, self._changes = orders, changes

    @activity.defn
    async def accept_change(self, request: AnswerChange) -> ChangeAnswer:
        """Take the airline's new flights. What became of it is read from the order itself.

        So a lost answer needs no repeating in the dark, and one that somebody else gave counts.
        """
        key = f"{provider_key('accept_change', request.booking_id)}:{request.change_id}"
        async with self._database.transaction(WORKER) as session:
            row = await locked_booking(session, request.booking_id)
            if row.state not in _STANDS:
                return _answer(ChangeCode.NOT_NOW, request)
            await calls.begin_call(
                session,
                key=key,
                kind="accept_change",
                provider=row.provider.value,
                user_id=row.user_id,
                attempt_id=row.attempt_id,
                booking_id=row.id,
                facts={"change_id": request.change_id},
                now=activity_now(),
            )
            order_id, seller = str(row.duffel_order_id), row.provider.value
        async with provider_call():
            order = await self._orders.get(order_id)
            change = _change(order, seller, request.change_id)
            if change is not None and change.answer is None:
                # A refusal needs no look: the order tells who was faster.
                await self._changes.accept(request.change_id)
                order = await self._orders.get(order_id)
                change = _change(order, seller, request.change_id)
        taken = change is not None and change.answer == _TAKEN
        async with self._database.transaction(WORKER) as session:
            row = await locked_booking(session, request.booking_id)
            await self._write(session, row, order, key, taken=taken)
        return _answer(ChangeCode.ACCEPTED if taken else ChangeCode.STALE, request)

    async def _write(
        self, session: AsyncSession, row: BookingRow, order: ProviderOrder, key: str, *, taken: bool
    ) -> None:
        now = activity_now()
        await write_flights(session, self._vault, row, order)
        call = await calls.begun_call(session, key)
        fresh = call.state is not CallState.ANSWERED
        calls.settle(call, CallState.ANSWERED if taken else CallState.REFUSED, now)
        if taken and fresh:
            await _tell(session, row, "booking.change_accepted")

    @activity.defn
    async def ask_for_other_flights(self, request: AnswerChange) -> ChangeAnswer:
        """Hand the wish for other flights to a person; asking twice asks once."""
        async with self._database.transaction(WORKER) as session:
            row = await locked_booking(session, request.booking_id)
            if row.state not in _STANDS:
                return _answer(ChangeCode.NOT_NOW, request)
            detail = f"the traveller wants other flights than change {request.change_id} offers"
            key = f"other_flights:{row.id}:{request.change_id}"
            if await open_task(session, key, "other_flights", detail, activity_now(), booking=row):
                await _tell(session, row, "booking.others_asked")
        return _answer(ChangeCode.ASKED, request)


async def _tell(session: AsyncSession, row: BookingRow, event: str) -> None:
    if row.campaign_id is not None:
        told = {"booking_id": str(row.id)}
        await append_event(session, row.campaign_id, event, told, activity_now())


def _change(order: ProviderOrder, seller: str, change_id: str) -> AirlineChange | None:
    known = read_order(seller, order.raw).changes
    return next((one for one in known if one.change_id == change_id), None)


def _answer(code: ChangeCode, request: AnswerChange) -> ChangeAnswer:
    return ChangeAnswer(code=code, booking_id=request.booking_id)

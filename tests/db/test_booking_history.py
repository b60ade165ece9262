"""History and billing: filters, sums and pages over one person's rows."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from db.models.booking import BookingProvider
from db.models.payment import PaymentRow
from db.models.refund import RefundRow
from db.models.traveler import TravelerRow
from db.queries.billing import get_bill, list_bills
from db.queries.booking_history import (
    HistoryFilter,
    booking_events,
    find_bookings,
    payments_of,
    providers_used,
    sum_bookings,
    traveler_labels,
)
from db.queries.transitions import append_event
from db.session import Database, SystemActor
from domain.ids import UserId
from domain.orders import BookingState
from domain.payments import PaymentState

TESTS = SystemActor("tests")


def flown_on(day: str) -> dict[str, Any]:
    return {"slices": [{"segments": [{"departing_at": f"{day}T23:55:00"}]}]}


async def paid(
    session: Any, cast: Any, owner: UserId, booking: Any, captured: int, *, refunded: int = 0
) -> PaymentRow:
    card = await cast.card(session, owner)
    row = PaymentRow(
        id=uuid4(),
        booking_id=booking.id if booking else None,
        campaign_id=booking.campaign_id if booking else None,
        user_id=owner,
        rail="stripe",
        payment_method_id=card.id,
        state=PaymentState.REFUNDED if refunded else PaymentState.CAPTURED,
        amount_minor=captured,
        currency="USD",
        captured_minor=captured,
        refunded_minor=refunded,
        created_at=booking.created_at if booking else cast.now,
        updated_at=cast.now,
    )
    session.add(row)
    await session.flush()
    if refunded:
        session.add(
            RefundRow(
                id=uuid4(),
                payment_id=row.id,
                booking_id=booking.id,
                user_id=owner,
                amount_minor=refunded,
                currency="USD",
                status="succeeded",
                reason="cancelled by traveller",
                created_at=cast.now,
                updated_at=cast.now,
            )
        )
        await session.flush()
    return row


async def test_history_is_found_summed_and_paged(
    database: Database, app_database: Database, cast: Any, now: Any
) -> None:
    me, child = uuid4(), uuid4()
    async with database.transaction(TESTS) as session:
        owner, other = await cast.person(session), await cast.person(session)
        rows = []
        for number, (travelers, day, state, reference) in enumerate(
            [
                ((me,), "2027-05-12", BookingState.TICKETED, "RZPNX8"),
                ((me, child), "2027-06-30", BookingState.CANCELLED, "QWERTY"),
                ((child,), "2027-07-01", BookingState.FLOWN, "RZABCD"),
            ]
        ):
            campaign = await cast.campaign(session, owner, traveler_ids=travelers)
            booking = await cast.booking(
                session,
                campaign,
                owner,
                state=state,
                booking_reference=reference,
                itinerary=flown_on(day),
                ticket_numbers=[{"number": f"909-{number}", "kind": "electronic_ticket"}],
                created_at=now + timedelta(minutes=number),
            )
            back = 44_000 if state is BookingState.CANCELLED else 0
            await paid(session, cast, owner, booking, 48_000, refunded=back)
            rows.append(booking)
        theirs = await cast.booking(
            session, None, other, provider=BookingProvider.AMADEUS, booking_reference="RZPNX8"
        )
        session.add(_traveler(me, owner, "Me", now))

    async with app_database.transaction(owner) as session:

        async def found(**parts: Any) -> list[str | None]:
            page = await find_bookings(session, owner, HistoryFilter(**parts))
            return [line.booking.booking_reference for line in page.rows]

        assert await found() == ["RZABCD", "QWERTY", "RZPNX8"]
        assert await found(code=" rz ") == ["RZABCD", "RZPNX8"]
        assert await found(code="909-1") == ["QWERTY"]
        assert await found(code="%") == []
        assert await found(states={BookingState.TICKETED, BookingState.FLOWN}) == [
            "RZABCD",
            "RZPNX8",
        ]
        assert await found(traveler_id=child) == ["RZABCD", "QWERTY"]
        assert await found(provider=BookingProvider.AMADEUS) == []
        until = date(2027, 6, 30)
        assert await found(departs_from=date(2027, 5, 13), departs_until=until) == ["QWERTY"]

        first = await find_bookings(session, owner, HistoryFilter(), limit=2)
        second = await find_bookings(
            session, owner, HistoryFilter(), limit=2, cursor=first.next_cursor
        )
        assert [len(first.rows), len(second.rows)] == [2, 1]
        assert second.next_cursor is None
        flown, cancelled = first.rows
        assert (flown.charged_minor, flown.saved_minor) == (48_000, 4_000)
        assert (cancelled.refunded_minor, cancelled.saved_minor) == (44_000, None)

        (totals,) = await sum_bookings(session, owner, HistoryFilter())
        assert (totals.bookings, totals.cancelled, totals.charged_minor) == (3, 1, 144_000)
        assert (totals.refunded_minor, totals.saved_minor, totals.compared) == (44_000, 8_000, 2)
        assert await sum_bookings(session, owner, HistoryFilter(code="nothing")) == []
        assert await providers_used(session, owner) == [BookingProvider.DUFFEL]
        assert await traveler_labels(session, owner) == {me: "Me"}
        assert (await find_bookings(session, other, HistoryFilter())).rows == ()
    async with app_database.transaction(other) as session:
        page = await find_bookings(session, other, HistoryFilter())
        assert [line.booking.id for line in page.rows] == [theirs.id]
        assert page.rows[0].saved_minor is None


async def test_a_bookings_own_events_and_payments_are_told(
    database: Database, app_database: Database, cast: Any, now: Any
) -> None:
    async with database.transaction(TESTS) as session:
        owner = await cast.person(session)
        campaign = await cast.campaign(session, owner)
        before = await cast.attempt(
            session, campaign, state="failed", started_at=now - timedelta(hours=2)
        )
        await append_event(session, campaign.id, "payment.released", {}, now - timedelta(hours=1))
        attempt = await cast.attempt(session, campaign, 2, started_at=now)
        booking = await cast.booking(session, campaign, owner, attempt_id=attempt.id)
        for kind in ("attempt.ordering", "order.placed", "payment.captured", "booking.paid"):
            await append_event(session, campaign.id, kind, {}, now)
        payment = await paid(session, cast, owner, booking, 48_000)
        voided = await paid(session, cast, owner, None, 0)
        voided.attempt_id, voided.state = attempt.id, PaymentState.VOIDED
        old = await paid(session, cast, owner, None, 0)
        old.attempt_id = before.id
    async with app_database.transaction(owner) as session:
        kinds = [event.kind for event in await booking_events(session, booking)]
        assert kinds == ["order.placed", "payment.captured", "booking.paid"]
        assert {row.id for row in await payments_of(session, booking)} == {payment.id, voided.id}


async def test_bills_tell_what_a_payment_was_for(
    database: Database, app_database: Database, cast: Any
) -> None:
    async with database.transaction(TESTS) as session:
        owner, other = await cast.person(session), await cast.person(session)
        campaign = await cast.campaign(session, owner)
        booking = await cast.booking(session, campaign, owner, booking_reference="RZPNX8")
        payment = await paid(session, cast, owner, booking, 48_000, refunded=10_000)
        hold = await paid(session, cast, owner, None, 0)
    async with app_database.transaction(owner) as session:
        page = await list_bills(session, owner, limit=1)
        rest = await list_bills(session, owner, limit=1, cursor=page.next_cursor)
        bills = {bill.payment.id: bill for bill in (*page.rows, *rest.rows)}
        assert bills.keys() == {payment.id, hold.id}
        bill = bills[payment.id]
        assert bill.booking is not None
        assert (bill.wish, bill.card.last4, bill.booking.booking_reference) == (
            "Lisbon in spring",
            "4242",
            "RZPNX8",
        )
        assert [one.amount_minor for one in bill.refunds] == [10_000]
        assert bills[hold.id].booking is None
        assert (await get_bill(session, owner, payment.id)) is not None
        assert (await get_bill(session, owner, uuid4())) is None
    async with app_database.transaction(other) as session:
        assert (await list_bills(session, other)).rows == ()
        assert (await get_bill(session, other, payment.id)) is None


def _traveler(traveler_id: UUID, owner: UserId, label: str, now: Any) -> TravelerRow:
    sealed = dict.fromkeys(
        (name for name in TravelerRow.model_fields if name.endswith("_encrypted")), "sealed"
    )
    return TravelerRow(
        id=traveler_id, user_id=owner, label=label, created_at=now, updated_at=now, **sealed
    )

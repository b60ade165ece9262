import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from db.errors import StaleRow
from db.models.booking import BookingStatus
from db.models.campaign_event import CampaignEventRow
from db.models.notice import NoticeRow, NoticeState
from db.models.payment import PaymentRow
from db.queries import notices as notice_queries
from db.queries.calls import begun_call
from db.queries.campaigns import get_campaign
from db.queries.history import events_after
from db.queries.notices import NewNotice
from db.queries.transitions import (
    NoSuchCampaign,
    append_event,
    change_state,
    lock_attempt,
    lock_booking,
    lock_both,
    lock_campaign,
    payment_notice,
)
from db.session import Database, SystemActor
from domain.attempts import AttemptState
from domain.campaigns import CampaignState
from domain.errors import IllegalTransition
from domain.orders import BookingState
from domain.payments import PaymentState

WORKER = SystemActor("test")


async def test_a_change_of_state_writes_event_and_notice_together(
    database: Database, cast: Any, now: Any
):
    async with database.transaction(WORKER) as session:
        campaign = await cast.campaign(session)
        notice = NewNotice(
            event="paused",
            subject_id=campaign.id,
            user_id=campaign.user_id,
            campaign_id=campaign.id,
            data={"seq": 2},
        )
        later = now + timedelta(minutes=1)
        await change_state(
            session,
            campaign,
            CampaignState.PAUSED,
            now=later,
            event="campaign.paused",
            data={"by": "traveller"},
            notices=[notice, notice],
        )
        assert (campaign.status, campaign.row_version) == (CampaignState.PAUSED, 2)
        assert (campaign.updated_at, campaign.event_seq) == (later, 2)
    async with database.transaction(WORKER) as session:
        events = await events_after(session, campaign.id, 0)
        assert [(event.seq, event.kind) for event in events] == [
            (1, "campaign.created"),
            (2, "campaign.paused"),
        ]
        assert events[1].data == {"state": "paused", "by": "traveller"}
        pending = await notice_queries.pending_notices(session, campaign_id=campaign.id)
        assert [row.message_id for row in pending] == [f"<{pending[0].id}@parkerflight>"]
        assert (await events_after(session, campaign.id, 1))[0].seq == 2


async def test_a_refused_change_leaves_no_trace(database: Database, cast: Any, now: Any):
    async with database.transaction(WORKER) as session:
        campaign = await cast.campaign(session)

    async def book() -> None:
        async with database.transaction(WORKER) as session:
            row = await lock_campaign(session, campaign.id)
            assert row is not None
            await change_state(session, row, CampaignState.BOOKED, now=now, event="campaign.booked")

    with pytest.raises(IllegalTransition):
        await book()
    async with database.transaction(WORKER) as session:
        row = await get_campaign(session, campaign.id)
        assert row is not None
        assert (row.status, row.event_seq) == (CampaignState.ACTIVE, 1)


async def test_a_row_that_was_changed_meanwhile_is_stale(database: Database, cast: Any, now: Any):
    async with database.transaction(WORKER) as session:
        campaign_id = (await cast.campaign(session)).id
    async with database.transaction(WORKER) as slow:
        seen = await get_campaign(slow, campaign_id)
        assert seen is not None
        async with database.transaction(WORKER) as quick:
            row = await lock_campaign(quick, campaign_id)
            assert row is not None
            await change_state(quick, row, CampaignState.PAUSED, now=now, event="campaign.paused")
        with pytest.raises(StaleRow):
            await change_state(slow, seen, CampaignState.BOOKING, now=now, event="x")


async def test_of_fifty_who_change_a_version_at_once_one_wins(
    database: Database, cast: Any, now: Any
):
    async with database.transaction(WORKER) as session:
        campaign_id = (await cast.campaign(session)).id

    async def pause() -> bool:
        try:
            async with database.transaction(WORKER) as session:
                row = await get_campaign(session, campaign_id)
                assert row is not None
                await change_state(
                    session, row, CampaignState.PAUSED, now=now, event="campaign.paused"
                )
        except (StaleRow, IllegalTransition):
            return False
        return True

    assert sum(await asyncio.gather(*(pause() for _ in range(50)))) == 1
    async with database.transaction(WORKER) as session:
        row = await get_campaign(session, campaign_id)
        assert row is not None
        assert (row.row_version, row.event_seq) == (2, 2)


async def test_events_have_no_gaps_when_many_write(database: Database, cast: Any, now: Any):
    async with database.transaction(WORKER) as session:
        campaign_id = (await cast.campaign(session)).id

    async def write(number: int) -> None:
        async with database.transaction(WORKER) as session:
            await append_event(session, campaign_id, "test.noted", {"n": number}, now)
            if number % 5 == 0:
                await session.rollback()

    await asyncio.gather(*(write(number) for number in range(50)))
    async with database.transaction(WORKER) as session:
        numbers = [event.seq for event in await events_after(session, campaign_id, 0, 100)]
    assert numbers == list(range(1, 42))


async def test_an_event_of_no_campaign_is_refused(database: Database, now: Any):
    with pytest.raises(NoSuchCampaign):
        async with database.transaction(WORKER) as session:
            await append_event(session, uuid4(), "test.noted", {}, now)


async def test_a_listener_hears_what_was_committed_and_only_that(
    database: Database, cast: Any, now: Any
):
    async with database.transaction(WORKER) as session:
        campaign = await cast.campaign(session)
    campaign_id = campaign.id
    async with database.listen("campaign_events") as payloads:
        async with database.transaction(WORKER) as session:
            await append_event(session, campaign_id, "test.lost", {}, now)
            await session.rollback()
        async with database.transaction(WORKER) as session:
            await append_event(session, campaign_id, "test.noted", {}, now)
        async with asyncio.timeout(20):
            assert await anext(payloads) == f"{campaign_id}:2:{campaign.user_id}"


async def test_an_attempt_goes_through_its_states_in_the_campaigns_events(
    database: Database, cast: Any, now: Any
):
    async with database.transaction(WORKER) as session:
        campaign = await cast.campaign(session)
        attempt = await cast.attempt(session, campaign)
    async with database.transaction(WORKER) as session:
        row = await lock_attempt(session, attempt.id)
        assert row is not None
        row.offer_id = "off_1"
        for state in (AttemptState.AUTHORISING, AttemptState.COMPENSATING, AttemptState.FAILED):
            await change_state(session, row, state, now=now, event=f"attempt.{state}")
        assert (row.offer_id, row.row_version, row.finished_at) == ("off_1", 4, now)
    async with database.transaction(WORKER) as session:
        events = await events_after(session, campaign.id, 1)
        assert [event.data["state"] for event in events] == [
            "authorising",
            "compensating",
            "failed",
        ]
        assert {event.data["attempt_id"] for event in events} == {str(attempt.id)}


async def test_a_booking_carries_the_published_status(database: Database, cast: Any, now: Any):
    async with database.transaction(WORKER) as session:
        owner = await cast.person(session)
        booking_id = (await cast.booking(session, None, owner)).id
    async with database.transaction(WORKER) as session:
        row = await lock_booking(session, booking_id)
        assert row is not None
        assert row.status is BookingStatus.PENDING
        await change_state(session, row, BookingState.TICKETING, now=now, event="x")
        await change_state(session, row, BookingState.TICKETED, now=now, event="x")
        assert (row.status, row.row_version) == (BookingStatus.TICKETED, 3)
        # A booking of no campaign has no events.
        assert await session.scalar(select(func.count()).select_from(CampaignEventRow)) == 0


async def test_a_payment_changes_and_is_told_of(database: Database, cast: Any, now: Any):
    async with database.transaction(WORKER) as session:
        campaign = await cast.campaign(session)
        attempt = await cast.attempt(session, campaign)
        payment = PaymentRow(
            id=uuid4(),
            attempt_id=attempt.id,
            campaign_id=campaign.id,
            user_id=campaign.user_id,
            rail="stripe",
            payment_method_id=attempt.payment_method_id,
            amount_minor=48_000,
            currency="USD",
            created_at=now,
            updated_at=now,
        )
        session.add(payment)
        await session.flush()
        payment.decline_code = "kept"
        await change_state(
            session,
            payment,
            PaymentState.AUTHENTICATION_REQUIRED,
            now=now,
            event="payment.authentication_required",
            notices=[payment_notice("authentication_required", attempt, payment, now)],
        )
        assert payment.decline_code == "kept"
        notice = await session.scalar(select(NoticeRow))
        assert notice is not None
        assert notice.data["amount_minor"] == 48_000


@pytest.mark.parametrize("state", [CampaignState.ACTIVE, AttemptState.FAILED])
async def test_a_state_of_another_kind_is_a_mistake(
    database: Database, cast: Any, now: Any, state: Any
):
    async with database.transaction(WORKER) as session:
        row = await cast.booking(session, None, await cast.person(session))
        with pytest.raises(TypeError):
            await change_state(session, row, state, now=now, event="x")


async def test_what_is_not_there_is_not_locked(database: Database, cast: Any, now: Any):
    async with database.transaction(WORKER) as session:
        campaign, other = await cast.campaign(session), await cast.campaign(session)
        booking = await cast.booking(session, campaign, campaign.user_id)
        attempt = await cast.attempt(session, campaign)
    async with database.transaction(WORKER) as session:
        assert await lock_attempt(session, uuid4()) is None
        assert await lock_booking(session, uuid4()) is None
        assert await lock_attempt(session, attempt.id, campaign_id=campaign.id) is not None
        with pytest.raises(LookupError, match="is not of campaign"):
            await lock_booking(session, booking.id, campaign_id=other.id)
        with pytest.raises(LookupError, match="is not of campaign"):
            await lock_attempt(session, attempt.id, campaign_id=other.id)
        with pytest.raises(LookupError, match="was never begun"):
            await begun_call(session, "a call that nobody made")


async def test_a_campaign_has_one_live_attempt(database: Database, cast: Any, now: Any):
    async with database.transaction(WORKER) as session:
        campaign = await cast.campaign(session)
        first = await cast.attempt(session, campaign, 1)
    with pytest.raises(IntegrityError, match="booking_attempts_one_live"):
        async with database.transaction(WORKER) as session:
            await cast.attempt(session, campaign, 2, payment_method_id=first.payment_method_id)
    async with database.transaction(WORKER) as session:
        row = await lock_attempt(session, first.id)
        assert row is not None
        await change_state(session, row, AttemptState.FAILED, now=now, event="attempt.failed")
        await cast.attempt(session, campaign, 2, payment_method_id=first.payment_method_id)


async def test_a_campaign_and_its_own_attempt_are_locked_by_one_statement(
    database: Database, cast: Any
):
    async with database.transaction(WORKER) as session:
        campaign, other = await cast.campaign(session), await cast.campaign(session)
        attempt = await cast.attempt(session, campaign)
        both = await lock_both(session, campaign.id, attempt.id)
        assert both == (campaign, attempt)
        for ids in ((other.id, attempt.id), (campaign.id, uuid4())):
            assert await lock_both(session, *ids) is None


async def test_a_campaign_has_one_live_booking(database: Database, cast: Any, now: Any):
    async with database.transaction(WORKER) as session:
        campaign = await cast.campaign(session)
        first = await cast.booking(session, campaign, campaign.user_id)
    with pytest.raises(IntegrityError, match="bookings_one_live"):
        async with database.transaction(WORKER) as session:
            await cast.booking(session, campaign, campaign.user_id)
    async with database.transaction(WORKER) as session:
        row = await lock_booking(session, first.id)
        assert row is not None
        await change_state(session, row, BookingState.CANCELLED, now=now, event="booking.undone")
        await cast.booking(session, campaign, campaign.user_id)


async def test_a_notice_is_sent_by_one_at_a_time(database: Database, cast: Any, now: Any):
    async with database.transaction(WORKER) as session:
        owner = await cast.person(session)
        told = NewNotice(event="hello", subject_id=uuid4(), user_id=owner)
        await notice_queries.add_notices(session, [told], now)
        await notice_queries.add_notices(session, [told], now)
        (notice,) = await notice_queries.pending_notices(session)
    sent = []

    async def send() -> None:
        async with database.transaction(WORKER) as session:
            row = await notice_queries.take_pending(session, notice.id)
            if row is not None:
                sent.append(row.id)
                row.state = NoticeState.SENT

    await asyncio.gather(*(send() for _ in range(5)))
    assert sent == [notice.id]
    async with database.transaction(WORKER) as session:
        assert await notice_queries.pending_notices(session) == []


async def test_a_notice_whose_sender_failed_is_sent_by_who_waited(
    database: Database, cast: Any, now: Any
):
    async with database.transaction(WORKER) as session:
        owner = await cast.person(session)
        told = NewNotice(event="hello", subject_id=uuid4(), user_id=owner)
        await notice_queries.add_notices(session, [told], now)
        (notice,) = await notice_queries.pending_notices(session)

    async def wait_for_it() -> bool:
        async with database.transaction(WORKER) as session:
            return await notice_queries.take_pending(session, notice.id) is not None

    async with database.transaction(WORKER) as session:
        assert await notice_queries.take_pending(session, notice.id)
        waiting = asyncio.create_task(wait_for_it())
        await session.rollback()
    assert await waiting

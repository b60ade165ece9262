"""What watching pages read, and what tells them that there is something to read."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from api.live import LiveFeed
from db.models.payment_method import PaymentMethodStatus
from db.models.proposal import ProposalRow
from db.queries.fares import add_fares
from db.queries.mandates import revoke_mandate
from db.queries.transitions import append_event, change_state
from db.queries.watching import (
    BadCards,
    Place,
    attempts_of,
    caps_of,
    consents_of,
    count_places,
    newest_events,
    open_proposals,
    searched_for,
    spent_by,
    wishes_in_order,
)
from db.queries.web_sessions import add_session, revoke_sessions
from db.session import Database, SystemActor
from domain.attempts import AttemptState
from domain.campaigns import CampaignState
from domain.money import Money

WORKER = SystemActor("test")
S = CampaignState


async def test_who_needs_its_traveller_comes_first(database: Database, cast: Any, now: Any):
    async with database.transaction(WORKER) as session:
        owner = await cast.person(session)
        bad = await cast.card(session, owner, status=PaymentMethodStatus.NEEDS_ATTENTION)
        made: dict[str, Any] = {}
        for name, states in {
            "ended": [S.CANCELLED],
            "paused": [S.PAUSED],
            "watching": [],
            "booking": [S.BOOKING],
            "bank": [S.BOOKING],
            "stopped": [S.NEEDS_ACTION],
            "asked": [S.AWAITING_APPROVAL],
        }.items():
            made[name] = await cast.campaign(session, owner, name=name)
            for state in states:
                await change_state(session, made[name], state, now=now, event="x")
        made["card"] = await cast.campaign(session, owner, name="card", payment_method_id=bad.id)
        await cast.attempt(session, made["booking"])
        await cast.attempt(session, made["bank"], state=AttemptState.AWAITING_AUTHENTICATION)
        await cast.campaign(session)
        cards = BadCards(frozenset({bad.id}))
        rows = await wishes_in_order(session, owner, cards)
        names = [row.name for row in rows]
        assert set(names[:4]) == {"bank", "stopped", "asked", "card"}
        assert set(names[4:6]) == {"booking", "watching"}
        assert names[6:] == ["paused", "ended"]
        assert await count_places(session, owner, cards) == {
            Place.NEEDS_YOU: 4,
            Place.ACTIVE: 2,
            Place.PAUSED: 1,
            Place.ENDED: 1,
        }
        page = await wishes_in_order(session, owner, cards, skip=5, limit=2)
        assert [row.id for row in page] == [row.id for row in rows[5:7]]
        paused = await wishes_in_order(session, owner, cards, places=[Place.PAUSED, Place.ENDED])
        assert [row.name for row in paused] == ["paused", "ended"]
        assert [r.name for r in await wishes_in_order(session, owner, cards, text="bank")] == [
            "bank"
        ]
        assert len(await wishes_in_order(session, owner, cards, text="lis")) == 8
        counts = await count_places(session, owner, BadCards(frozenset({bad.id}), default=True))
        assert counts[Place.NEEDS_YOU] == 5, "a wish that pays with the default needs one too"


async def test_one_wish_is_read_with_its_past(database: Database, cast: Any, now: Any):
    async with database.transaction(WORKER) as session:
        wish = await cast.campaign(session)
        for number in range(5):
            await append_event(session, wish.id, f"x.{number}", {}, now)
        newest = await newest_events(session, wish.id, limit=2)
        assert [event.kind for event in newest] == ["x.4", "x.3"]
        older = await newest_events(session, wish.id, before=newest[-1].seq)
        assert [event.kind for event in older] == ["x.2", "x.1", "x.0", "campaign.created"]
        cap = Money(minor=52_000, currency="USD")
        assert await caps_of(session, wish.id) == {1: cap}
        found = await consents_of(session, [wish.id, uuid4()])
        assert found.keys() == {wish.id}
        assert found[wish.id].cap == cap
        await revoke_mandate(session, wish.id, now)
        assert await consents_of(session, [wish.id]) == {}
        attempt = await cast.attempt(session, wish, state=AttemptState.FAILED)
        assert [row.id for row in await attempts_of(session, wish.id)] == [attempt.id]
        proposal = ProposalRow(
            id=uuid4(), campaign_id=wish.id, user_id=wish.user_id, criteria_version=1,
            look_id=uuid4(), seller="duffel", pair={}, itinerary_key="k", itinerary={},
            price_minor=1, currency="USD", expires_at=now, opening_key="o", created_at=now,
        )  # fmt: skip
        session.add(proposal)
        await session.flush()
        assert (await open_proposals(session, [wish.id]))[wish.id].id == proposal.id
        assert await searched_for(session, wish.user_id) == (0, 0)
        assert await spent_by(session, wish.user_id) == ()


async def test_streams_are_nudged_and_closed(
    database: Database, app_database: Database, cast: Any, now: Any
):
    from db.models.campaign_fare import CampaignFareRow

    async with database.transaction(WORKER) as session:
        wish = await cast.campaign(session)
        other = await cast.campaign(session)
    session_id = uuid4()
    async with app_database.transaction(wish.user_id) as session:
        await add_session(
            session, session_id=session_id, user_id=wish.user_id, token_hash="t",
            device="A test", now=now, lasts=timedelta(days=1),
        )  # fmt: skip
    feed = LiveFeed(app_database)
    feed.start()
    async with (
        feed.subscribe(wish.id, session_id=session_id, looks=True) as page,
        feed.subscribe(wish.user_id, looks=True) as dashboard,
        feed.subscribe(wish.id) as stream,
        feed.subscribe(other.user_id, looks=True) as stranger,
    ):
        ears = (page, dashboard, stream, stranger)
        # Listening has begun: everybody is told once.
        assert [await ear.wait(10) for ear in ears] == [True] * 4
        assert feed.listening

        async with database.transaction(WORKER) as session:
            await append_event(session, wish.id, "x", {}, now)
        assert [await ear.wait(10) for ear in ears[:3]] == [True] * 3

        row = CampaignFareRow(
            campaign_id=wish.id, user_id=wish.user_id, criteria_version=1, day=now.date(),
            looks=1, offers=0, last_at=now, currency="USD",
        )  # fmt: skip
        async with database.transaction(WORKER) as session:
            await add_fares(session, [row])
        assert [await ear.wait(10) for ear in ears[:2]] == [True] * 2
        assert not await stream.wait(0.05), "a look is no event"

        async with app_database.transaction(wish.user_id) as session:
            assert await revoke_sessions(session, wish.user_id, now) == 1
        assert await page.wait(5)
        assert page.closing
        assert not dashboard.closing
        assert not await stranger.wait(0.05)
    await feed.stop()
    assert not feed.listening

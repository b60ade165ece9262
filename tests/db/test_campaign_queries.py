import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from db.errors import StaleRow
from db.models.mandate import MandateRow
from db.models.proposal import ProposalRow, ProposalStatus
from db.paging import BadCursor, BadLimit, decode_cursor, encode_cursor
from db.queries.campaigns import (
    apply_edit,
    facts,
    get_campaign,
    insert_campaign,
    list_campaigns,
    revoke_mandate,
)
from db.queries.history import events_after, list_results
from db.queries.transitions import change_state, lock_campaign
from db.session import Database, SystemActor
from domain.attempts import AttemptState
from domain.campaigns import BookingMode, CampaignState
from domain.ids import CampaignId, UserId
from domain.messages.campaign import CampaignEdit, Consent
from domain.money import Money
from domain.offers import Party

WORKER = SystemActor("test")


def _proposal(campaign: Any, cast: Any, now: Any, **changes: Any) -> ProposalRow:
    fields: dict[str, Any] = {
        "id": uuid4(),
        "campaign_id": campaign.id,
        "user_id": campaign.user_id,
        "criteria_version": 1,
        "look_id": uuid4(),
        "seller": "duffel",
        "pair": cast.pair.model_dump(mode="json"),
        "itinerary_key": "ZZ1",
        "itinerary": {},
        "price_minor": 48_000,
        "currency": "USD",
        "expires_at": now + timedelta(hours=2),
        "opening_key": str(uuid4()),
        "created_at": now,
    }
    return ProposalRow(**(fields | changes))


def _edit(cast: Any, now: Any, **changes: Any) -> CampaignEdit:
    criteria = cast.wish(budget=Money(minor=60_000, currency="USD"), origins=("EWR", "JFK"))
    fields: dict[str, Any] = {
        "expected_version": 1,
        "name": "Lisbon, dearer",
        "criteria": criteria,
        "mode": BookingMode.ASK_ME_FIRST,
        "traveler_ids": (uuid4(),),
        "party": Party(adults=2),
        "consent": Consent(text_version="v1", cap=criteria.budget, consented_at=now),
        "ends_at": now + timedelta(days=210),
    }
    return CampaignEdit(**(fields | changes))


async def test_the_same_campaign_is_inserted_once(database: Database, cast: Any, now: Any):
    async with database.transaction(WORKER) as session:
        owner = await cast.person(session)
    new = cast.new_campaign(owner)

    async def insert() -> bool:
        async with database.transaction(WORKER) as session:
            return (await insert_campaign(session, new, now))[1]

    assert sorted(await asyncio.gather(*(insert() for _ in range(10)))) == [False] * 9 + [True]
    async with database.transaction(WORKER) as session:
        row = await get_campaign(session, new.campaign_id)
        assert row is not None
        assert row.wish == new.criteria
        assert row.travelling == new.party
        assert row.budget == new.criteria.budget
        assert (row.budget_max, row.auto_booking_enabled) == (Decimal("520.00"), True)
        assert (row.origin_code, row.destination_code) == ("JFK", "LIS")
        assert [event.kind for event in await events_after(session, row.id, 0)] == [
            "campaign.created"
        ]
        (mandate,) = await session.scalars(select(MandateRow))
        assert (mandate.cap_minor, mandate.criteria_version) == (52_000, 1)


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (90_000, "JPY", Decimal("90000.00")),
        (123_456, "KWD", Decimal("123.46")),
        (99_999_999_999, "USD", None),
    ],
)
async def test_the_decimal_budget_follows_the_currency(
    database: Database, cast: Any, minor: int, currency: str, shown: Decimal | None
):
    async with database.transaction(WORKER) as session:
        criteria = cast.wish(budget=Money(minor=minor, currency=currency))
        row = await cast.campaign(session, criteria=criteria)
        assert row.budget_max == shown


async def test_an_edit_makes_a_new_version_and_voids_the_proposal(
    database: Database, cast: Any, now: Any
):
    async with database.transaction(WORKER) as session:
        campaign = await cast.campaign(session, mode=BookingMode.ASK_ME_FIRST)
        proposal = _proposal(campaign, cast, now)
        session.add(proposal)
        await change_state(
            session, campaign, CampaignState.AWAITING_APPROVAL, now=now, event="proposal.made"
        )
    async with database.transaction(WORKER) as session:
        row = await lock_campaign(session, campaign.id)
        assert row is not None
        row.hold_off_until = now
        await apply_edit(session, row, _edit(cast, now), now)
        with pytest.raises(StaleRow):
            await apply_edit(session, row, _edit(cast, now), now)
    async with database.transaction(WORKER) as session:
        row = await get_campaign(session, campaign.id)
        assert row is not None
        assert (row.criteria_version, row.status) == (2, CampaignState.ACTIVE)
        assert (row.budget_minor, row.origin_code, row.hold_off_until) == (60_000, "EWR", None)
        assert (row.row_version, row.party["adults"]) == (3, 2)
        mandates = list(await session.scalars(select(MandateRow).order_by("criteria_version")))
        assert [(m.criteria_version, m.revoked_at) for m in mandates] == [(1, now), (2, None)]
        closed = await session.get(ProposalRow, proposal.id)
        assert closed is not None
        assert (closed.status, closed.closed_at) == (ProposalStatus.VOID, now)
        last = (await events_after(session, campaign.id, 0))[-1]
        assert (last.kind, last.data["criteria_version"]) == ("campaign.edited", 2)


async def test_an_edit_of_a_paused_campaign_leaves_it_paused(
    database: Database, cast: Any, now: Any
):
    async with database.transaction(WORKER) as session:
        row = await cast.campaign(session)
        await change_state(session, row, CampaignState.PAUSED, now=now, event="campaign.paused")
        await apply_edit(session, row, _edit(cast, now), now)
        assert row.status is CampaignState.PAUSED
        await revoke_mandate(session, row.id, now)
        await revoke_mandate(session, row.id, now)


async def test_facts_tell_the_workflow_what_stands(database: Database, cast: Any, now: Any):
    async with database.transaction(WORKER) as session:
        assert await facts(session, uuid4(), now) is None
        campaign = await cast.campaign(session, opens_at=now + timedelta(days=3))
        found = await facts(session, campaign.id, now)
        assert found is not None
        assert found.warn_at == campaign.ends_at - timedelta(days=14)
        assert found.opens_at == now + timedelta(days=3)
        assert (found.market, found.attempt_id, found.past_no_return) == ("JFK-LIS", None, False)
        assert found.summary == (
            "JFK to LIS, 2027-05-01 to 2027-06-15, 6-10 nights, up to 520.00 USD"
        )
        attempt = await cast.attempt(session, campaign, state=AttemptState.ORDERING)
        campaign.warned_at = now
        proposal = _proposal(campaign, cast, now)
        session.add(proposal)
        found = await facts(session, campaign.id, now + timedelta(days=4))
        assert found is not None
        assert (found.warn_at, found.opens_at) == (None, None)
        assert (found.attempt_id, found.past_no_return) == (attempt.id, True)
        assert (found.proposal_id, found.proposal_expires_at) == (
            proposal.id,
            proposal.expires_at,
        )


async def test_pages_give_every_campaign_once_newest_first(
    database: Database, app_database: Database, cast: Any, now: Any
):
    async with database.transaction(WORKER) as session:
        owner = await cast.person(session)
        made = []
        for number in range(7):
            # Some were made in the same instant.
            at = now + timedelta(seconds=number // 3)
            row = await cast.campaign(session, owner, created_at=at)
            made.append((at, row.id))
        paused = row
        await change_state(session, paused, CampaignState.PAUSED, now=now, event="x")
        await cast.campaign(session)
    async with app_database.transaction(owner) as session:
        seen: list[Any] = []
        cursor: str | None = None
        pages = 0
        while pages == 0 or cursor:
            page = await list_campaigns(session, owner, cursor=cursor, limit=3)
            seen += [(row.created_at, row.id) for row in page.rows]
            cursor, pages = page.next_cursor, pages + 1
        assert (seen, pages) == (sorted(made, reverse=True), 3)
        only = await list_campaigns(session, owner, states=[CampaignState.PAUSED])
        assert [row.id for row in only.rows] == [paused.id]
        assert (await list_results(session, paused.id)).rows == ()


@pytest.mark.parametrize(
    "cursor", ["", "x", "ü", "AAAA", "MjAyNi0xMS0yMX54", encode_cursor.__name__]
)
def test_a_foreign_cursor_is_refused(cursor: str):
    with pytest.raises(BadCursor):
        decode_cursor(cursor)


def test_a_cursor_of_another_list_is_refused(now: Any):
    assert decode_cursor(encode_cursor(now, 7)).number() == 7
    with pytest.raises(BadCursor):
        decode_cursor(encode_cursor(now, 7)).uuid()
    with pytest.raises(BadCursor):
        decode_cursor(encode_cursor(now, uuid4())).number()


@pytest.mark.parametrize("limit", [0, -1, 101])
async def test_a_page_has_a_size(database: Database, limit: int):
    async with database.transaction(WORKER) as session:
        with pytest.raises(BadLimit):
            await list_campaigns(session, UserId(uuid4()), limit=limit)


async def test_a_clash_of_keys_can_be_told(database: Database, cast: Any, now: Any):
    async with database.transaction(WORKER) as session:
        owner = await cast.person(session)
        campaign_id = CampaignId(uuid4())
        await cast.campaign(session, owner, campaign_id=campaign_id)
        other = cast.new_campaign(owner, campaign_id=campaign_id, body_hmac="another")
        row, created = await insert_campaign(session, other, now)
        assert (created, row.body_hmac) == (False, "body")

"""What became of an offer is on its decision, and on those of before that said so too early."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from db import migrate
from db.models import CampaignRow, LookRow, OfferDecisionRow
from db.models.offer_decision import DecisionVerdict
from db.queries.decisions import decide, decide_booked, decide_failed
from db.queries.history import last_look
from db.queries.search import matches_of_look, record_look
from db.queries.watching import decided_lately, unread_lately
from db.session import Database, SystemActor
from domain.attempts import AttemptState, FailureReason
from domain.ids import LookId
from domain.matching import Reason, Unread
from domain.messages.campaign import OfferFound
from domain.money import Money
from domain.offers import DatePair

TESTS = SystemActor("tests")
V = DecisionVerdict
FLIGHTS = "ZZ1@2027-05-10T09:00"
_BEFORE = "20261127_2358"


def _look(pair: DatePair, now: Any, **changes: Any) -> LookRow:
    fields: dict[str, Any] = {
        "id": uuid4(), "seller": "duffel", "pair_key": pair.key, "origin": pair.origin,
        "destination": pair.destination, "departs_on": pair.departs_on,
        "returns_on": pair.returns_on, "cabin": pair.cabin.value, "party_code": pair.party.code,
        "reason": "due", "campaigns": 1, "offers": 2, "at": now,
    }  # fmt: skip
    return LookRow(**(fields | changes))


def _decision(campaign: CampaignRow, look: LookRow, **changes: Any) -> OfferDecisionRow:
    fields: dict[str, Any] = {
        "campaign_id": campaign.id, "user_id": campaign.user_id, "look_id": look.id,
        "criteria_version": 1, "offer_id": "off_1", "itinerary_key": FLIGHTS, "summary": "ZZ 1",
        "total_minor": 48_000, "currency": "USD", "verdict": V.MATCHED,
        "reason": Reason.MATCHES.value, "detail": "", "at": look.at,
    }  # fmt: skip
    return OfferDecisionRow(**(fields | changes))


def _nothing(campaign: CampaignRow, look: LookRow, why: Unread) -> OfferDecisionRow:
    return _decision(
        campaign, look, offer_id=None, itinerary_key=None, total_minor=None, currency=None,
        verdict=V.UNREAD, reason=why.value,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "verdict"), [(None, V.BOOKED), (FailureReason.CARD_DECLINED, V.FAILED)]
)
async def test_an_offer_is_being_booked_until_its_attempt_ends(
    database: Database, cast: Any, now: Any,
    reason: FailureReason | None, verdict: DecisionVerdict,
) -> None:  # fmt: skip
    found = OfferFound(
        look_id=LookId(uuid4()), criteria_version=1, seller="duffel", pair=cast.pair,
        itinerary_key=FLIGHTS, price=Money(minor=48_000, currency="USD"),
    )  # fmt: skip
    look = _look(cast.pair, now, id=found.look_id)
    async with database.transaction(TESTS) as session:
        campaign, other = await cast.campaign(session), await cast.campaign(session)
        dearer = _decision(campaign, look, offer_id="off_2", total_minor=50_000)
        rows = [_decision(campaign, look), dearer, _decision(other, look)]
        await record_look(session, look, decisions=rows)
        attempt = await cast.attempt(session, campaign)
        await decide(session, campaign.id, found, V.ATTEMPTED)
    query = select(OfferDecisionRow).order_by(col(OfferDecisionRow.id))
    async with database.transaction(TESTS) as session:
        verdicts = [row.verdict for row in await session.scalars(query)]
        assert verdicts == [V.ATTEMPTED, V.MATCHED, V.MATCHED]
        if reason is None:
            await decide_booked(session, attempt)
        else:
            await decide_failed(session, attempt, reason)
    async with database.transaction(TESTS) as session:
        told = [(row.verdict, row.failure_reason) for row in await session.scalars(query)]
    assert told == [(verdict, reason), (V.MATCHED, None), (V.MATCHED, None)]


async def test_what_was_allowed_by_hand_is_no_match_of_its_look(
    database: Database, cast: Any, now: Any
) -> None:
    look = _look(cast.pair, now)
    found = OfferFound(
        look_id=LookId(look.id), criteria_version=1, seller="duffel", pair=cast.pair,
        itinerary_key=FLIGHTS, price=Money(minor=48_000, currency="USD"),
    )  # fmt: skip
    async with database.transaction(TESTS) as session:
        dear, fits = await cast.campaign(session), await cast.campaign(session)
        refused = _decision(dear, look, verdict=V.REJECTED, reason=Reason.OVER_BUDGET.value)
        await record_look(session, look, decisions=[refused, _decision(fits, look, score=0.5)])
        await decide(session, dear.id, found, V.ATTEMPTED)
        matches = await matches_of_look(session, look.id)
        assert [one.campaign_id for one in matches] == [fits.id]


async def test_a_look_without_offers_is_told_and_counts_as_none(
    database: Database, cast: Any, now: Any
) -> None:
    old, new = _look(cast.pair, now), _look(cast.pair, now, offers=0, failed="no_offers_list")
    async with database.transaction(TESTS) as session:
        campaign = await cast.campaign(session)
        await record_look(session, old, decisions=[_decision(campaign, old)])
        assert await unread_lately(session, campaign) is None
        await record_look(session, new, decisions=[_nothing(campaign, new, Unread.UNREADABLE)])
        unread = await unread_lately(session, campaign)
        assert unread is not None
        assert (unread.reason, unread.price) == ("unreadable", None)
        assert [one.look_id for one in await decided_lately(session, campaign)] == [old.id]
        assert (await last_look(session, campaign.id) or new).id == old.id
        assert await matches_of_look(session, new.id) == []


async def test_some_offers_that_cannot_be_read_are_no_look_without_any(
    database: Database, cast: Any, now: Any
) -> None:
    look = _look(cast.pair, now)
    async with database.transaction(TESTS) as session:
        campaign = await cast.campaign(session)
        left = _nothing(campaign, look, Unread.SOME_UNREADABLE)
        await record_look(session, look, decisions=[_decision(campaign, look), left])
        assert await unread_lately(session, campaign) is None


async def test_only_what_could_not_be_read_is_no_offer(
    database: Database, cast: Any, now: Any
) -> None:
    async def written(**changes: Any) -> None:
        look = _look(cast.pair, now)
        async with database.transaction(TESTS) as session:
            campaign = await cast.campaign(session)
            await record_look(session, look, decisions=[_decision(campaign, look, **changes)])

    await written()
    for wrong in ({"offer_id": None}, {"verdict": V.UNREAD}):
        with pytest.raises(IntegrityError, match="offer_decisions_of_an_offer"):
            await written(**wrong)


async def test_the_upgrade_tells_what_became_of_offers_that_were_said_to_be_booked(
    database: Database, database_url: str, cast: Any, now: Any
) -> None:
    ends = {
        AttemptState.FAILED: ("failed", "card_declined"),
        AttemptState.ORDERING: ("attempted", None),
        AttemptState.CAPTURED: ("booked", None),
    }
    of: dict[Any, tuple[str, str | None]] = {}
    async with database.transaction(TESTS) as session:
        for state, told in ends.items():
            campaign, look = await cast.campaign(session), _look(cast.pair, now)
            failed = state is AttemptState.FAILED
            why = FailureReason.CARD_DECLINED if failed else None
            await cast.attempt(session, campaign, state=state, failure_reason=why)
            await record_look(session, look, decisions=[_decision(campaign, look)])
            of[campaign.id] = told
    await database.close()
    migrate.downgrade(database_url, _BEFORE)
    with psycopg.connect(database_url) as plain:
        plain.execute("UPDATE offer_decisions SET verdict = 'booked'")
    migrate.upgrade(database_url)
    with psycopg.connect(database_url) as plain:
        rows = plain.execute(
            "SELECT campaign_id, verdict, failure_reason FROM offer_decisions"
        ).fetchall()
    assert {campaign: (verdict, reason) for campaign, verdict, reason in rows} == of

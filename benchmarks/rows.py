"""Many rows at once: campaigns that watch, and prices that were seen."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from benchmarks.consents import Seals, consent_to, document_for
from benchmarks.people import BENCH, wish
from db.models import UserRow
from db.session import Database
from domain.ids import UserId
from domain.money import Money
from domain.offers import Party

DECISIONS_EACH = 10
_BATCH = 2000
_CAMPAIGNS = text("""
    INSERT INTO autobooking_campaigns (id, user_id, own_name, status, mode, seller, criteria,
        criteria_version, traveler_ids, party, budget_minor, currency, currency_exponent, ends_at,
        expires_at, body_hmac, event_seq, row_version, created_at, updated_at, origin_code,
        destination_code, departure_date_start, departure_date_end)
    SELECT r.id, r.user_id, r.name, 'active', 'auto', 'duffel', r.criteria, 1,
        ARRAY[r.traveler_id], CAST(:party AS jsonb),
        r.budget_minor, 'USD', 2, r.ends_at, r.ends_at, CAST(r.id AS text), 0, 1, :now, :now,
        r.origin, r.destination, r.day, r.day
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id uuid, user_id uuid, name text,
        criteria jsonb, traveler_id uuid, budget_minor bigint, ends_at timestamptz, origin text,
        destination text, day date)
""")
_MANDATES = text("""
    INSERT INTO mandates (id, campaign_id, user_id, kind, criteria_version, text_version, cap_minor,
        currency, consented_at, expires_at, document, key_id, signature, nonce)
    SELECT r.mandate_id, r.id, r.user_id, 'booking', 1, '1', r.budget_minor, 'USD', :now, r.ends_at,
        r.document, r.key_id, r.signature, r.nonce
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(mandate_id uuid, id uuid, user_id uuid,
        budget_minor bigint, ends_at timestamptz, document text, key_id text, signature text,
        nonce text)
""")
_LOOKS = text("""
    INSERT INTO looks (id, seller, pair_key, origin, destination, departs_on, cabin, party_code,
        reason, campaigns, offers, cheapest_minor, currency, at)
    SELECT gen_random_uuid(), 'duffel', 'bench-' || n % 2000, 'JFK', 'LIS', :day, 'economy', :party,
        'a benchmark', 5, 30, 40000, 'USD', :now - n * interval '1 minute'
    FROM generate_series(1, :looks) AS n
""")
_PRICES = text("""
    INSERT INTO price_observations (look_id, seller, pair_key, origin, destination, departs_on,
        cabin, party_code, stops, airline, refundable, total_minor, currency, at)
    SELECT l.id, l.seller, l.pair_key, l.origin, l.destination, l.departs_on, l.cabin,
        l.party_code, n % 3, 'TP', n % 2 = 0, 40000 + n * 100, 'USD', l.at
    FROM looks l CROSS JOIN generate_series(1, :each) AS n
""")
_DECISIONS = text("""
    INSERT INTO offer_decisions (campaign_id, user_id, look_id, criteria_version, offer_id,
        itinerary_key, summary, total_minor, currency, verdict, reason, detail, at)
    SELECT c.id, c.user_id, l.id, 1, 'off_' || n, 'key-' || n, 'JFK-LIS', 40000 + n * 100, 'USD',
        'rejected', 'over_budget', 'above the limit', l.at
    FROM (SELECT id, user_id, row_number() OVER () AS r FROM autobooking_campaigns) c
    CROSS JOIN generate_series(1, :each) AS n
    JOIN (SELECT id, at, row_number() OVER () AS r FROM looks) l ON l.r = 1 + (c.r + n) % 1000
""")
_FARES = text("""
    INSERT INTO campaign_fares (campaign_id, criteria_version, day, user_id, looks, offers, last_at,
        currency, best_minor, best_at)
    SELECT c.id, 1, CAST(:now AS date) - n, c.user_id, 4, 120, :now - n * interval '1 day', 'USD',
        40000 + 500 * ((n * 7) % 30), :now - n * interval '1 day'
    FROM autobooking_campaigns c CROSS JOIN generate_series(0, :days - 1) AS n
    WHERE c.criteria_version = 1
    ON CONFLICT DO NOTHING
""")
_FULL = ("autobooking_campaigns", "price_observations", "offer_decisions", "looks")


async def full_database(
    worker: Database,
    owner_login: Database,
    people: Sequence[UserId],
    *,
    campaigns: int,
    prices: int,
    seals: Seals,
) -> None:
    """Fill the tables; the campaigns' dates are beyond what is on sale, so nobody looks."""
    day = (datetime.now(UTC) + timedelta(days=340)).date()
    await watching_campaigns(
        worker, people, [("JFK", "LIS", day)], campaigns, budget_minor=30_000, seals=seals
    )
    looks = max(1000, prices // 100)
    await prices_seen(
        owner_login,
        looks=looks,
        prices_a_look=max(1, prices // looks),
        decisions_a_campaign=DECISIONS_EACH,
    )


async def fares_known(owner_login: Database, days: int) -> None:
    """Add what the looks of so many days found for every campaign, as its chart shows it."""
    async with owner_login.transaction(BENCH) as session:
        await session.execute(_FARES, {"now": datetime.now(UTC), "days": days})
        await session.execute(text("ANALYZE campaign_fares"))


async def users(database: Database, count: int) -> list[UserId]:
    now = datetime.now(UTC)
    ids = [UserId(uuid4()) for _ in range(count)]
    async with database.transaction(BENCH) as session:
        session.add_all(
            UserRow(  # type: ignore[call-arg]  # its role is the database's default
                id=one, email_encrypted="-", email_hmac=str(one), created_at=now
            )
            for one in ids
        )
    return ids


async def watching_campaigns(
    database: Database,
    owners: Sequence[UserId],
    markets: Sequence[tuple[str, str, date]],
    count: int,
    *,
    budget_minor: int,
    seals: Seals,
) -> None:
    """Add campaigns that watch, one date pair each, dealt out evenly over the markets."""
    now = datetime.now(UTC)
    rows = [
        _campaign(owners[n % len(owners)], markets[n % len(markets)], budget_minor, seals, now=now)
        for n in range(count)
    ]
    async with database.transaction(BENCH) as session:
        for begin in range(0, count, _BATCH):
            batch = json.dumps(rows[begin : begin + _BATCH])
            await session.execute(
                _CAMPAIGNS, {"rows": batch, "now": now, "party": Party().model_dump_json()}
            )
            await session.execute(_MANDATES, {"rows": batch, "now": now})


def _campaign(
    owner: UserId,
    market: tuple[str, str, date],
    budget_minor: int,
    seals: Seals,
    *,
    now: datetime,
) -> dict[str, Any]:
    origin, destination, day = market
    criteria = wish(
        origins=(origin,),
        destinations=(destination,),
        departure_from=day,
        departure_until=day,
        budget=Money(minor=budget_minor, currency="USD"),
    )
    campaign_id, traveler_id, ends_at = uuid4(), uuid4(), now + timedelta(days=200)
    document = document_for(
        campaign_id, owner, criteria, (traveler_id,), now=now, expires_at=ends_at
    )
    signed = consent_to(document, seals.keys).signed
    assert signed is not None
    return {
        "id": str(campaign_id),
        "user_id": str(owner),
        "name": seals.name(owner),
        "traveler_id": str(traveler_id),
        "mandate_id": str(document.mandate_id),
        "nonce": document.nonce,
        **signed.model_dump(mode="json"),
        "criteria": criteria.model_dump(mode="json"),
        "budget_minor": budget_minor,
        "origin": origin,
        "destination": destination,
        "day": day.isoformat(),
        "ends_at": ends_at.isoformat(),
    }


async def prices_seen(
    owner_login: Database, *, looks: int, prices_a_look: int, decisions_a_campaign: int
) -> None:
    """Add looks with their prices, and decisions of some of them for every campaign."""
    now = datetime.now(UTC)
    day = now.date() + timedelta(days=42)
    async with owner_login.transaction(BENCH) as session:
        await session.execute(
            _LOOKS, {"looks": looks, "now": now, "day": day, "party": Party().code}
        )
        await session.execute(_PRICES, {"each": prices_a_look})
        await session.execute(_DECISIONS, {"each": decisions_a_campaign})
        for table in _FULL:
            await session.execute(text(f"ANALYZE {table}"))


async def count(database: Database, table: str, where: str = "true") -> int:
    async with database.transaction(BENCH) as session:
        found = await session.scalar(text(f"SELECT count(*) FROM {table} WHERE {where}"))
    return int(found or 0)

"""What the search reads and writes: who watches, what is known, and what a look told.

Each function is a statement or a few, however many campaigns a look serves.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import any_, bindparam, func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Date, DateTime, Integer, String
from sqlmodel import SQLModel, col

from db.models.campaign import CampaignRow
from db.models.campaign_fare import CampaignFareRow
from db.models.look import LookRow
from db.models.offer_decision import OfferDecisionRow
from db.models.offer_snapshot import OfferSnapshotRow
from db.models.pair_state import PairStateRow
from db.models.price_observation import PriceObservationRow
from db.queries.fares import add_fares
from domain.campaigns import BookingMode, CampaignState
from domain.criteria import Criteria
from domain.ids import CampaignId, UserId
from domain.offers import DatePair
from domain.search_plan import Known, Watch

# A proposal that was turned down is not made again for the same flights for this long.
_REJECTED_FOR = timedelta(days=7)

_WATCHES = text(
    """
    SELECT count(*) AS campaigns,
        criteria -> 'origins' AS origins, criteria -> 'destinations' AS destinations,
        departure_date_start AS departure_from, departure_date_end AS departure_until,
        CAST(criteria ->> 'nights_min' AS integer) AS nights_min,
        CAST(criteria ->> 'nights_max' AS integer) AS nights_max,
        criteria ->> 'cabin' AS cabin, party, currency,
        max(budget_minor) AS budget_minor, max(updated_at) AS since
    FROM autobooking_campaigns
    WHERE status = 'active' AND seller = :seller AND ends_at > :now
        AND (hold_off_until IS NULL OR hold_off_until <= :now)
    GROUP BY 2, 3, 4, 5, 6, 7, 8, 9, 10
    ORDER BY 2, 3, 4, 5, 6, 7, 8, 9, 10
    """
)

_CANDIDATES = text(
    """
    SELECT c.id, c.user_id, c.criteria, c.criteria_version, c.mode,
        coalesce(m.cap_minor, c.budget_minor) AS cap_minor,
        ARRAY(
            SELECT a.itinerary_key FROM booking_attempts a
            WHERE a.campaign_id = c.id AND a.ignore_until > :now
            UNION
            SELECT p.itinerary_key FROM proposals p
            WHERE p.campaign_id = c.id AND p.status = 'rejected' AND p.closed_at > :rejected_since
        ) AS ignored
    FROM autobooking_campaigns c
    LEFT JOIN mandates m ON m.campaign_id = c.id AND m.revoked_at IS NULL AND m.kind = 'booking'
    WHERE c.status = 'active' AND c.seller = :seller AND c.ends_at > :now
        AND (m.id IS NOT NULL OR c.mode = 'notify')
        AND (c.hold_off_until IS NULL OR c.hold_off_until <= :now)
        AND c.criteria -> 'origins' ?| :origins
        AND c.criteria -> 'destinations' ?| :destinations
        AND :departs_on BETWEEN c.departure_date_start AND c.departure_date_end
        AND CASE WHEN :nights IS NULL THEN c.criteria ->> 'nights_min' IS NULL
            ELSE :nights BETWEEN CAST(c.criteria ->> 'nights_min' AS integer)
                AND CAST(c.criteria ->> 'nights_max' AS integer) END
        AND c.criteria ->> 'cabin' = :cabin
        AND c.party = :party
    ORDER BY c.created_at, c.id
    """
).bindparams(
    bindparam("now", type_=DateTime(timezone=True)),
    bindparam("rejected_since", type_=DateTime(timezone=True)),
    bindparam("origins", type_=ARRAY(String)),
    bindparam("destinations", type_=ARRAY(String)),
    bindparam("departs_on", type_=Date),
    bindparam("nights", type_=Integer),
    bindparam("party", type_=JSONB),
)

# The typical change in a day: prices wander, so a change grows with the root of the time that it
# took. An hour is the least that is counted, and the newest observation weighs three tenths.
_VOLATILITY = """
    CASE WHEN pair_states.best_minor > 0 AND excluded.currency = pair_states.currency THEN
        0.7 * pair_states.volatility
        + 0.3 * abs(excluded.best_minor - pair_states.best_minor)
            / CAST(pair_states.best_minor AS double precision)
            / sqrt(greatest(
                extract(epoch FROM excluded.last_look_at - pair_states.last_look_at) / 86400.0,
                1 / 24.0
            ))
    ELSE pair_states.volatility END
"""


@dataclass(frozen=True)
class Candidate:
    """A campaign that a look could serve. `ignored` are itineraries not to be taken now."""

    campaign_id: CampaignId
    user_id: UserId
    criteria: Criteria
    criteria_version: int
    mode: BookingMode
    cap_minor: int
    ignored: frozenset[str]


async def active_watches(session: AsyncSession, seller: str, now: datetime) -> list[Watch]:
    """Return the campaigns that watch now, those of one shape counted together."""
    rows = await session.execute(_WATCHES, {"seller": seller, "now": now})
    watches = []
    for row in rows.mappings():
        shape = {name: value for name, value in row.items() if name not in {"campaigns", "since"}}
        key = "|".join(str(value) for name, value in shape.items() if name != "budget_minor")
        watches.append(
            Watch.model_validate(
                {**shape, "key": key, "campaigns": row["campaigns"], "since": row["since"]}
            )
        )
    return watches


async def known_pairs(
    session: AsyncSession, seller: str, keys: Collection[str] | None = None
) -> dict[str, Known]:
    """Return what earlier looks told of these date pairs, or of all."""
    query = select(PairStateRow).where(col(PairStateRow.seller) == seller)
    if keys is not None:
        query = query.where(col(PairStateRow.pair_key) == any_(literal(list(keys), ARRAY(String))))
    return {
        row.pair_key: Known(
            last_look_at=row.last_look_at,
            best_minor=row.best_minor,
            volatility=row.volatility,
            looks=row.looks,
        )
        for row in await session.scalars(query)
    }


async def campaigns_for_pair(
    session: AsyncSession,
    pair: DatePair,
    seller: str,
    now: datetime,
    *,
    origins: Collection[str] = (),
    destinations: Collection[str] = (),
    rejected_for: timedelta = _REJECTED_FOR,
) -> list[Candidate]:
    """Return the watching campaigns that the date pair could serve, eldest first.

    `origins` and `destinations` name further codes that the look covers: the airports of a city.
    """
    nights = (pair.returns_on - pair.departs_on).days if pair.returns_on else None
    parameters = {
        "now": now,
        "rejected_since": now - rejected_for,
        "seller": seller,
        "origins": sorted({pair.origin, *origins}),
        "destinations": sorted({pair.destination, *destinations}),
        "departs_on": pair.departs_on,
        "nights": nights,
        "cabin": pair.cabin.value,
        "party": pair.party.model_dump(mode="json"),
    }
    rows = await session.execute(_CANDIDATES, parameters)
    return [
        Candidate(
            campaign_id=CampaignId(row["id"]),
            user_id=UserId(row["user_id"]),
            criteria=Criteria.model_validate(row["criteria"]),
            criteria_version=row["criteria_version"],
            mode=BookingMode(row["mode"]),
            cap_minor=row["cap_minor"],
            ignored=frozenset(row["ignored"]),
        )
        for row in rows.mappings()
    ]


async def record_look(
    session: AsyncSession,
    look: LookRow,
    observations: Sequence[PriceObservationRow] = (),
    snapshots: Sequence[OfferSnapshotRow] = (),
    decisions: Sequence[OfferDecisionRow] = (),
    *,
    fares: Sequence[CampaignFareRow] = (),
) -> bool:
    """Write down a look and what it told; False if it was written down before."""
    added = await session.execute(
        insert(LookRow)
        .values(**look.model_dump())
        .on_conflict_do_nothing()
        .returning(col(LookRow.id))
    )
    if added.scalar_one_or_none() is None:
        return False
    await _remember(session, look)
    await _insert_many(session, PriceObservationRow, observations)
    await _insert_many(session, OfferSnapshotRow, snapshots)
    await _insert_many(session, OfferDecisionRow, decisions)
    # Last: its locks are held until the commit.
    await add_fares(session, fares)
    return True


async def find_look(session: AsyncSession, look_id: UUID) -> LookRow | None:
    return await session.get(LookRow, look_id)


async def _remember(session: AsyncSession, look: LookRow) -> None:
    """Update what is known of the date pair; a failed look tells nothing but when it was."""
    told = int(look.failed is None)
    fresh = insert(PairStateRow).values(
        seller=look.seller,
        pair_key=look.pair_key,
        last_look_at=look.at,
        best_minor=look.cheapest_minor,
        currency=look.currency,
        volatility=0.0,
        looks=told,
    )
    changes: dict[str, Any] = {
        "last_look_at": fresh.excluded.last_look_at,
        "looks": col(PairStateRow.looks) + told,
    }
    if look.failed is None:
        changes["best_minor"] = fresh.excluded.best_minor
        changes["currency"] = fresh.excluded.currency
    if look.cheapest_minor is not None:
        changes["volatility"] = text(_VOLATILITY)
    await session.execute(
        fresh.on_conflict_do_update(
            index_elements=[col(PairStateRow.seller), col(PairStateRow.pair_key)],
            set_=changes,
            where=col(PairStateRow.last_look_at) < fresh.excluded.last_look_at,
        )
    )


async def _insert_many(
    session: AsyncSession, kind: type[SQLModel], rows: Sequence[SQLModel]
) -> None:
    """Insert any number of rows with one statement and one parameter."""
    if not rows:
        return
    table = str(kind.__tablename__)
    # A number that the database gives out is left to it.
    columns = ", ".join(f'"{name}"' for name in kind.model_fields if (table, name) not in _NUMBERED)
    statement = text(
        f"INSERT INTO {table} ({columns}) SELECT {columns} "  # noqa: S608  # names of our own models
        f"FROM jsonb_populate_recordset(CAST(NULL AS {table}), :rows) ON CONFLICT DO NOTHING"
    ).bindparams(bindparam("rows", type_=JSONB))
    await session.execute(statement, {"rows": [row.model_dump(mode="json") for row in rows]})


_NUMBERED = {("price_observations", "id"), ("offer_decisions", "id")}


async def matches_of_look(session: AsyncSession, look_id: UUID) -> list[OfferDecisionRow]:
    """Return, for each campaign that a look matched, the decision over its best offer."""
    decision = OfferDecisionRow
    query = (
        select(decision)
        .ext(distinct_on(col(decision.campaign_id)))
        .where(
            col(decision.look_id) == look_id,
            # The verdict may say by now that one over the budget was allowed by hand.
            col(decision.score).is_not(None),
        )
        .order_by(col(decision.campaign_id), col(decision.score).desc(), col(decision.total_minor))
    )
    return list(await session.scalars(query))


async def next_release(session: AsyncSession, seller: str, now: datetime) -> datetime | None:
    """Return when the first of the campaigns that hold off watches again."""
    instant: datetime | None = await session.scalar(
        select(func.min(col(CampaignRow.hold_off_until))).where(
            col(CampaignRow.status) == CampaignState.ACTIVE,
            col(CampaignRow.seller) == seller,
            col(CampaignRow.hold_off_until) > now,
        )
    )
    return instant


async def looks_and_campaigns(session: AsyncSession, seller: str) -> tuple[int, int]:
    """Return how many looks were ever made, and how many campaigns there were to make them for."""
    looks = await session.scalar(
        select(func.coalesce(func.sum(col(PairStateRow.looks)), 0)).where(
            col(PairStateRow.seller) == seller
        )
    )
    campaigns = await session.scalar(
        select(func.count()).select_from(CampaignRow).where(col(CampaignRow.seller) == seller)
    )
    return int(looks or 0), int(campaigns or 0)

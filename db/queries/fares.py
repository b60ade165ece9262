"""The best fares of a wish by day: written by looks, read by every page that shows a wish."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.campaign import CampaignRow
from db.models.campaign_fare import CampaignFareRow

LOOKS_CHANNEL = "campaign_looks"
_A_DAY = timedelta(days=1)

# Rows are taken in one order, so that looks that serve the same wishes wait for each other instead
# of locking each other out. Whoever watches is nudged with ids only, as many as a payload holds.
_ADD = text(
    """
    WITH added AS (
        INSERT INTO campaign_fares AS known (campaign_id, criteria_version, day, user_id, looks,
            offers, last_at, currency, best_minor, best_at, best_look_id, best_offer_id)
        SELECT campaign_id, criteria_version, day, user_id, looks, offers, last_at, currency,
            best_minor, best_at, best_look_id, best_offer_id
        FROM jsonb_populate_recordset(CAST(NULL AS campaign_fares), :rows)
        ORDER BY campaign_id, criteria_version, day
        ON CONFLICT (campaign_id, criteria_version, day) DO UPDATE SET
            looks = known.looks + excluded.looks,
            offers = known.offers + excluded.offers,
            last_at = greatest(known.last_at, excluded.last_at),
            (best_minor, best_at, best_look_id, best_offer_id) = (
                SELECT b.minor, b.at, b.look_id, b.offer_id FROM (VALUES
                    (known.best_minor, known.best_at, known.best_look_id, known.best_offer_id),
                    (excluded.best_minor, excluded.best_at, excluded.best_look_id,
                        excluded.best_offer_id)
                ) AS b (minor, at, look_id, offer_id) ORDER BY b.minor NULLS LAST, b.at LIMIT 1
            )
        RETURNING known.campaign_id, known.user_id
    ), numbered AS (
        SELECT campaign_id || ':' || user_id AS told,
            (row_number() OVER () - 1) / :at_once AS part
        FROM added
    ), parts AS (
        SELECT string_agg(told, ',') AS payload FROM numbered GROUP BY part
    )
    SELECT pg_notify(:channel, payload) FROM parts
    """
).bindparams(bindparam("rows", type_=JSONB))
_IDS_AT_ONCE = 100  # two ids are 74 bytes; a payload holds 8000


@dataclass(frozen=True)
class Fares:
    """How a wish's search stands: the best fare ever, that of the last day, and the work done."""

    best_minor: int | None
    lately_minor: int | None
    looks: int
    offers: int
    last_at: datetime


async def add_fares(session: AsyncSession, rows: Sequence[CampaignFareRow]) -> None:
    """Add a look's findings to the days of the wishes it served, and nudge whoever watches."""
    if not rows:
        return
    parameters = {
        "rows": [row.model_dump(mode="json") for row in rows],
        "channel": LOOKS_CHANNEL,
        "at_once": _IDS_AT_ONCE,
    }
    await session.execute(_ADD, parameters)


async def keep_fares(session: AsyncSession, campaign_id: UUID, version: int) -> None:
    """Let the next version of a wish keep the fares: what it wishes for is the same."""
    await session.execute(
        update(CampaignFareRow)
        .where(
            col(CampaignFareRow.campaign_id) == campaign_id,
            col(CampaignFareRow.criteria_version) == version,
        )
        .values(criteria_version=version + 1)
    )


async def fares_of(session: AsyncSession, campaign_ids: Collection[UUID]) -> dict[UUID, Fares]:
    """Sum up the fares of these wishes as they are now; a wish never looked for is left out."""
    fare = CampaignFareRow
    last = func.max(col(fare.last_at)).over(partition_by=col(fare.campaign_id)).label("newest")
    days = (
        select(
            col(fare.campaign_id),
            col(fare.best_minor),
            col(fare.best_at),
            col(fare.looks),
            col(fare.offers),
            last,
        )
        .join(CampaignRow, _of_now())
        .where(col(fare.campaign_id).in_(list(campaign_ids)))
        .subquery()
    )
    recent = days.c.best_at > days.c.newest - _A_DAY
    query = select(
        days.c.campaign_id,
        func.min(days.c.best_minor),
        func.min(days.c.best_minor).filter(recent),
        func.sum(days.c.looks),
        func.sum(days.c.offers),
        func.max(days.c.newest),
    ).group_by(days.c.campaign_id)
    return {one: Fares(*found) for one, *found in await session.execute(query)}


class FareDay(NamedTuple):
    """One day of a wish's fares; a list has a thousand of them, so it is no object of the ORM."""

    day: date
    looks: int
    last_at: datetime
    best_minor: int | None
    best_at: datetime | None
    best_look_id: UUID | None
    best_offer_id: str | None


async def fare_days(
    session: AsyncSession, campaign_ids: Collection[UUID], since: date
) -> dict[UUID, list[FareDay]]:
    """Return the days of these wishes as they are now, oldest first."""
    fare = CampaignFareRow
    columns = [col(getattr(fare, name)) for name in FareDay._fields]
    query = (
        select(col(fare.campaign_id), *columns)
        .join(CampaignRow, _of_now())
        .where(col(fare.campaign_id).in_(list(campaign_ids)), col(fare.day) >= since)
        .order_by(col(fare.campaign_id), col(fare.day))
    )
    found: dict[UUID, list[FareDay]] = {}
    for one, *row in await session.execute(query):
        found.setdefault(one, []).append(FareDay._make(row))
    return found


def _of_now() -> ColumnElement[bool]:
    fare = CampaignFareRow
    return and_(
        col(CampaignRow.id) == col(fare.campaign_id),
        col(CampaignRow.criteria_version) == col(fare.criteria_version),
        col(CampaignRow.currency) == col(fare.currency),
    )

"""What earlier looks saw of a wish's route, reduced to what a backtest needs."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Boolean, Date, DateTime, Integer, String

from domain.backtest import DAYS, Seen
from domain.criteria import Criteria
from domain.errors import UnknownPlace
from domain.money import Money
from domain.offers import Party
from domain.places import airports_of

# The cheapest of each day, kind of flights and party. An array is compared element by element, so
# that the least one carries the dates of the cheapest fare with it.
_SEEN = text(
    """
    SELECT CAST(at AT TIME ZONE 'UTC' AS date) AS day,
        departs_on BETWEEN :departure_from AND :departure_until AND (
            :one_way OR returns_on - departs_on BETWEEN :nights_min AND :nights_max
        ) AS fits,
        least(stops, 3) AS stops, airline, refundable, party_code,
        min(ARRAY[
            total_minor, departs_on - DATE '2000-01-01',
            coalesce(returns_on, departs_on) - DATE '2000-01-01'
        ]) AS best
    FROM price_observations
    WHERE seller = :seller AND origin = ANY(:origins) AND destination = ANY(:destinations)
        AND at > :since AND cabin = :cabin AND currency = :currency
        AND (returns_on IS NULL) = :one_way
    GROUP BY 1, 2, 3, 4, 5, 6
    """
).bindparams(
    bindparam("departure_from", type_=Date),
    bindparam("departure_until", type_=Date),
    bindparam("one_way", type_=Boolean),
    bindparam("nights_min", type_=Integer),
    bindparam("nights_max", type_=Integer),
    bindparam("origins", type_=ARRAY(String)),
    bindparam("destinations", type_=ARRAY(String)),
    bindparam("since", type_=DateTime(timezone=True)),
)
_EPOCH = date(2000, 1, 1)


async def seen_for(
    session: AsyncSession, criteria: Criteria, now: datetime, *, seller: str = "duffel"
) -> list[Seen]:
    """Return the cheapest fare of each day and kind on the wish's route, as `backtest` takes it."""
    rows = await session.execute(
        _SEEN,
        {
            "departure_from": criteria.departure_from,
            "departure_until": criteria.departure_until,
            "one_way": not criteria.is_return,
            "nights_min": criteria.nights_min or 0,
            "nights_max": criteria.nights_max or 0,
            "seller": seller,
            "origins": _codes(criteria.origins),
            "destinations": _codes(criteria.destinations),
            "since": now - timedelta(days=DAYS),
            "cabin": criteria.cabin.value,
            "currency": criteria.budget.currency,
        },
    )
    return [
        Seen(
            day=row.day,
            fits=row.fits,
            departs_on=_EPOCH + timedelta(days=row.best[1]),
            returns_on=_EPOCH + timedelta(days=row.best[2]) if criteria.is_return else None,
            stops=row.stops,
            airline=row.airline,
            refundable=row.refundable,
            party=_party(row.party_code),
            total=Money(minor=row.best[0], currency=criteria.budget.currency),
        )
        for row in rows
    ]


def _codes(places: Sequence[str]) -> list[str]:
    """A look at an airport tells of its city; one at a city may be of its other airports."""
    codes: dict[str, None] = {}
    for place in places:
        codes[place] = None
        try:
            codes.update(dict.fromkeys(airports_of(place)))
        except UnknownPlace:
            continue
    return list(codes)


def _party(code: str) -> Party:
    """Read `2a1c0i`, as `Party.code` writes it."""
    adults, _, rest = code.partition("a")
    children, _, rest = rest.partition("c")
    return Party(adults=int(adults), children=int(children), infants=int(rest.removesuffix("i")))

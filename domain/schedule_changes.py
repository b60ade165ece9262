"""What a traveller may ask for when an airline moves or drops flights that were booked.

The rules here are those by which all the money comes back whatever the fare says. Where none is
known, the airline's own quote decides.
"""

from datetime import datetime, timedelta

from domain.journeys import Leg, legs_of
from domain.order_details import AirlineChange
from domain.refunds import UNION, LegalDeadline, legal_deadline
from domain.values import Value

# 14 CFR 260.2, "significant change": hours on a domestic, and on an international trip.
_US_DOMESTIC, _US_ABROAD = timedelta(hours=3), timedelta(hours=6)
# Brought forward by more than this, a flight counts as cancelled: Court of Justice of the European
# Union, 21 December 2021, C-146/20, on Regulation (EC) 261/2004.
_EU_FORWARD = timedelta(hours=1)
_DROPPED = "The airline takes these flights away: it owes you all of the money, whatever the fare."


class ChangeTerms(Value):
    """`owed`: all the money comes back by law. `answer_by`: when the first flight leaves."""

    entitlement: str
    owed: bool
    answer_by: datetime | None
    deadline: LegalDeadline | None = None


def change_terms(change: AirlineChange) -> ChangeTerms:
    """Return what the traveller may ask for, and until when there is something to answer."""
    before = legs_of(change.before) if change.before else ()
    after = legs_of(change.after) if change.after else ()
    leaves = [leg.departs.instant for leg in (*before, *after)]
    answer_by = min(leaves, default=None)
    if not after:
        country = before[0].departs.country if before else None
        return ChangeTerms(
            entitlement=_DROPPED,
            owed=True,
            answer_by=answer_by,
            deadline=legal_deadline(country, change.at),
        )
    rule = _rule(before, after)
    if rule is not None:
        return ChangeTerms(entitlement=rule, owed=True, answer_by=answer_by)
    return ChangeTerms(
        entitlement="You may take the new times, ask for others, or give the booking back: where"
        " the airline changes flights, it usually refunds all of the money. Ask for a quote to see"
        " what it says.",
        owed=False,
        answer_by=answer_by,
    )


def _rule(before: tuple[Leg, ...], after: tuple[Leg, ...]) -> str | None:
    """Return the sentence of the law by which the change gives all the money back."""
    if not before:
        return None
    forward = max((b.departs.instant - a.departs.instant for b, a in _pairs(before, after)))
    if before[0].departs.country in UNION and forward > _EU_FORWARD:
        return (
            "A flight that leaves more than an hour earlier counts as cancelled (Court of Justice,"
            " C-146/20): instead of the new times you may have all of the money back, or other"
            " flights."
        )
    if "US" in {leg.departs.country for leg in before} | {leg.arrives.country for leg in before}:
        return _american(before, after, forward)
    return None


def _american(before: tuple[Leg, ...], after: tuple[Leg, ...], forward: timedelta) -> str | None:
    allowed = _US_ABROAD if any(leg.abroad for leg in before) else _US_DOMESTIC
    later = max((a.arrives.instant - b.arrives.instant for b, a in _pairs(before, after)))
    moved = [(_ends(b), _ends(a)) for b, a in _pairs(before, after)]
    elsewhere = any(was != now for was, now in moved) or len(before) != len(after)
    stops = any(len(a.flights) > len(b.flights) for b, a in _pairs(before, after))
    if not (max(forward, later) >= allowed or elsewhere or stops):
        return None
    return (
        "This is a significant change (14 CFR 260): instead of the new times you may have all of"
        " the money back, whatever the fare says."
    )


def _pairs(before: tuple[Leg, ...], after: tuple[Leg, ...]) -> list[tuple[Leg, Leg]]:
    return list(zip(before, after, strict=False))


def _ends(leg: Leg) -> tuple[str, str]:
    return leg.departs.airport, leg.arrives.airport

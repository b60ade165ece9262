"""What a moved flight entitles to, and until when it can be answered."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from domain.itineraries import Itinerary, Segment, Slice
from domain.order_details import AirlineChange
from domain.schedule_changes import change_terms

_LEAVES = datetime(2027, 5, 12, 10, 0)  # noqa: DTZ001


def _flights(*ends: str, leaves: timedelta = timedelta(), hours: int = 3) -> Itinerary:
    at = _LEAVES + leaves
    segments = tuple(
        Segment(
            origin=start, destination=end, departing_at=at + timedelta(hours=hours * n),
            arriving_at=at + timedelta(hours=hours * n + hours - 1),
            duration_minutes=60, marketing_carrier="ZZ", flight_number=str(n),
            operating_carrier="ZZ",
        )
        for n, (start, end) in enumerate(pairwise(ends))
    )  # fmt: skip
    leg = Slice(origin=ends[0], destination=ends[-1], duration_minutes=60, segments=segments)
    return Itinerary(slices=(leg,))


def _change(before: Itinerary | None, after: Itinerary | None) -> AirlineChange:
    at = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)
    return AirlineChange(change_id="aic_1", at=at, before=before, after=after)


@pytest.mark.parametrize(
    ("before", "after", "owed"),
    [
        # In the European Union more than an hour forward counts as cancelled; later does not.
        (_flights("LIS", "MAD"), _flights("LIS", "MAD", leaves=-timedelta(minutes=61)), "C-146/20"),
        (_flights("LIS", "MAD"), _flights("LIS", "MAD", leaves=-timedelta(minutes=60)), None),
        (_flights("LIS", "MAD"), _flights("LIS", "MAD", leaves=timedelta(hours=9)), None),
        # In the United States three hours at home and six abroad, either way.
        (_flights("JFK", "LAX"), _flights("JFK", "LAX", leaves=timedelta(hours=3)), "14 CFR 260"),
        (_flights("JFK", "LAX"), _flights("JFK", "LAX", leaves=timedelta(minutes=179)), None),
        (_flights("JFK", "LHR"), _flights("JFK", "LHR", leaves=timedelta(hours=3)), None),
        (_flights("LHR", "JFK"), _flights("LHR", "JFK", leaves=-timedelta(hours=6)), "14 CFR 260"),
        # Another airport, or one more stop.
        (_flights("JFK", "LAX"), _flights("EWR", "LAX"), "14 CFR 260"),
        (_flights("JFK", "LAX", hours=8), _flights("JFK", "DEN", "LAX", hours=3), "14 CFR 260"),
        # Where no rule is known the quote decides.
        (_flights("LHR", "NRT"), _flights("LHR", "NRT", leaves=timedelta(hours=20)), None),
        (None, _flights("LIS", "MAD"), None),
    ],
)
def test_all_the_money_comes_back_where_a_rule_says_so(
    before: Itinerary | None, after: Itinerary, owed: str | None
) -> None:
    terms = change_terms(_change(before, after))
    assert terms.owed is bool(owed)
    assert (owed or "Ask for a quote") in terms.entitlement


def test_flights_that_are_taken_away_are_owed_in_full_and_by_a_day() -> None:
    terms = change_terms(_change(_flights("LIS", "MAD"), None))
    assert terms.owed
    assert terms.deadline is not None
    assert terms.deadline.by.isoformat() == "2027-01-11"
    assert terms.answer_by == datetime(2027, 5, 12, 9, 0, tzinfo=UTC), "ten o'clock in Lisbon"


def test_a_change_is_answered_before_the_first_of_its_flights_leaves() -> None:
    later = _flights("LIS", "MAD", leaves=timedelta(hours=4))
    earlier = _flights("LIS", "MAD", leaves=-timedelta(minutes=30))
    was = _flights("LIS", "MAD")
    assert change_terms(_change(was, later)).answer_by == datetime(2027, 5, 12, 9, tzinfo=UTC)
    assert change_terms(_change(was, earlier)).answer_by == datetime(2027, 5, 12, 8, 30, tzinfo=UTC)
    assert change_terms(_change(None, None)).answer_by is None

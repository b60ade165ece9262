"""Which decisions a look keeps when it serves many campaigns."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from activities.look_decisions import BEST_KEPT, decide, unread_because
from db.models.offer_decision import DecisionVerdict, OfferDecisionRow
from db.queries.search import Candidate
from domain.campaigns import BookingMode
from domain.criteria import Criteria
from domain.ids import CampaignId, LookId, UserId
from domain.itineraries import Itinerary, Segment, Slice
from domain.matching import Unread
from domain.money import Money
from domain.offers import Cabin, Offer, OfferPassenger, Party
from providers.errors import (
    BadAnswer,
    CredentialsRefused,
    OutcomeUnknown,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
)

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LEAVES = datetime(2027, 5, 12, 18, 5)  # noqa: DTZ001
MATCHING, DEAR = 6, 4


def an_offer(number: int, minor: int) -> Offer:
    flight = Segment(
        origin="JFK",
        destination="LIS",
        departing_at=LEAVES + timedelta(minutes=number),
        arriving_at=LEAVES + timedelta(hours=12),
        duration_minutes=420,
        marketing_carrier="TP",
        flight_number=str(200 + number),
        operating_carrier="TP",
        cabin="economy",
    )
    leg = Slice(origin="JFK", destination="LIS", duration_minutes=420, segments=(flight,))
    return Offer(
        seller="duffel",
        offer_id=f"off_{number}",
        offer_request_id="orq_1",
        itinerary=Itinerary(slices=(leg,)),
        total=Money(minor=minor, currency="USD"),
        airline="TP",
        cabin=Cabin.ECONOMY,
        refundable=False,
        expires_at=NOW + timedelta(hours=1),
        passengers=(OfferPassenger(ref="pas_1", kind="adult"),),
    )


def rows(*, every: bool) -> list[OfferDecisionRow]:
    """Decide over six offers within the limit and four above it."""
    offers = [an_offer(n, 40_000 + n * 100) for n in range(MATCHING)]
    offers += [an_offer(10 + n, 90_000 + n * 100) for n in range(DEAR)]
    wish = Criteria(
        origins=("JFK",),
        destinations=("LIS",),
        departure_from=date(2027, 5, 1),
        departure_until=date(2027, 6, 30),
        budget=Money(minor=52_000, currency="USD"),
    )
    candidate = Candidate(
        campaign_id=CampaignId(uuid4()),
        user_id=UserId(uuid4()),
        criteria=wish,
        criteria_version=1,
        mode=BookingMode.AUTO,
        cap_minor=52_000,
        ignored=frozenset(),
    )
    decided = decide(candidate, offers, Party())
    return decided.rows(LookId(uuid4()), NOW, every=every)


def test_a_look_for_few_campaigns_keeps_every_decision() -> None:
    kept = rows(every=True)
    assert len(kept) == MATCHING + DEAR
    assert not [row for row in kept if "likewise" in row.detail]


def test_a_look_for_many_keeps_the_best_and_one_offer_a_reason() -> None:
    kept = rows(every=False)
    matched = [row for row in kept if row.verdict is DecisionVerdict.MATCHED]
    refused = [row for row in kept if row.verdict is DecisionVerdict.REJECTED]
    assert len(matched) == BEST_KEPT + 1
    assert [row.total_minor for row in refused] == [90_000]
    assert refused[0].detail.endswith(f"and {DEAR - 1} more offers likewise")
    assert matched[-1].detail.endswith(f"and {MATCHING - BEST_KEPT - 1} more offers likewise")


def test_what_is_best_and_cheapest_is_kept_either_way() -> None:
    best = [max(rows(every=e), key=lambda r: r.score or 0.0).offer_id for e in (True, False)]
    cheapest = [min(rows(every=e), key=lambda r: r.total_minor).offer_id for e in (True, False)]
    assert best[0] == best[1]
    assert cheapest[0] == cheapest[1]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ProviderUnavailable("duffel", "search", "timeout"), Unread.NO_ANSWER),
        (ProviderUnavailable("duffel", "search", "answer_too_large"), Unread.UNREADABLE),
        (RateLimited("duffel", "search", None), Unread.NO_ANSWER),
        (CredentialsRefused("duffel", "search", "expired_access_token"), Unread.REFUSED),
        (BadAnswer("duffel", "search", "no_offers_list"), Unread.UNREADABLE),
        (OutcomeUnknown("duffel", "search", "closed"), Unread.UNREADABLE),
    ],
)
def test_what_came_instead_of_offers_is_said_in_one_word(error: ProviderError, why: Unread) -> None:
    assert unread_because(error) is why

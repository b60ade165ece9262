from datetime import date
from itertools import product
from typing import Any

import pytest

from domain.attempts import STOPS_CAMPAIGN, AttemptState, FailureReason
from domain.campaigns import CampaignState
from domain.display import NEEDS_YOU, DisplayStatus, StatusCode, StatusFacts, display_status
from domain.money import Money
from domain.orders import BookingState


def usd(minor: int) -> Money:
    return Money(minor=minor, currency="USD")


FULL = StatusFacts(
    opens_on=date(2026, 12, 11),
    best=usd(111_800),
    budget=usd(104_000),
    price=usd(48_720),
    booking_reference="7F3KQ2",
    reason=FailureReason.CARD_DECLINED,
)
EVERYTHING = [
    display_status(campaign, attempt, booking, facts)
    for campaign, attempt, booking, facts in product(
        CampaignState, [None, *AttemptState], [None, *BookingState], [None, FULL]
    )
]


def test_every_combination_of_states_has_a_sentence():
    for status in EVERYTHING:
        assert isinstance(status, DisplayStatus)
        assert status.sentence.endswith(".")
        assert "None" not in status.sentence
        assert "_" not in status.sentence


def test_every_code_can_happen():
    assert {status.code for status in EVERYTHING} == set(StatusCode)


@pytest.mark.parametrize(
    "word",
    ["oops", "error", "fail", "poll", "intent", "authoris", "provider", "campaign", "stolen"],
)
def test_no_jargon_and_no_blame(word: str):
    assert not [s for s in EVERYTHING if word in s.sentence.lower()]


@pytest.mark.parametrize("state", [s for s in CampaignState if s is not CampaignState.BOOKED])
def test_without_a_booking_the_sentence_says_what_it_means_for_the_money(state: Any):
    sentence = display_status(state).sentence.lower()
    assert any(word in sentence for word in ("nothing", "no seat"))


def test_the_gap_to_the_budget_stands_in_the_sentence():
    facts = StatusFacts(best=usd(111_800), budget=usd(104_000))
    assert display_status(CampaignState.ACTIVE, facts=facts).sentence == (
        "The best fare today is 1,118 USD, 78 above what you allow. "
        "Nothing was booked, nothing is held."
    )
    within = StatusFacts(best=usd(100_000), budget=usd(104_000))
    assert "within what you allow" in display_status(CampaignState.ACTIVE, facts=within).sentence
    euros = StatusFacts(best=Money(minor=1, currency="EUR"), budget=usd(1))
    assert "above" not in display_status(CampaignState.ACTIVE, facts=euros).sentence


def test_says_when_it_will_wake():
    status = display_status(CampaignState.ACTIVE, facts=StatusFacts(opens_on=date(2026, 12, 11)))
    assert status.code is StatusCode.ASLEEP
    assert "11 December 2026" in status.sentence


def test_an_unknown_outcome_is_said_honestly():
    status = display_status(CampaignState.BOOKING, AttemptState.ORDER_UNKNOWN)
    assert status.sentence == (
        "We asked the airline and got no clear answer. We are checking and will not try again "
        "until we know. You will not be booked twice."
    )


def test_a_booking_outweighs_the_attempt_and_an_old_attempt_does_not_show():
    booked = display_status(
        CampaignState.BOOKED,
        AttemptState.CAPTURED,
        BookingState.TICKETED,
        StatusFacts(booking_reference="7F3KQ2"),
    )
    assert booked.sentence == "You are booked under 7F3KQ2. Your tickets are issued."
    watching = display_status(CampaignState.ACTIVE, AttemptState.FAILED)
    assert watching.code is StatusCode.WATCHING


def test_every_reason_that_stops_a_wish_has_words_of_its_own():
    assert set(NEEDS_YOU) == STOPS_CAMPAIGN
    for reason in STOPS_CAMPAIGN:
        status = display_status(CampaignState.NEEDS_ACTION, facts=StatusFacts(reason=reason))
        assert (status.code, status.sentence) == (StatusCode.NEEDS_YOU, NEEDS_YOU[reason])

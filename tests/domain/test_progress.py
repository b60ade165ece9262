"""Steps, needs and stories: total over all states, and in words for people."""

import re
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from domain.attempts import STOPS_CAMPAIGN, AttemptState, FailureReason
from domain.campaigns import ENDED, CampaignState
from domain.money import Money
from domain.needs import CardHealth, NeedAction, NeedFacts, NeedKind, needs_of
from domain.orders import BookingState
from domain.progress import Stage, StepState, booking_steps, stage_of, wish_steps
from domain.storyline import SILENT, DayFare, StoryFacts, fare_lines, story_line, told

NOW = datetime(2026, 11, 26, 14, 6, tzinfo=UTC)
USD = StoryFacts(currency="USD", caps={1: Money(minor=104_000, currency="USD")})
ROOT = Path(__file__).parents[2]
JARGON = re.compile(r"oops|poll|intent|authoris|provider|campaign|None|_", re.IGNORECASE)


def usd(minor: int) -> Money:
    return Money(minor=minor, currency="USD")


def test_a_wish_has_five_steps_of_which_one_is_under_way_or_all_are_done():
    for campaign, attempt in product(CampaignState, [None, *AttemptState]):
        steps = wish_steps(campaign, attempt)
        assert [step.key for step in steps] == list(Stage)
        states = [step.state for step in steps]
        here = [s for s in states if s in {StepState.NOW, StepState.STOPPED}]
        assert len(here) == (0 if campaign is CampaignState.BOOKED else 1)
        if campaign is CampaignState.BOOKED:
            assert set(states) == {StepState.DONE}
        order = [StepState.DONE, StepState.NOW, StepState.STOPPED, StepState.AHEAD]
        assert states == sorted(states, key=order.index)


@pytest.mark.parametrize(
    ("campaign", "attempt", "word"),
    [
        (CampaignState.ACTIVE, None, "Searching"),
        (CampaignState.AWAITING_APPROVAL, None, "Found"),
        (CampaignState.BOOKING, AttemptState.VALIDATING, "Checking"),
        (CampaignState.BOOKING, AttemptState.ORDERING, "Booking"),
        (CampaignState.BOOKED, AttemptState.CAPTURED, "Complete"),
    ],
)
def test_the_states_of_a_wish_are_shown_by_name(campaign: Any, attempt: Any, word: str):
    stage = stage_of(campaign, attempt)
    (shown,) = (s for s in wish_steps(campaign, attempt, {stage: "said"}) if s.line)
    assert (shown.word, shown.line) == (word, "said")


def test_booking_steps_say_where_it_is_and_where_it_stopped():
    def states(*args: Any, **more: Any) -> str:
        return "".join(step.state[0] for step in booking_steps(*args, **more))

    assert states(AttemptState.VALIDATING) == "naaa"
    assert states(AttemptState.AWAITING_AUTHENTICATION) == "dnaa"
    assert states(AttemptState.ORDER_UNKNOWN) == "ddna"
    assert states(AttemptState.CAPTURING) == "ddna"
    assert states(AttemptState.CAPTURED, booking=BookingState.TICKETING) == "dddn"
    assert states(AttemptState.CAPTURED, booking=BookingState.TICKETED) == "dddd"
    assert states(AttemptState.FAILED, reason=FailureReason.CARD_DECLINED) == "dsaa"
    assert states(AttemptState.FAILED, reason=FailureReason.PRICE_ROSE) == "saaa"
    assert states(AttemptState.COMPENSATING, order_sent=True) == "ddsa"
    for attempt, booking, reason in product(
        AttemptState, [None, *BookingState], [None, *FailureReason]
    ):
        steps = booking_steps(attempt, booking=booking, reason=reason)
        assert not any(re.search(r"%|percent", step.line) for step in steps)


def test_every_need_says_the_money_and_one_thing_to_do():
    reasons = [None, "no_card", "consent_needed", "else", *(r.value for r in STOPS_CAMPAIGN)]
    kinds = set()
    for campaign, attempt, reason, card, consent in product(
        CampaignState, [None, *AttemptState], reasons, CardHealth, [True, False]
    ):
        facts = NeedFacts(
            campaign=campaign,
            attempt=attempt,
            action_reason=reason,
            card=card,
            consent=consent,
            card_name="Visa ending 4242",
            amount=usd(48_720),
            address_bounces=not consent,
        )
        found = needs_of(facts)
        kinds |= {need.kind for need in found}
        assert not (campaign in ENDED and found)
        if campaign is CampaignState.NEEDS_ACTION and reason not in {None, "else"}:
            assert found[0].kind is not NeedKind.ADDRESS
        for need in found:
            for words in (need.happened, need.money, need.doing, need.remedy):
                assert words.endswith(".")
                assert not JARGON.search(words), words
            assert need.action in NeedAction
    assert kinds == set(NeedKind)


def test_a_decline_says_what_happened_to_the_money_and_what_to_do():
    facts = NeedFacts(campaign=CampaignState.NEEDS_ACTION, action_reason="card_declined")
    (need,) = needs_of(facts)
    assert need.happened == "Your card was declined."
    assert need.money == "Nothing was charged and no seat is held."
    assert need.action is NeedAction.CHOOSE_CARD


def test_every_event_that_the_product_writes_has_its_words():
    sources = [*(ROOT / "activities").glob("*.py"), *(ROOT / "db" / "queries").glob("*.py")]
    text = "\n".join(path.read_text() for path in sources)
    kinds = set(
        re.findall(r'"((?:campaign|attempt|order|payment|booking|proposal)\.[a-z_]+)"', text)
    )
    assert len(kinds) > 25
    for state in AttemptState:
        kinds.add(f"attempt.{state.value}")
    missing = {kind for kind in kinds if not told(kind) and kind not in SILENT}
    assert missing <= {
        # Told by `order.unknown`, `order.placed` and `campaign.booked`.
        "attempt.order_unknown",
        "attempt.capturing",
    }, missing


def test_events_are_sentences():
    data = {
        "reason": "price_rose",
        "amount_minor": 48_720,
        "amount": "487.20",
        "currency": "USD",
        "booking_reference": "7F3KQ2",
        "criteria_version": 1,
        "cancelled_by": "airline",
    }
    text = (ROOT / "domain" / "storyline.py").read_text()
    for kind in re.findall(r'^    "([a-z]+\.[a-z_]+)": ', text, re.MULTILINE):
        for given in (data, {}):
            line = story_line(kind, given, NOW, USD)
            assert line is not None
            assert line.words.endswith("."), kind
            assert not JARGON.search(line.words), line.words


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("campaign.created", {}, "Wish made; you allowed one charge of at most 1,040 USD."),
        (
            "campaign.edited",
            {"budget_was_minor": 98_000, "budget_minor": 104_000, "currency": "USD"},
            "You raised the budget from 980 to 1,040 USD.",
        ),
        (
            "campaign.watching_again",
            {"reason": "offer_gone"},
            "Not booked: the flights were sold before we could book them. Nothing was charged; we go on watching.",
        ),
        ("campaign.needs_action", {"reason": "no_card"}, "The wish stopped: there is no card that we can use."),
        ("payment.captured", {"amount_minor": 48_720, "currency": "USD"}, "487.20 USD charged to your card, once."),
    ],
)  # fmt: skip
def test_events_in_peoples_words(kind: str, data: dict[str, Any], words: str):
    line = story_line(kind, data, NOW, USD)
    assert line is not None
    assert line.words == words


def test_the_machinery_is_not_told():
    assert story_line("booking.paid", {}, NOW, USD) is None
    assert story_line("something.new", {}, NOW, USD) is None


def test_fares_tell_the_closest_yet_and_the_last_change():
    def day(number: int, best: int | None) -> DayFare:
        at = NOW.replace(day=number)
        return DayFare(day=date(2026, 11, number), best_minor=best, at=at)

    budget = usd(104_000)
    lines = fare_lines([day(3, 105_200), day(24, 114_000), day(25, None), day(26, 111_800)], budget)
    assert [line.words for line in lines] == [
        "1,052 USD, 12 above your budget: the closest yet.",
        "Best fare fell 22 USD to 1,118.",
    ]
    assert fare_lines([], budget) == []
    assert fare_lines([day(3, 105_200)], budget) == []
    assert fare_lines([day(3, 99_000), day(4, 99_000)], budget)[0].words.startswith("990 USD, with")

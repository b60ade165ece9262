from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.authorisations import (
    DECLINE_SENTENCES,
    LONGEST_BACKOFF,
    backoff,
    card_free_at,
    card_may_be_tried,
    decline_class,
)
from domain.payments import DeclineClass

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CODES = st.none() | st.sampled_from(
    ["card_declined", "insufficient_funds", "lost_card", "generic_decline", "brand_new_code"]
)


def test_waits_double_up_to_half_a_day():
    minutes = [backoff(n).total_seconds() / 60 for n in range(10)]
    assert minutes == [0, 5, 10, 20, 40, 80, 160, 320, 640, 720]


@given(st.integers(-5, 10_000))
def test_waits_never_shrink_and_never_pass_the_cap(failures: int):
    assert timedelta(0) <= backoff(failures) <= backoff(failures + 1) <= LONGEST_BACKOFF


@given(st.lists(st.integers(0, 60 * 24), max_size=12), st.integers(1, 6))
def test_a_card_is_free_when_its_tries_have_left_the_window(hours: list[int], limit: int):
    times = [NOW - timedelta(hours=h) for h in hours]
    free = card_free_at(times, NOW, limit)
    assert card_may_be_tried(times, NOW, limit) == (free == NOW)
    assert card_may_be_tried(times, free, limit)
    assert NOW <= free <= NOW + timedelta(days=30)


def test_four_tries_in_thirty_days():
    month_ago = NOW - timedelta(days=30)
    assert card_may_be_tried([NOW] * 3 + [month_ago], NOW)
    assert not card_may_be_tried([NOW] * 3 + [month_ago + timedelta(seconds=1)], NOW)


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        (("card_declined", "insufficient_funds", None), "funds"),
        (("card_declined", "generic_decline", None), "issuer"),
        (("card_declined", "generic_decline", "try_again_later"), "issuer"),
        (("card_declined", "generic_decline", "do_not_try_again"), "stop"),
        (("card_declined", "stolen_card", None), "stop"),
        (("card_declined", "fraudulent", "try_again_later"), "stop"),
        (("card_declined", "revocation_of_all_authorizations", None), "stop"),
        (("card_declined", "issuer_not_available", None), "try_later"),
        (("card_declined", None, "try_again_later"), "try_later"),
        (("card_declined", None, "confirm_card_data"), "replace"),
        (("expired_card", "expired_card", None), "replace"),
        (("incorrect_cvc", None, None), "replace"),
        (("invalid_something_new", None, None), "replace"),
        (("processing_error", None, None), "try_later"),
        (("card_decline_rate_limit_exceeded", None, None), "rate"),
        (("card_declined", "highest_risk_level", None), "radar"),
        (("parameter_unknown", None, None), "ours"),
        (("amount_too_small", None, None), "ours"),
        (("authentication_required", "authentication_required", None), "issuer"),
        (("card_declined", "brand_new_code", None), "stop"),
        (("card_declined", None, None), "stop"),
        ((None, None, None), "stop"),
    ],
)
def test_classifies_refusals(codes: Any, kind: Any):
    assert decline_class(*codes) is DeclineClass(kind)


@given(CODES, CODES, CODES)
def test_every_refusal_has_a_class_and_the_issuers_never_is_kept(
    code: Any, decline_code: Any, advice: Any
):
    assert decline_class(code, decline_code, advice) in DeclineClass
    assert decline_class(code, decline_code, "do_not_try_again") is DeclineClass.STOP


def test_the_traveller_never_reads_that_a_card_is_lost_or_stolen():
    assert set(DECLINE_SENTENCES) == set(DeclineClass)
    assert DECLINE_SENTENCES[DeclineClass.STOP] == DECLINE_SENTENCES[DeclineClass.RADAR]
    for sentence in DECLINE_SENTENCES.values():
        assert not any(
            word in sentence.lower() for word in ("stolen", "lost", "fraud", "risk", "_")
        )

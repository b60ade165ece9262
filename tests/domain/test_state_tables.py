"""Every table of states: complete, reachable, drawn, and ending where it should."""

from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.attempts import (
    ATTEMPT_TRANSITIONS,
    LIVE,
    PAST_NO_RETURN,
    PUBLISHED_STATES,
    STOPS_CAMPAIGN,
    AttemptState,
    FailureReason,
    published_state,
)
from domain.campaigns import AFTER_UNDO, CAMPAIGN_TRANSITIONS, ENDED, WATCHING, CampaignState
from domain.erasures import ERASURE_TRANSITIONS, ErasureState
from domain.errors import IllegalTransition
from domain.orders import BOOKING_TRANSITIONS, LIVE_BOOKINGS, BookingState
from domain.payments import PAYMENT_TRANSITIONS, PaymentState
from domain.transitions import Transitions

TABLES = [
    (
        CAMPAIGN_TRANSITIONS,
        CampaignState,
        CampaignState.AWAITING_CONSENT,
        {"booked", "expired"},
    ),
    (ATTEMPT_TRANSITIONS, AttemptState, AttemptState.VALIDATING, {"captured", "failed"}),
    (BOOKING_TRANSITIONS, BookingState, BookingState.ORDERED, {"cancelled", "flown"}),
    (PAYMENT_TRANSITIONS, PaymentState, PaymentState.CREATED, {"voided"}),
    (ERASURE_TRANSITIONS, ErasureState, ErasureState.ASKED, {"withdrawn", "done"}),
]
every_table = pytest.mark.parametrize(
    ("table", "states", "first", "ends"), TABLES, ids=lambda v: getattr(v, "entity", None)
)


def reachable(table: Transitions, first: StrEnum) -> set[StrEnum]:
    found, todo = {first}, [first]
    while todo:
        new = table.table[todo.pop()] - found
        found |= new
        todo += new
    return found


@every_table
def test_lists_every_state_and_knows_no_other(table: Any, states: Any, first: Any, ends: Any):
    assert set(table.table) == set(states)
    assert set().union(*table.table.values()) <= set(states)


@every_table
def test_every_state_can_be_reached_from_the_first(table: Any, states: Any, first: Any, ends: Any):
    assert reachable(table, first) == set(states)


@every_table
def test_ends_where_it_should_and_nowhere_else(table: Any, states: Any, first: Any, ends: Any):
    assert {state for state in states if table.final(state)} == ends


@every_table
def test_no_live_state_is_a_dead_end(table: Any, states: Any, first: Any, ends: Any):
    for state in states:
        assert (
            {s for s in reachable(table, state) if table.final(s)}
            or state is PaymentState.REFUNDED
            or (state is PaymentState.CAPTURED)
        )


@every_table
def test_draws_every_change(table: Any, states: Any, first: Any, ends: Any):
    drawing = table.mermaid()
    assert drawing.startswith("stateDiagram-v2\n")
    for source, targets in table.table.items():
        for target in targets:
            assert f"    {source} --> {target}\n" in drawing
        assert (f"    {source} --> [*]\n" in drawing) == (not targets)


@given(st.sampled_from(TABLES), st.data())
def test_checks_exactly_what_it_lists(entry: Any, data: Any):
    table, states, _, _ = entry
    current, wanted = data.draw(st.sampled_from(states)), data.draw(st.sampled_from(states))
    if table.allows(current, wanted):
        table.check(current, wanted)
    else:
        with pytest.raises(IllegalTransition) as refused:
            table.check(current, wanted)
        assert (refused.value.current, refused.value.wanted) == (current, wanted)


def test_money_is_captured_once_and_an_ended_campaign_stays_ended():
    for state in ENDED - {CampaignState.CANCELLED}:
        assert CAMPAIGN_TRANSITIONS.final(state)
    # A cancelling is taken back to where it came from, and never into the midst of a booking.
    back = CAMPAIGN_TRANSITIONS.table[CampaignState.CANCELLED]
    assert not back & {CampaignState.BOOKING, CampaignState.AWAITING_APPROVAL, *ENDED}
    assert {AFTER_UNDO.get(s, s) for s in CampaignState if s not in ENDED} == back
    assert not ATTEMPT_TRANSITIONS.table[AttemptState.CAPTURED]
    assert all(
        not PAYMENT_TRANSITIONS.allows(state, PaymentState.CAPTURED)
        for state in PaymentState
        if state is not PaymentState.AUTHORISED
    )


def test_an_unknown_order_is_never_ordered_again():
    assert AttemptState.ORDERING not in ATTEMPT_TRANSITIONS.table[AttemptState.ORDER_UNKNOWN]
    assert AttemptState.VALIDATING not in reachable(ATTEMPT_TRANSITIONS, AttemptState.ORDER_UNKNOWN)


def test_an_order_only_comes_after_the_money_is_held_or_needs_no_hold():
    before = {
        s for s, targets in ATTEMPT_TRANSITIONS.table.items() if AttemptState.ORDERING in targets
    }
    assert before == {AttemptState.VALIDATING, AttemptState.AUTHORISING}


def test_groups_of_states_agree_with_the_tables():
    assert {s for s in AttemptState if not ATTEMPT_TRANSITIONS.final(s)} == LIVE
    assert {AttemptState.VALIDATING, AttemptState.AUTHORISING}.isdisjoint(PAST_NO_RETURN)
    assert {CampaignState.ACTIVE} == WATCHING
    assert set(BookingState) - LIVE_BOOKINGS == {BookingState.CANCELLED}
    assert set(FailureReason) >= STOPS_CAMPAIGN


def test_every_attempt_state_has_its_published_word():
    assert set(PUBLISHED_STATES) == set(AttemptState) - {AttemptState.CAPTURED}
    assert published_state(AttemptState.CAPTURED, ticketed=False) == "DUFFEL_TICKETING"
    assert published_state(AttemptState.CAPTURED, ticketed=True) == "COMPLETED"
    assert published_state(AttemptState.VALIDATING, ticketed=False) == "DUFFEL_OFFER_SEARCH"

"""The states of a booking, from its order to the day it is flown."""

from enum import StrEnum

from domain.transitions import Transitions


class BookingState(StrEnum):
    ORDERED = "ordered"  # the order exists; the money is being captured
    TICKETING = "ticketing"
    TICKETED = "ticketed"
    CANCELLING = "cancelling"  # the traveller confirmed a quote; the airline is being told
    CANCELLED = "cancelled"
    FLOWN = "flown"


_S = BookingState
BOOKING_TRANSITIONS = Transitions(
    "booking",
    {
        _S.ORDERED: frozenset({_S.TICKETING, _S.CANCELLED}),
        _S.TICKETING: frozenset({_S.TICKETED, _S.CANCELLING, _S.CANCELLED, _S.FLOWN}),
        _S.TICKETED: frozenset({_S.CANCELLING, _S.CANCELLED, _S.FLOWN}),
        # Back, when the airline answers that the order cannot be cancelled after all.
        _S.CANCELLING: frozenset({_S.CANCELLED, _S.TICKETING, _S.TICKETED, _S.FLOWN}),
        _S.CANCELLED: frozenset(),
        _S.FLOWN: frozenset(),
    },
)
LIVE_BOOKINGS = frozenset(set(_S) - {_S.CANCELLED})

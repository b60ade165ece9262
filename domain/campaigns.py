"""The states of a campaign and what a traveller may do in each."""

from enum import StrEnum
from types import MappingProxyType

from domain.transitions import Transitions


class CampaignState(StrEnum):
    AWAITING_CONSENT = "awaiting_consent"  # made, and nothing is done before its owner consents
    ACTIVE = "active"  # watching, or asleep until its dates go on sale
    AWAITING_APPROVAL = "awaiting_approval"  # ask-me-first: a proposal is open
    BOOKING = "booking"  # an attempt is under way
    NEEDS_ACTION = "needs_action"  # stopped until the traveller acts (another card)
    PAUSED = "paused"
    BOOKED = "booked"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class BookingMode(StrEnum):
    AUTO = "auto"
    ASK_ME_FIRST = "ask_me_first"
    NOTIFY = "notify"  # tell me, book nothing: no consent, no card, no attempt

    @property
    def books(self) -> bool:
        """Say whether anything may ever be charged, so that a consent is needed."""
        return self is not BookingMode.NOTIFY


_S = CampaignState
CAMPAIGN_TRANSITIONS = Transitions(
    "campaign",
    {
        _S.AWAITING_CONSENT: frozenset({_S.ACTIVE, _S.CANCELLED, _S.EXPIRED}),
        _S.ACTIVE: frozenset(
            {_S.AWAITING_APPROVAL, _S.BOOKING, _S.NEEDS_ACTION, _S.PAUSED, _S.CANCELLED, _S.EXPIRED}
        ),
        _S.AWAITING_APPROVAL: frozenset(
            {_S.ACTIVE, _S.BOOKING, _S.NEEDS_ACTION, _S.PAUSED, _S.CANCELLED, _S.EXPIRED}
        ),
        # Out of `booking` by the attempt's end, or by the traveller and the clock
        # before the point of no return.
        _S.BOOKING: frozenset(
            {_S.ACTIVE, _S.NEEDS_ACTION, _S.BOOKED, _S.PAUSED, _S.CANCELLED, _S.EXPIRED}
        ),
        _S.NEEDS_ACTION: frozenset({_S.ACTIVE, _S.PAUSED, _S.CANCELLED, _S.EXPIRED}),
        _S.PAUSED: frozenset({_S.ACTIVE, _S.NEEDS_ACTION, _S.CANCELLED, _S.EXPIRED}),
        _S.BOOKED: frozenset(),
        # Back only while there is time to undo it; see `undo_until`.
        _S.CANCELLED: frozenset({_S.AWAITING_CONSENT, _S.ACTIVE, _S.NEEDS_ACTION, _S.PAUSED}),
        _S.EXPIRED: frozenset(),
    },
)
# What an undone cancelling goes back to, where that is not what it was: what had begun is over.
AFTER_UNDO = MappingProxyType({_S.AWAITING_APPROVAL: _S.ACTIVE, _S.BOOKING: _S.ACTIVE})
ENDED = frozenset({_S.BOOKED, _S.CANCELLED, _S.EXPIRED})
WATCHING = frozenset({_S.ACTIVE})

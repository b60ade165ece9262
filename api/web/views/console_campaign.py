"""A wish as operators read it: where it stands, what holds it, what may be charged for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from db.queries.console.campaigns import CampaignFacts
from domain.campaigns import BookingMode, CampaignState
from domain.mandate_document import MandateKind

_SENTENCES = {
    CampaignState.AWAITING_CONSENT: "It waits for its traveller's consent; nobody looks for it.",
    CampaignState.ACTIVE: "It is looked for.",
    CampaignState.AWAITING_APPROVAL: "An offer waits for its traveller's yes; nothing is held.",
    CampaignState.BOOKING: "It is being booked.",
    CampaignState.NEEDS_ACTION: "It has stopped until its traveller acts; nobody looks for it.",
    CampaignState.PAUSED: "Its traveller paused it; nobody looks for it.",
    CampaignState.BOOKED: "It is booked.",
    CampaignState.CANCELLED: "Its traveller gave it up.",
    CampaignState.EXPIRED: "It ended without a booking.",
}
_TONES = {
    CampaignState.ACTIVE: "accent",
    CampaignState.BOOKED: "good",
    CampaignState.CANCELLED: "quiet",
    CampaignState.EXPIRED: "quiet",
}


@dataclass(frozen=True)
class CampaignView:
    sentence: str
    tone: str
    holds: tuple[str, ...]
    """What keeps it from being booked, a sentence each."""


def campaign_view(facts: CampaignFacts, now: datetime) -> CampaignView:
    state = CampaignState(facts.campaign.status)
    return CampaignView(_SENTENCES[state], _TONES.get(state, "wait"), tuple(_holds(facts, now)))


def _holds(facts: CampaignFacts, now: datetime) -> Iterable[str]:
    row = facts.campaign
    if facts.held.stopped:
        yield "Booking is stopped for everybody; looks go on."
    for name in facts.held.away:
        yield f"{name.capitalize()} does not answer and is left alone for now."
    if row.action_reason:
        yield f"It needs its traveller: {row.action_reason.replace('_', ' ')}."
    if row.hold_off_until is not None and row.hold_off_until > now:
        yield f"It rests after a failed attempt until {row.hold_off_until:%Y-%m-%d %H:%M} UTC."
    if row.opens_at is not None and row.opens_at > now:
        yield f"Its dates go on sale on {row.opens_at:%Y-%m-%d}; it sleeps until then."
    if row.mode == BookingMode.NOTIFY:
        yield "It only tells; nothing is ever booked or charged."
    elif not _consented(facts, now):
        yield "No consent stands, so nothing can be booked."


def _consented(facts: CampaignFacts, now: datetime) -> bool:
    return any(
        one.kind == MandateKind.BOOKING
        and one.expires_at > now
        and one.criteria_version == facts.campaign.criteria_version
        for one in facts.mandates
    )

"""Ids: their types, the derived ones, and the keys that providers see."""

from typing import NewType
from uuid import UUID, uuid5

UserId = NewType("UserId", UUID)
CampaignId = NewType("CampaignId", UUID)
AttemptId = NewType("AttemptId", UUID)
BookingId = NewType("BookingId", UUID)
TravelerId = NewType("TravelerId", UUID)
PaymentMethodId = NewType("PaymentMethodId", UUID)
LookId = NewType("LookId", UUID)
ProposalId = NewType("ProposalId", UUID)

# Never change: every derived id in the database hangs on it.
_NAMESPACE = UUID("5b0f6a3e-9f0b-5f6c-8d55-3c1f7a1f9e01")


def derive(*parts: object) -> UUID:
    """Return the same UUID for the same parts, for ever."""
    return uuid5(_NAMESPACE, "\x1f".join(str(part) for part in parts))


def campaign_id_for(owner: UserId, idempotency_key: str) -> CampaignId:
    return CampaignId(derive("campaign", owner, idempotency_key))


def attempt_id_for(campaign: CampaignId, number: int) -> AttemptId:
    return AttemptId(derive("attempt", campaign, number))


def booking_id_for(attempt: AttemptId) -> BookingId:
    return BookingId(derive("booking", attempt))


def proposal_id_for(campaign: CampaignId, opening_key: str) -> ProposalId:
    return ProposalId(derive("proposal", campaign, opening_key))


def notice_id_for(subject: UUID, event: str, channel: str) -> UUID:
    return derive("notice", subject, event, channel)


def provider_key(kind: str, subject: UUID, number: int = 1) -> str:
    """Return the idempotency key of the n-th call of this kind for the subject."""
    return f"pf:{kind}:{subject}:{number}"

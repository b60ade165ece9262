"""Disputes: what a card's bank asks about a charge or takes back, in the processor's own words."""

from enum import StrEnum


class DisputeStatus(StrEnum):
    """As Stripe names them. The first three are an inquiry: no money has been taken back."""

    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    APPEAL_NEEDS_RESPONSE = "appeal_needs_response"
    APPEAL_UNDER_REVIEW = "appeal_under_review"
    PREVENTED = "prevented"
    WON = "won"
    LOST = "lost"

    @property
    def needs_answer(self) -> bool:
        """Say whether a person must answer before the deadline; silence loses."""
        return self.value.endswith("needs_response")

    @property
    def is_over(self) -> bool:
        return self in _OVER


_OVER = frozenset(
    {
        DisputeStatus.WARNING_CLOSED,
        DisputeStatus.PREVENTED,
        DisputeStatus.WON,
        DisputeStatus.LOST,
    }
)

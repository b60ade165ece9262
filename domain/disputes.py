"""Disputes: what a card's bank asks about a charge or takes back, and what travellers are told."""

from enum import StrEnum
from typing import assert_never

from domain.money import Money
from domain.values import Value


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


class DisputeWords(Value):
    """What somebody reads of a dispute: what is so, who has the money, what comes next."""

    title: str
    sentence: str
    holder: str
    next: str


# What the cardholder told the bank, as the processor names it; any other reason is left out.
_SAID = {
    "credit_not_processed": "that a refund of it is missing",
    "duplicate": "that it was charged twice",
    "fraudulent": "that the card's owner did not allow it",
    "product_not_received": "that what it paid for never came",
    "product_unacceptable": "that what it paid for was not what was agreed",
    "unrecognized": "that the card's owner does not know it",
}
_BANK, _US, _READER = "your card's bank", "we", "you"
_WE_ANSWER = (
    "We answer the bank with what you agreed to and what was booked. Your booking is not changed by"
    " it, and nothing more is charged."
)


def words_of(status: DisputeStatus, amount: Money, reason: str) -> DisputeWords:
    """Say to whom it happened what their card's bank asked back, and what becomes of the money."""
    said = f" and says {_SAID[reason]}" if reason in _SAID else ""
    asks = f"Your card's bank asks us about {amount} of this charge{said}. No money has moved."
    took = (
        f"Your card's bank has taken {amount} of this charge back from us{said}. Whether it is on"
        " your card meanwhile is up to the bank."
    )
    match status:
        case DisputeStatus.WARNING_NEEDS_RESPONSE:
            return _words("Your bank asks about this charge", asks, _US, _WE_ANSWER)
        case DisputeStatus.WARNING_UNDER_REVIEW:
            return _words(
                "Your bank asks about this charge", asks, _US,
                "The bank has our answer. If it asks nothing more within 120 days, that is all.",
            )  # fmt: skip
        case DisputeStatus.WARNING_CLOSED | DisputeStatus.PREVENTED:
            return _words(
                "Your bank's question is settled",
                f"Your card's bank asked us about {amount} of this charge, and took nothing back.",
                _US, "Nothing more comes of it.",
            )  # fmt: skip
        case DisputeStatus.NEEDS_RESPONSE | DisputeStatus.APPEAL_NEEDS_RESPONSE:
            return _words("Your bank disputes this charge", took, _BANK, _WE_ANSWER)
        case DisputeStatus.UNDER_REVIEW | DisputeStatus.APPEAL_UNDER_REVIEW:
            return _words(
                "Your bank disputes this charge", took, _BANK,
                "The bank has our answer and usually decides within 60 to 75 days. Until then we"
                " charge and refund nothing of it, so that nothing is paid twice.",
            )  # fmt: skip
        case DisputeStatus.WON:
            return _words(
                "Your bank let the charge stand",
                f"Your card's bank gave the {amount} back to us: you have paid them as agreed. What"
                " it may have lent you meanwhile it takes back from your card by itself.",
                _US, "We charge nothing again.",
            )  # fmt: skip
        case DisputeStatus.LOST:
            return _words(
                "Your bank gave this charge back",
                f"Your card's bank decided that the {amount} are yours; we do not charge it again.",
                _READER, "We refund nothing more of it: it has come back to you already.",
            )  # fmt: skip
    assert_never(status)


def _words(title: str, sentence: str, holder: str, then: str) -> DisputeWords:
    return DisputeWords(title=title, sentence=sentence, holder=holder, next=then)

"""One campaign's status in one sentence, from its rows."""

from datetime import UTC, datetime

from api.rest.schemas.campaigns import DisplayStatus
from db.models.campaign import CampaignRow
from db.models.proposal import ProposalRow
from db.queries.display import Standing
from domain.attempts import FailureReason
from domain.campaigns import CampaignState
from domain.display import StatusFacts, display_status
from domain.money import Money


def display_of(
    row: CampaignRow, standing: Standing, now: datetime, proposal: ProposalRow | None = None
) -> DisplayStatus:
    """Say where a campaign stands, as people read it; `proposal` is the one that is open."""
    attempt, booking = standing.attempt, standing.booking
    asleep = row.opens_at if row.opens_at and row.opens_at > now else None
    price = None
    if booking is not None:
        price = Money(minor=booking.price_minor, currency=booking.currency)
    elif proposal is not None:
        price = Money(minor=proposal.price_minor, currency=proposal.currency)
    elif attempt is not None and row.status is not CampaignState.AWAITING_APPROVAL:
        price = Money(minor=attempt.matched_minor, currency=attempt.currency)
    lately = standing.lately_minor
    status = display_status(
        row.status,
        attempt.state if attempt else None,
        booking.state if booking and row.status is CampaignState.BOOKED else None,
        StatusFacts(
            opens_on=asleep.astimezone(UTC).date() if asleep else None,
            best=None if lately is None else Money(minor=lately, currency=row.currency),
            budget=row.budget,
            price=price,
            booking_reference=booking.booking_reference if booking else None,
            reason=_reason(row, standing),
            undoable=row.undo_until is not None and now < row.undo_until,
            books=row.mode.books,
        ),
    )
    return DisplayStatus(code=status.code, sentence=status.sentence)


def _reason(row: CampaignRow, standing: Standing) -> FailureReason | None:
    """Return why the campaign stopped: its own word, else its newest attempt's."""
    if row.action_reason in set(FailureReason):
        return FailureReason(row.action_reason)
    return standing.attempt.failure_reason if standing.attempt else None


def etag_of(row: CampaignRow) -> str:
    """Name this state of the row; the part before the dot is the wish's version."""
    return f'"{row.criteria_version}.{row.row_version}.{row.event_seq}"'


def version_in(if_match: str) -> int | None:
    """Return the wish's version that an ETag of ours names."""
    head = if_match.strip().removeprefix("W/").strip('"').partition(".")[0]
    return int(head) if head.isascii() and head.isdigit() and len(head) < 9 else None

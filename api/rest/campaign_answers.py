"""What became of a request about a campaign, in one true sentence each."""

from typing import assert_never
from uuid import UUID

from api.auth import Caller
from api.errors import ApiProblem, conflict, not_found
from api.rest.schemas.campaigns import CampaignResponse
from api.services import Services
from api.standing import display_of
from db.models.campaign import CampaignRow
from db.queries.campaigns import get_campaign
from db.queries.display import Standing, standings
from domain.campaigns import ENDED, CampaignState
from domain.messages.campaign import CampaignAnswer
from domain.messages.campaign import CampaignAnswerCode as Code


async def shown(
    services: Services, user: Caller, campaign_id: UUID
) -> tuple[CampaignRow, CampaignResponse]:
    """Return a campaign of this person as it stands; 404 for anybody else's."""
    row, standing = await load(services, user, campaign_id)
    return row, CampaignResponse.of(row, display_of(row, standing, services.clock()))


async def load(services: Services, user: Caller, campaign_id: UUID) -> tuple[CampaignRow, Standing]:
    async with services.database.transaction(user.user_id) as session:
        row = await get_campaign(session, campaign_id)
        if row is None or row.user_id != user.user_id:
            raise not_found("campaign")
        found = await standings(session, [row])
    return row, found[row.id]


async def answered(  # noqa: C901  # one case a code
    services: Services,
    user: Caller,
    campaign_id: UUID,
    answer: CampaignAnswer | None,
    request: str,
) -> tuple[CampaignRow, CampaignResponse]:
    """Return the campaign after a request that was granted, or say why it was not.

    `answer` None: the process has ended, so the row alone answers.
    """
    row, standing = await load(services, user, campaign_id)
    code = answer.code if answer else _from_row(row, request)
    match code:
        case Code.DONE | Code.ALREADY:
            return row, CampaignResponse.of(row, display_of(row, standing, services.clock()))
        case Code.BEING_BOOKED:
            raise conflict(
                "being_booked",
                "We are placing the order now; cancelling is possible once it is booked.",
            )
        case Code.BOOKED:
            raise _booked(standing, answer)
        case Code.ENDED:
            word = "cancelled" if row.status is CampaignState.CANCELLED else "over"
            raise conflict("ended", f"This campaign is {word}; nothing can be changed any more.")
        case Code.STALE:
            raise ApiProblem(
                412,
                "changed_meanwhile",
                f"The wish was changed meanwhile and is at version {row.criteria_version}. Read it"
                " again and repeat the change.",
                extra={"criteria_version": row.criteria_version},
            )
        case Code.NO_SUCH_PROPOSAL:
            raise conflict(
                "no_such_proposal",
                "This proposal is not open any more. If fares fit again, you are asked again.",
            )
        case Code.OFFER_GONE:
            raise conflict(
                "offer_gone",
                "These flights are not on offer any more, or fit the wish by now. Nothing was"
                " booked or charged.",
            )
        case Code.CONSENT_NEEDED:
            raise conflict(
                "consent_needed",
                "Nothing may be charged until you consent again: what you agreed to does not cover"
                " this wish as it is now. Nothing was charged.",
            )
        case Code.NOT_NOW:
            raise conflict(
                "not_now", f"That is not possible while the campaign is {_words(row.status)}."
            )
        case Code.KEY_CLASH:
            raise ApiProblem(
                422, "key_reused", "This Idempotency-Key was used before with another body."
            )
    assert_never(code)


def _from_row(row: CampaignRow, request: str) -> Code:
    """Answer for a process that has ended."""
    if row.status is CampaignState.CANCELLED and request in {"cancel", "cancel_with_undo"}:
        return Code.ALREADY
    if row.status is CampaignState.BOOKED:
        return Code.BOOKED
    # A row that has not ended without a process is about to get its answer: ask again.
    return Code.ENDED if row.status in ENDED else Code.NOT_NOW


def _booked(standing: Standing, answer: CampaignAnswer | None) -> ApiProblem:
    booking = standing.booking
    reference = (answer and answer.booking_reference) or (booking and booking.booking_reference)
    href = f"/api/bookings/{booking.id}" if booking else None
    return conflict(
        "booked",
        f"It is booked already{f' under {reference}' if reference else ''}. To give the booking"
        " back, ask for a cancellation quote at the booking.",
        booking_reference=reference,
        booking=href,
    )


def _words(state: CampaignState) -> str:
    return state.value.replace("_", " ")

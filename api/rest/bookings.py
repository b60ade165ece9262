"""Bookings: what the traveller has, and giving it back."""

from typing import assert_never
from uuid import UUID

from fastapi import APIRouter

from api.auth import Caller, CurrentUser
from api.booking_reading import read_booking
from api.cancelling import ask_quote, give_word
from api.dependencies import ServicesDep
from api.errors import ApiProblem, conflict, not_found
from api.rest.schemas.bookings import (
    BookingDetailResponse,
    BookingResponse,
    CancellationQuoteResponse,
    CancellationResponse,
    ConfirmCancellationRequest,
)
from api.rest.schemas.common import (
    Cursor,
    Limit,
    MoneyBody,
    OptionalKey,
    Page,
    body_problems,
    problems,
)
from api.services import Services
from api.web.views.booking_detail import booking_view
from db.models.booking import BookingRow
from db.queries.bookings import get_booking
from db.queries.display import list_bookings
from domain.messages.order import (
    CancellationOffer,
    ConfirmAnswer,
    ConfirmCode,
    QuoteCode,
)

router = APIRouter(prefix="/api/bookings", tags=["bookings"])


@router.get("", operation_id="list_bookings", responses=problems())
async def list_all(
    user: CurrentUser,
    services: ServicesDep,
    campaign_id: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = 20,
) -> Page[BookingResponse]:
    """List your bookings, newest first."""
    async with services.database.transaction(user.user_id) as session:
        page = await list_bookings(
            session, user.user_id, campaign_id=campaign_id, cursor=cursor, limit=limit
        )
    return Page(items=[BookingResponse.of(row) for row in page.rows], next_cursor=page.next_cursor)


@router.get("/{booking_id}", operation_id="get_booking", responses=problems(404))
async def get(booking_id: UUID, user: CurrentUser, services: ServicesDep) -> BookingDetailResponse:
    """Read one booking with all that its page shows: tickets, flights, conditions and money."""
    async with services.database.transaction(user.user_id) as session:
        read = await read_booking(session, services.vault, user.user_id, booking_id)
    if read is None:
        raise not_found("booking")
    view = booking_view(read, services.settings.money, services.clock())
    return BookingDetailResponse.detailed(read, view)


@router.post(
    "/{booking_id}/cancellation",
    operation_id="quote_booking_cancellation",
    responses=problems(404, 409, 503),
)
async def quote(
    booking_id: UUID, user: CurrentUser, services: ServicesDep, key: OptionalKey = None
) -> CancellationQuoteResponse:
    """Ask what cancelling would give back. Nothing is cancelled yet."""
    row = await _load(services, user, booking_id)
    offer = await ask_quote(services, row, key)
    if offer.code is not QuoteCode.QUOTED:
        raise conflict(offer.code.value, quote_sentence(offer))
    return CancellationQuoteResponse(
        booking_id=booking_id,
        code=offer.code,
        sentence=quote_sentence(offer),
        quote_id=offer.quote_id,
        refund=MoneyBody.maybe(offer.refund),
        penalty=MoneyBody.maybe(offer.penalty),
        refund_to=offer.refund_to,
        expires_at=offer.expires_at,
    )


@router.post(
    "/{booking_id}/cancellation/confirm",
    operation_id="confirm_booking_cancellation",
    responses=body_problems(404, 409, 412, 503),
)
async def confirm(
    booking_id: UUID,
    body: ConfirmCancellationRequest,
    user: CurrentUser,
    services: ServicesDep,
    key: OptionalKey = None,
) -> CancellationResponse:
    """Cancel as quoted. It cannot be taken back."""
    row = await _load(services, user, booking_id)
    return _confirmed(await give_word(services, row, body.quote_id, key))


def _confirmed(answer: ConfirmAnswer) -> CancellationResponse:
    match answer.code:
        case ConfirmCode.ACCEPTED:
            sentence = (
                "We are telling the airline. What the quote promised follows once it has confirmed."
            )
        case ConfirmCode.ALREADY:
            sentence = "This booking is cancelled, or being cancelled, already."
        case ConfirmCode.STALE_QUOTE:
            raise ApiProblem(
                412,
                "stale_quote",
                "This quote does not hold any more. Nothing was cancelled; ask for a new one.",
            )
        case ConfirmCode.NOT_NOW:
            raise conflict(
                "not_now", f"A booking that is {answer.state.value} cannot be cancelled now."
            )
        case _:
            assert_never(answer.code)
    return CancellationResponse(
        booking_id=answer.booking_id, code=answer.code, sentence=sentence, state=answer.state
    )


def quote_sentence(offer: CancellationOffer) -> str:
    match offer.code:
        case QuoteCode.QUOTED if offer.refund is None:
            return (
                "The airline does not say what it would give back in money. If you cancel, a"
                " person of ours looks after the refund."
            )
        case QuoteCode.QUOTED:
            keeps = offer.penalty is not None and offer.penalty.minor > 0
            kept = f" The airline keeps {offer.penalty}." if keeps else ""
            return f"If you cancel, you get {offer.refund} back.{kept}"
        case QuoteCode.NOT_CANCELLABLE:
            return "The airline does not allow this booking to be cancelled."
        case QuoteCode.ALREADY_CANCELLED:
            return "This booking is cancelled already."
        case QuoteCode.CANCELLING:
            return "This booking is being cancelled already."
        case QuoteCode.FLOWN:
            return "This trip has been flown."
    assert_never(offer.code)


async def _load(services: Services, user: Caller, booking_id: UUID) -> BookingRow:
    async with services.database.transaction(user.user_id) as session:
        row = await get_booking(session, booking_id)
    if row is None or row.user_id != user.user_id:
        raise not_found("booking")
    return row

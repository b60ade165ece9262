"""Cancelling a booking: the quote first, then, typed where money is lost, the word."""

from typing import assert_never
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from api.cancelling import KeptQuote, ask_quote, give_word
from api.errors import ApiProblem
from api.rest.bookings import quote_sentence
from api.web.bookings import read_own
from api.web.forms import FormDep, Problems
from api.web.pages import redirect, render
from api.web.views.booking_cancel import CancelView, cancel_view
from api.web.visits import Elsewhere, SignedInDep, Visit, back_to
from domain.messages.order import ConfirmCode, QuoteCode

router = APIRouter(prefix="/bookings/{booking_id}/cancel", tags=["pages"], include_in_schema=False)
_TRY_AGAIN = (
    "We could not find out in time whether this was taken in. Nothing is done twice: press the"
    " button again in a moment."
)


@router.get("")
async def show_cancel(visit: SignedInDep, booking_id: UUID) -> Response:
    """Show what cancelling would give back, as far as it was asked. Looking cancels nothing."""
    return _show(visit, await _view(visit, booking_id))


@router.post("/quote")
async def submit_quote(visit: SignedInDep, booking_id: UUID, form: FormDep) -> Response:
    """Ask the airline what it would give back."""
    del form
    read = await read_own(visit, booking_id)
    try:
        offer = await ask_quote(visit.services, read.row, None)
    except ApiProblem as problem:
        if problem.status != 503:
            raise
        later = "The airline did not answer in time. Nothing was cancelled; ask again in a moment."
        return _show(visit, await _view(visit, booking_id), later, status=503)
    if offer.code is QuoteCode.QUOTED:
        return redirect(_path(booking_id))
    return _show(visit, await _view(visit, booking_id), quote_sentence(offer), status=409)


@router.post("")
async def submit_cancel(visit: SignedInDep, booking_id: UUID, form: FormDep) -> Response:
    """Cancel exactly as the quote that was shown says."""
    read = await read_own(visit, booking_id)
    view = await _view(visit, booking_id)
    quote = view.quote
    shown = form.text("quote_id")
    if view.possible and (quote is None or quote.quote_id != shown):
        return _show(visit, view, _stale(quote), status=412)
    if quote is not None and quote.loses:
        if not _proved(visit):
            raise Elsewhere(back_to("/step-up", _path(booking_id)))
        if form.text("typed").upper() != view.reference.upper():
            problems = Problems()
            problems.add("typed", f"Type {view.reference} to say that you mean this booking.")
            return _show(visit, view, problems=problems, status=422)
    try:
        answer = await give_word(visit.services, read.row, shown, shown)
    except ApiProblem as problem:
        if problem.status != 503:
            raise
        return _show(visit, await _view(visit, booking_id), _TRY_AGAIN, status=503)
    match answer.code:
        case ConfirmCode.ACCEPTED | ConfirmCode.ALREADY:
            return redirect(
                f"/bookings/{booking_id}",
                say="We are telling the airline. What the quote promised follows once it has"
                " confirmed.",
            )
        case ConfirmCode.STALE_QUOTE:
            view = await _view(visit, booking_id)
            return _show(visit, view, _stale(view.quote), status=412)
        case ConfirmCode.NOT_NOW:
            return _show(visit, await _view(visit, booking_id), status=409)
    assert_never(answer.code)


def _stale(quote: KeptQuote | None) -> str:
    if quote is None:
        return "The quote that you saw has run out. Nothing was cancelled; ask for a new one."
    return "The quote has changed since you saw it. Nothing was cancelled; this is the new one."


async def _view(visit: Visit, booking_id: UUID) -> CancelView:
    read = await read_own(visit, booking_id)
    return cancel_view(read, visit.services.settings.money, visit.now)


def _proved(visit: Visit) -> bool:
    return visit.me.stepped_up(visit.services.settings.accounts, visit.now)


def _show(
    visit: Visit,
    view: CancelView,
    note: str | None = None,
    *,
    problems: Problems | None = None,
    status: int = 200,
) -> Response:
    found = problems or Problems()
    if note is not None:
        found.general.append(note)
    needs_proof = view.quote is not None and view.quote.loses and not _proved(visit)
    return render(
        visit,
        "bookings/cancel.html",
        status=status,
        cancel=view,
        problems=found,
        needs_proof=needs_proof,
        prove_path=back_to("/step-up", _path(view.booking_id)),
    )


def _path(booking_id: UUID) -> str:
    return f"/bookings/{booking_id}/cancel"

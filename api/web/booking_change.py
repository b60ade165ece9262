"""Answering flights that the airline has moved: take the new ones, or have others looked for."""

from typing import assert_never
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from api.errors import ApiProblem
from api.processes import ProcessEnded, answer_change
from api.web.bookings import read_own
from api.web.forms import FormDep
from api.web.pages import redirect
from api.web.visits import SignedInDep
from domain.ids import BookingId
from domain.messages.order import AnswerChange, ChangeCode

router = APIRouter(tags=["pages"], include_in_schema=False)
_UPDATES = {"accept": "accept_change", "others": "ask_for_other_flights"}
_LATER = (
    "We could not find out in time whether this was taken in. Nothing is done twice: press the"
    " button again in a moment."
)


@router.post("/bookings/{booking_id}/change")
async def submit_change(visit: SignedInDep, booking_id: UUID, form: FormDep) -> Response:
    """Answer the change that the page showed, and no other."""
    own = await read_own(visit, booking_id)
    update = _UPDATES.get(form.text("answer"))
    if update is None or own.details.open_change is None:
        return redirect(f"/bookings/{booking_id}", say=_sentence(ChangeCode.STALE))
    request = AnswerChange(booking_id=BookingId(booking_id), change_id=form.text("change_id"))
    try:
        code = (await answer_change(visit.services.temporal, update, request)).code
    except ProcessEnded:
        code = ChangeCode.NOT_NOW
    except ApiProblem as problem:
        if problem.status != 503:
            raise
        return redirect(f"/bookings/{booking_id}", say=_LATER)
    return redirect(f"/bookings/{booking_id}", say=_sentence(code))


def _sentence(code: ChangeCode) -> str:
    match code:
        case ChangeCode.ACCEPTED:
            return "The new flights are yours. They cost nothing more."
        case ChangeCode.ASKED:
            return "A person of ours looks for other flights and writes to you."
        case ChangeCode.STALE:
            return (
                "The airline has changed something since, or this was answered before. Nothing was"
                " accepted now; what is so is below."
            )
        case ChangeCode.NOT_NOW:
            return "This booking is over or being cancelled. Nothing was accepted."
    assert_never(code)

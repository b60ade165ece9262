"""Sending something once more: a person's letter, or a call to their server.

Both change what is the person's own, so both are done under a reason that they are shown.
"""

from collections.abc import Mapping
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.errors import not_found
from api.telling import tell
from api.web.admin.doing import actor_of, reason_in, seen, turned_away
from api.web.admin.entry import OperatorDep, console, operating
from api.web.admin.looks import look
from api.web.forms import Form, FormDep
from api.web.pages import redirect
from api.web.visits import Visit
from db.glances import DELIVERIES, NOTICES
from db.models.notice import NoticeRow
from db.models.webhook import DeliveryState, WebhookDeliveryRow
from db.queries.audit import write_down
from db.queries.console.lists import Line, one
from db.queries.notices import send_letter_again
from db.queries.webhooks import send_again
from domain.audit import Action, Entry
from domain.ids import UserId
from domain.telling import Channel

router = APIRouter(tags=["console"], include_in_schema=False)
NOTICE, DELIVERY = "/admin/notices/{notice_id}", "/admin/deliveries/{delivery_id}"
_NO_REASON = "Say why, in a few words: it is shown to the person. Nothing was sent."


@router.get(NOTICE)
async def show_notice(visit: OperatorDep, notice_id: UUID) -> HTMLResponse:
    """Show how a notice fared, and offer to send a letter once more."""
    row = await _line(visit, NOTICES, notice_id, "notice")
    expected = seen(row.state, row.tries)
    return console(visit, "admin/notice.html", room="/admin/notices", row=row, expected=expected)


@router.post(f"{NOTICE}/resend")
async def resend_notice(visit: OperatorDep, notice_id: UUID, form: FormDep) -> Response:
    """Have a letter sent again, under the same Message-ID: where it arrived, it is one letter."""
    row, page = await _line(visit, NOTICES, notice_id, "notice"), f"/admin/notices/{notice_id}"
    why = reason_in(form)
    if why is None or row.channel != Channel.EMAIL:
        return turned_away(visit, page, _NO_REASON if why is None else "Only letters are resent.")
    async with look(visit, UserId(row.user_id), "A letter to you: sent again", why) as session:
        letter = await session.get(NoticeRow, notice_id, with_for_update=True)
        if letter is None or not _as_seen(form, letter.state, letter.tries):
            return turned_away(visit, page, _moved(letter and letter.state), status=409)
        before = {"state": letter.state.value, "tries": letter.tries}
        send_letter_again(letter, visit.now)
        await _note(session, visit, "notice", row, before, {"state": letter.state.value}, why)
    await tell(visit.services, row.user_id)
    return redirect(page, say="The letter is sent again. It is the same letter, with the same id.")


@router.get(DELIVERY)
async def show_delivery(visit: OperatorDep, delivery_id: UUID) -> HTMLResponse:
    """Show how a call to a traveller's server fared, and offer to make it once more."""
    row = await _line(visit, DELIVERIES, delivery_id, "delivery")
    expected = seen(row.state, row.tries)
    room = "/admin/deliveries"
    return console(visit, "admin/delivery.html", room=room, row=row, expected=expected)


@router.post(f"{DELIVERY}/replay")
async def replay_delivery(visit: OperatorDep, delivery_id: UUID, form: FormDep) -> Response:
    """Have a call made again, under the same id: a receiver that had it knows it again."""
    row = await _line(visit, DELIVERIES, delivery_id, "delivery")
    page, why = f"/admin/deliveries/{delivery_id}", reason_in(form)
    if why is None:
        return turned_away(visit, page, _NO_REASON)
    async with look(
        visit, UserId(row.user_id), "A call to your server: made again", why
    ) as session:
        call = await session.get(WebhookDeliveryRow, delivery_id, with_for_update=True)
        if call is None or not _as_seen(form, call.state, call.tries):
            return turned_away(visit, page, _moved(call and call.state), status=409)
        if call.state is DeliveryState.PENDING:
            return turned_away(visit, page, "It waits to be made already.", status=409)
        before = {"state": call.state.value, "tries": call.tries}
        await send_again(session, call, visit.now)
        await _note(session, visit, "delivery", row, before, {"state": call.state.value}, why)
    await tell(visit.services, row.user_id)
    return redirect(page, say="The call is made again, under the same id.")


async def _line(visit: Visit, table: Table, row_id: UUID, what: str) -> Line:
    async with operating(visit) as session:
        found = await one(session, table, row_id)
    if found is None:
        raise not_found(what)
    return found


def _as_seen(form: Form, state: str, tries: int) -> bool:
    return form.text("expected") == seen(state, tries)


def _moved(state: object) -> str:
    stands = f"It is {state} by now" if state else "It is gone by now"
    return f"{stands}: somebody or the product itself was quicker. Nothing was sent."


async def _note(  # noqa: PLR0917
    session: AsyncSession,
    visit: Visit,
    kind: str,
    row: Line,
    before: Mapping[str, object],
    after: Mapping[str, object],
    why: str,
) -> None:
    entry = Entry(Action.OPERATOR_ACTED, kind, str(row.id), row.user_id, before, after, why)
    await write_down(session, entry, visit.now, by=actor_of(visit))

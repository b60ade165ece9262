"""The pages of what a person was told, and of what they want to be told."""

from datetime import datetime, time
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.errors import not_found
from api.inbox import read_inbox
from api.web.forms import Form, FormDep, Problems
from api.web.pages import redirect, render, say_for
from api.web.views.notices import (
    QuietView,
    cell_name,
    inbox_sentence,
    matrix,
    notice_view,
    quiet_sentence,
)
from api.web.visits import SignedInDep, Visit, safe_next
from db.queries.inbox import get_inbox_notice, mark_read, mark_unread
from db.queries.notice_choices import choose, preferences_of, set_hours
from db.queries.notices import address_refused
from domain.telling import CHOSEN, Channel, Choice, Kind, Preferences, QuietHours
from domain.words import Words

router = APIRouter(tags=["pages"], include_in_schema=False)
INBOX, CHOICES = "/notices", "/account/notices"
_LIST, _FORM = "notices/list.html", "notices/choices.html"
Cursor = Annotated[str | None, Query(max_length=400)]


@router.get(INBOX)
async def show_notices(
    visit: SignedInDep, unread: str | None = None, after: Cursor = None
) -> Response:
    """Show what a person was told, newest first."""
    say, only = say_for(visit, _LIST), unread is not None
    async with visit.transaction() as session:
        page = await read_inbox(
            session, visit.services, visit.user_id, only_unread=only, cursor=after
        )
        refused = await address_refused(session, visit.user_id)
    asked = {"unread": "yes"} if only else {}
    here = INBOX + (f"?{urlencode(asked)}" if asked else "")
    further = {**asked, "after": page.next_cursor} if page.next_cursor else None
    return render(
        visit,
        _LIST,
        items=[notice_view(item, say) for item in page.rows],
        sentence=inbox_sentence(visit.me.unread, say, anything=bool(page.rows) or only),
        refused=refused is not None,
        only_unread=only,
        until=visit.now.isoformat(),
        here=here,
        next_path=f"{INBOX}?{urlencode(further)}" if further else None,
        first_path=here if after else None,
    )


@router.post(f"{INBOX}/read")
async def submit_all_read(visit: SignedInDep, form: FormDep) -> Response:
    """Note that everything was seen that the page showed or could have shown."""
    try:
        until = datetime.fromisoformat(form.text("until"))
    except ValueError:
        until = visit.now
    until = min(until, visit.now) if until.tzinfo else visit.now
    async with visit.transaction() as session:
        await mark_read(session, visit.user_id, visit.now, until=until)
    say = say_for(visit, _LIST)
    return redirect(INBOX, say=say("Everything is marked as read."))


@router.post(f"{INBOX}/{{notice_id}}/read")
async def submit_read(visit: SignedInDep, notice_id: UUID, form: FormDep) -> Response:
    async with visit.transaction() as session:
        if await get_inbox_notice(session, visit.user_id, notice_id) is None:
            raise not_found("notice")
        await mark_read(session, visit.user_id, visit.now, notice_ids=[notice_id])
    return redirect(_back(form, notice_id))


@router.post(f"{INBOX}/{{notice_id}}/unread")
async def submit_unread(visit: SignedInDep, notice_id: UUID, form: FormDep) -> Response:
    async with visit.transaction() as session:
        if not await mark_unread(session, visit.user_id, notice_id):
            raise not_found("notice")
    return redirect(_back(form, notice_id))


@router.get(CHOICES)
async def show_choices(visit: SignedInDep) -> Response:
    """Show the matrix and the quiet hours."""
    async with visit.transaction() as session:
        chosen = await preferences_of(session, visit.user_id)
    return _choices_page(visit, chosen)


@router.post(CHOICES)
async def submit_choices(visit: SignedInDep, form: FormDep) -> Response:
    """Keep what was chosen, all of it at once."""
    say, problems = say_for(visit, _FORM), Problems()
    quiet = _quiet(form, problems, say)
    percent = _percent(form, problems, say)
    choices = _cells(form)
    if problems:
        chosen = Preferences(choices=choices, quiet=quiet, time_zone=visit.me.time_zone)
        return _choices_page(visit, chosen, form, problems)
    async with visit.transaction() as session:
        await choose(session, visit.user_id, choices, visit.now)
        await set_hours(session, visit.user_id, quiet, percent, visit.now)
    return redirect(CHOICES, say=say("What you are told is saved."))


def _choices_page(
    visit: Visit, chosen: Preferences, form: Form | None = None, problems: Problems | None = None
) -> Response:
    say = say_for(visit, _FORM)
    quiet = QuietView(
        on=chosen.quiet is not None,
        begins=f"{chosen.quiet.begins:%H:%M}" if chosen.quiet else "22:00",
        ends=f"{chosen.quiet.ends:%H:%M}" if chosen.quiet else "07:00",
    )
    percent = str(chosen.least_change_percent)
    if form is not None:
        quiet = QuietView(form.flag("quiet"), form.text("quiet_begins"), form.text("quiet_ends"))
        percent = form.text("least_change_percent")
    return render(
        visit,
        _FORM,
        status=422 if problems else 200,
        rows=matrix(chosen, say),
        quiet=quiet,
        quiet_sentence=quiet_sentence(visit.me.time_zone, say),
        percent=percent,
        problems=problems,
    )


def _cells(form: Form) -> dict[tuple[Kind, Channel], Choice]:
    """Read the matrix; what is not there, or means nothing, is told at once."""
    found = {}
    for kind in CHOSEN:
        for channel in (Channel.EMAIL, Channel.WEBHOOK):
            chosen = form.text(cell_name(kind, channel))
            allowed = {Choice.OFF, Choice.DAILY} if channel is Channel.EMAIL else {Choice.OFF}
            if chosen in allowed:
                found[kind, channel] = Choice(chosen)
    return found


def _quiet(form: Form, problems: Problems, say: Words) -> QuietHours | None:
    if not form.flag("quiet"):
        return None
    ends = []
    for name in ("quiet_begins", "quiet_ends"):
        try:
            ends.append(time.fromisoformat(form.text(name)).replace(tzinfo=None))
        except ValueError:
            problems.add(name, say("Write the time as hours and minutes, for example 22:00."))
    if len(ends) < 2:
        return None
    if ends[0] == ends[1]:
        problems.add(
            "quiet_ends", say("Quiet hours that begin when they end would be none. Change one.")
        )
        return None
    return QuietHours(begins=ends[0], ends=ends[1])


def _percent(form: Form, problems: Problems, say: Words) -> int:
    text = form.text("least_change_percent")
    if text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= 50:
        return int(text)
    problems.add("least_change_percent", say("Write a whole number from 1 to 50."))
    return 1


def _back(form: Form, notice_id: UUID) -> str:
    return f"{safe_next(form.text('back'), default=INBOX)}#{notice_id}"

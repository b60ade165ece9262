"""One person: what is known without a reason, their data under one, and what they see."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.errors import not_found
from api.inbox import read_inbox
from api.web.admin.doing import new_key, reason_in, seen
from api.web.admin.entry import OperatorDep, console, operating
from api.web.admin.lists import PEOPLE, PeopleAsked
from api.web.admin.looks import look
from api.web.forms import FormDep, Problems
from api.web.pages import redirect
from api.web.views.booking_history import line_view
from api.web.views.dashboard import dashboard_view
from api.web.views.notices import notice_view
from api.web.visits import Visit
from api.wish_reading import read_list_in
from db.queries.booking_history import HistoryFilter, find_bookings, traveler_labels
from db.queries.console.lists import ALL
from db.queries.console.people import person_facts
from db.queries.travelers import list_travelers
from db.queries.users import find_user_id_by_email_hmac, get_user
from domain.ids import TravelerId, UserId
from domain.travelers import TravelerDetails
from domain.words import Words
from runtime.crypto import DecryptionFailed
from runtime.key_store import KeyDestroyed
from runtime.tokens import email_hash

router = APIRouter(tags=["console"], include_in_schema=False)
PATH = PEOPLE.path
ONE = f"{PATH}/{{user_id}}"
_DATA, _PAGES = "Account and travellers", "What you see on your pages"
_WHY = "Say why, in a few words: it is shown to the person whose data it is."


@dataclass(frozen=True)
class Clear:
    """Who somebody is, as far as care for their bookings needs it."""

    address: str
    language: str
    time_zone: str
    travelers: tuple[TravelerDetails, ...]


@router.post(f"{PATH}/find")
async def find_person(visit: OperatorDep, form: FormDep) -> Response:
    """Lead to the page of whoever has confirmed this address."""
    digest = email_hash(visit.services.settings.api_key_pepper, form.text("email"))
    async with operating(visit) as session:
        found = await find_user_id_by_email_hmac(session, digest)
    if found is not None:
        return redirect(f"{PATH}/{found}")
    problems = Problems()
    problems.add("email", "Nobody has confirmed this address.")
    page = await PEOPLE.show(
        visit, PeopleAsked(), ALL, None, roles=[("", "All")], problems=problems
    )
    page.status_code = 422
    return page


@router.get(ONE)
async def show_person(visit: OperatorDep, user_id: UUID) -> HTMLResponse:
    """Show what operators know of anybody, and what they may do."""
    return await _page(visit, user_id)


@router.post(f"{ONE}/look")
async def look_at_person(visit: OperatorDep, user_id: UUID, form: FormDep) -> HTMLResponse:
    """Show who somebody is. It is the answer itself: to see it again is to look again."""
    why = reason_in(form)
    if why is None:
        return await _page(visit, user_id, _without_reason())
    async with look(visit, UserId(user_id), _DATA, why) as session:
        clear = await _clear(session, visit, UserId(user_id))
    return await _page(visit, user_id, clear=clear)


@router.post(f"{ONE}/sees")
async def see_as_person(visit: OperatorDep, user_id: UUID, form: FormDep) -> HTMLResponse:
    """Show what somebody's own pages show them. Nothing can be done from it."""
    why, person = reason_in(form), UserId(user_id)
    if why is None:
        return await _page(visit, user_id, _without_reason())
    services = visit.services
    async with look(visit, person, _PAGES, why) as session:
        wishes = await read_list_in(session, services, person)
        bookings = await find_bookings(session, person, HistoryFilter())
        labels = await traveler_labels(session, person)
        inbox = await read_inbox(session, services, person)
    return console(
        visit,
        "admin/person_sees.html",
        room=PATH,
        person=person,
        view=dashboard_view(wishes, visit.now),
        lines=[line_view(line, labels) for line in bookings.rows],
        notices=[notice_view(item, Words()) for item in inbox.rows],
    )


async def _page(
    visit: Visit, user_id: UUID, problems: Problems | None = None, *, clear: Clear | None = None
) -> HTMLResponse:
    async with operating(visit) as session:
        facts = await person_facts(session, user_id)
    if facts is None:
        raise not_found("person")
    return console(
        visit,
        "admin/person.html",
        status=422 if problems else 200,
        room=PATH,
        facts=facts,
        account=facts.account,
        clear=clear,
        problems=problems,
        expected=seen(str(facts.account.role)),
        key=new_key(),
    )


def _without_reason() -> Problems:
    problems = Problems()
    problems.general.append(_WHY)
    return problems


async def _clear(session: AsyncSession, visit: Visit, person: UserId) -> Clear | None:
    """Open what is sealed; None of somebody who was erased."""
    vault, user = visit.services.vault, await get_user(session, person)
    if user is None or user.erased_at is not None:
        return None
    address = await vault.open(
        session, person, user.email_encrypted, table="users", column="email", row_id=user.id
    )
    opened = []
    for row in await list_travelers(session, person):
        try:
            opened.append(await vault.open_traveler(session, TravelerId(row.id)))
        except (DecryptionFailed, KeyDestroyed):
            continue
    return Clear(address, user.locale, user.time_zone, tuple(opened))

"""The pages of travellers: who there is, how complete, and each part of a profile by itself."""

from typing import Annotated
from urllib.parse import quote
from uuid import UUID, uuid4

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from api.errors import not_found
from api.traveler_desk import (
    MOST_TRAVELERS,
    TravelerRead,
    keep_traveler,
    read_traveler,
    read_travelers,
)
from api.web.forms import Form, FormDep, Problems
from api.web.pages import redirect, render
from api.web.traveler_forms import (
    LABEL_LENGTH,
    LOYALTY_ROWS,
    loyalty_values,
    name_values,
    read_contact,
    read_loyalty,
    read_name,
)
from api.web.views.travelers import GENDERS, TITLES, TravelerView, traveler_view
from api.web.visits import SignedInDep, Visit, safe_next
from db.errors import InUse
from db.queries.booking_history import traveler_labels
from db.queries.traveler_files import list_files
from db.queries.traveler_trips import trips_with
from db.queries.travelers import delete_traveler
from db.queries.users import get_user
from domain.ids import derive
from domain.travelers import TravelerDetails

router = APIRouter(prefix="/travelers", tags=["pages"], include_in_schema=False)
PATH = "/travelers"
NextQuery = Annotated[str | None, Query(alias="next", max_length=500)]


@router.get("")
async def show_travelers(visit: SignedInDep) -> HTMLResponse:
    """List the people of this account, with what each still needs."""
    async with visit.transaction() as session:
        found = await read_travelers(session, visit.services, visit.user_id)
        ids = [one.row.id for one in found]
        today = visit.now.date()
        trips = await trips_with(session, visit.user_id, ids, today=today) if ids else []
    shown = [
        traveler_view(one.row, one.details, one.documents, trips, visit.now.date()) for one in found
    ]
    return render(
        visit,
        "travelers/list.html",
        travelers=shown,
        sentence=_sentence(shown),
        room=len(shown) < MOST_TRAVELERS,
    )


@router.get("/new")
async def show_new(visit: SignedInDep, onward: NextQuery = None) -> HTMLResponse:
    """Begin a profile with the name, as in the passport."""
    return _name_page(visit, None, name_values(None, ""), onward=onward)


@router.post("/new")
async def submit_new(visit: SignedInDep, form: FormDep) -> Response:
    """Keep the name; the contact is asked next."""
    problems, onward = Problems(), form.text("next")
    details = read_name(form, None, visit.now.date(), problems)
    if details is None:
        values = name_values(None, "") | form.values()
        return _name_page(visit, None, values, problems=problems, onward=onward)
    traveler_id = derive("traveler", visit.user_id, form.text("key") or str(uuid4()))
    async with visit.transaction() as session:
        if len(await traveler_labels(session, visit.user_id)) >= MOST_TRAVELERS:
            problems.general.append(f"You have {MOST_TRAVELERS} travellers already; remove one.")
            values = name_values(details, _label(form, details))
            return _name_page(visit, None, values, problems=problems, onward=onward)
        await keep_traveler(
            session, visit.services, visit.user_id, traveler_id, details,
            now=visit.now, label=_label(form, details),
        )  # fmt: skip
    return redirect(_with_next(f"{PATH}/{traveler_id}/contact", onward))


@router.get("/{traveler_id}")
async def show_traveler(visit: SignedInDep, traveler_id: UUID) -> HTMLResponse:
    """Show one traveller: how complete, documents, trips, age on them."""
    return await traveler_page(visit, traveler_id)


@router.get("/{traveler_id}/name")
async def show_name(visit: SignedInDep, traveler_id: UUID) -> HTMLResponse:
    found = await own_traveler(visit, traveler_id)
    return _name_page(visit, found, name_values(found.details, found.row.label))


@router.post("/{traveler_id}/name")
async def submit_name(visit: SignedInDep, traveler_id: UUID, form: FormDep) -> Response:
    """Keep the name. Bookings already made keep the names they were made with."""
    found, problems = await own_traveler(visit, traveler_id), Problems()
    details = read_name(form, found.details, visit.now.date(), problems)
    if details is None:
        values = name_values(found.details, found.row.label) | form.values()
        return _name_page(visit, found, values, problems=problems)
    return await _keep(visit, found, details, label=_label(form, details))


@router.get("/{traveler_id}/contact")
async def show_contact(
    visit: SignedInDep, traveler_id: UUID, onward: NextQuery = None
) -> HTMLResponse:
    found = await own_traveler(visit, traveler_id)
    values = {"email": found.details.email, "phone": found.details.phone}
    if not values["email"]:
        values["email"] = await _own_address(visit)
    return _contact_page(visit, found, values, onward=onward)


@router.post("/{traveler_id}/contact")
async def submit_contact(visit: SignedInDep, traveler_id: UUID, form: FormDep) -> Response:
    found, problems = await own_traveler(visit, traveler_id), Problems()
    details = read_contact(form, found.details, visit.now.date(), problems)
    onward = form.text("next")
    if details is None:
        values = {"email": form.text("email"), "phone": form.text("phone")}
        return _contact_page(visit, found, values, problems=problems, onward=onward)
    return await _keep(visit, found, details, onward=onward)


@router.get("/{traveler_id}/loyalty")
async def show_loyalty(visit: SignedInDep, traveler_id: UUID) -> HTMLResponse:
    found = await own_traveler(visit, traveler_id)
    return _loyalty_page(visit, found, loyalty_values(found.details))


@router.post("/{traveler_id}/loyalty")
async def submit_loyalty(visit: SignedInDep, traveler_id: UUID, form: FormDep) -> Response:
    found, problems = await own_traveler(visit, traveler_id), Problems()
    details = read_loyalty(form, found.details, visit.now.date(), problems)
    if details is None:
        values = loyalty_values(found.details) | form.values()
        return _loyalty_page(visit, found, values, problems=problems)
    return await _keep(visit, found, details)


@router.get("/{traveler_id}/remove")
async def show_remove(visit: SignedInDep, traveler_id: UUID) -> HTMLResponse:
    """Say what removing forgets, and what it cannot."""
    return await _remove_page(visit, traveler_id)


@router.post("/{traveler_id}/remove")
async def submit_remove(visit: SignedInDep, traveler_id: UUID, form: FormDep) -> Response:
    """Forget a traveller, unless a wish that still runs would book them."""
    del form
    await own_traveler(visit, traveler_id)
    try:
        async with visit.transaction() as session:
            await delete_traveler(session, traveler_id, visit.now)
    except InUse:
        return await _remove_page(visit, traveler_id, refused=True)
    return redirect(PATH, say="The traveller is removed, with documents and scans.")


async def own_traveler(visit: Visit, traveler_id: UUID) -> TravelerRead:
    """Return the visitor's traveller, or say that there is none."""
    async with visit.transaction() as session:
        found = await read_traveler(session, visit.services, visit.user_id, traveler_id)
    if found is None:
        raise not_found("traveller")
    return found


async def traveler_page(
    visit: Visit, traveler_id: UUID, *, problems: Problems | None = None, status: int = 200
) -> HTMLResponse:
    found = await own_traveler(visit, traveler_id)
    today = visit.now.date()
    async with visit.transaction() as session:
        trips = await trips_with(session, visit.user_id, [traveler_id], today=today)
        files = [
            (row, await visit.services.vault.open_file_name(session, row))
            for row in await list_files(session, traveler_id)
        ]
    limits = visit.services.settings.documents
    return render(
        visit,
        "travelers/show.html",
        status=status,
        traveler=traveler_view(found.row, found.details, found.documents, trips, today),
        files=files,
        problems=problems,
        scanned=visit.services.scanner is not None,
        largest=limits.largest_kib // 1024,
        most_files=limits.most_files,
    )


async def _keep(
    visit: Visit,
    found: TravelerRead,
    details: TravelerDetails,
    *,
    label: str | None = None,
    onward: str = "",
) -> Response:
    async with visit.transaction() as session:
        await keep_traveler(
            session, visit.services, visit.user_id, found.row.id, details,
            now=visit.now, label=label or found.row.label,
        )  # fmt: skip
    return redirect(safe_next(onward, default=f"{PATH}/{found.row.id}"), say="Saved.")


def _name_page(
    visit: Visit,
    found: TravelerRead | None,
    values: dict[str, str],
    *,
    problems: Problems | None = None,
    onward: str | None = None,
) -> HTMLResponse:
    return render(
        visit,
        "travelers/name.html",
        status=422 if problems else 200,
        traveler=found.row if found else None,
        values=values,
        problems=problems,
        titles=[("", "Choose a title"), *TITLES],
        genders=[(value, words, None) for value, words in GENDERS],
        label_length=LABEL_LENGTH,
        key=values.get("key") or str(uuid4()),
        next=onward or "",
    )


def _contact_page(
    visit: Visit,
    found: TravelerRead,
    values: dict[str, str],
    *,
    problems: Problems | None = None,
    onward: str | None = None,
) -> HTMLResponse:
    return render(
        visit,
        "travelers/contact.html",
        status=422 if problems else 200,
        traveler=found.row,
        values=values,
        problems=problems,
        next=onward or "",
    )


def _loyalty_page(
    visit: Visit, found: TravelerRead, values: dict[str, str], *, problems: Problems | None = None
) -> HTMLResponse:
    return render(
        visit,
        "travelers/loyalty.html",
        status=422 if problems else 200,
        traveler=found.row,
        values=values,
        rows=range(min(len(found.details.loyalty) + 2, LOYALTY_ROWS)),
        problems=problems,
    )


async def _remove_page(visit: Visit, traveler_id: UUID, *, refused: bool = False) -> HTMLResponse:
    found = await own_traveler(visit, traveler_id)
    today = visit.now.date()
    async with visit.transaction() as session:
        trips = await trips_with(session, visit.user_id, [traveler_id], today=today)
    problems = Problems()
    if refused:
        problems.general.append(
            "A wish that still runs would book this traveller. Nothing was removed: cancel or edit"
            " the wish first."
        )
    return render(
        visit,
        "travelers/remove.html",
        status=409 if refused else 200,
        traveler=traveler_view(found.row, found.details, found.documents, trips, today),
        problems=problems,
    )


async def _own_address(visit: Visit) -> str:
    """Return the account's address, offered where a traveller has none yet."""
    async with visit.transaction() as session:
        user = await get_user(session, visit.user_id)
        if user is None:
            return ""
        return await visit.services.vault.open(
            session,
            visit.user_id,
            user.email_encrypted,
            table="users",
            column="email",
            row_id=visit.user_id,
        )


def _label(form: Form, details: TravelerDetails) -> str:
    return (form.text("label") or details.given_name)[:LABEL_LENGTH]


def _with_next(path: str, onward: str) -> str:
    return f"{path}?next={quote(onward, safe='')}" if onward else path


def _sentence(shown: list[TravelerView]) -> str:
    unfinished = [one.label for one in shown if one.progress.percent < 100]
    if not unfinished:
        return "Everybody here can be booked. What is stored is encrypted, field by field."
    names = " and ".join(unfinished[:3]) + (" and others" if len(unfinished) > 3 else "")
    return f"{names} still need{'s' if len(unfinished) == 1 else ''} something before any flight."

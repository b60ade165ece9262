"""A person's own data: what we hold, who looked at it, taking it along, having it erased."""

from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.erasures import Hindered, ask_erasure, withdraw_erasure
from api.errors import not_found
from api.exporting import zip_export
from api.web.forms import FormDep, Problems
from api.web.pages import redirect, render
from api.web.step_up import SteppedUpDep, step_up_then
from api.web.views import privacy as views
from api.web.visits import SignedInDep, Visit
from db.models.traveler import TravelerRow
from db.queries.erasures import get_erasure, hindrances, list_erasures
from db.queries.exports import count_rows
from db.queries.personal_reads import list_personal_reads
from db.queries.travelers import get_traveler, list_travelers
from domain.erasures import OPEN_ERASURES, ErasureState, possible_from
from domain.ids import TravelerId
from domain.retention import PERIODS, kept_after_erasure
from runtime.crypto import DecryptionFailed

router = APIRouter(prefix="/account/privacy", tags=["pages"], include_in_schema=False)
HERE = "/account/privacy"
_TICK = "Tick the box: this cannot be undone once it has begun."


@router.get("")
async def show_privacy(visit: SignedInDep) -> Response:
    async with visit.transaction() as session:
        counts = await count_rows(session, visit.user_id, views.COUNTED)
        travelers = await list_travelers(session, visit.user_id)
        names = {row.id: await _name(session, visit, row) for row in travelers}
        asked = await list_erasures(session, visit.user_id)
        reads = [
            (
                row,
                await visit.services.vault.open(
                    session,
                    visit.user_id,
                    row.why_encrypted,
                    table="personal_reads",
                    column="why",
                    row_id=row.id,
                ),
            )
            for row in await list_personal_reads(session, visit.user_id)
        ]
    going = {row.traveler_id for row in asked if row.state in OPEN_ERASURES}
    return render(
        visit,
        "privacy/overview.html",
        nav="account",
        held=views.held(counts),
        looked=views.looked(reads),
        under_way=views.under_way(asked, names),
        account_asked=None in going,
        travelers=[views.Traveler(key, name, key in going) for key, name in names.items()],
        periods=PERIODS.values(),
        backup_days=visit.services.settings.privacy.backup_days,
    )


@router.get("/export")
async def download_export(visit: SteppedUpDep) -> Response:
    """Send everything as one file, written while it is sent."""
    name = f"parker-flight-{visit.now:%Y-%m-%d}.zip"
    return StreamingResponse(
        zip_export(visit.services, visit.user_id, visit.now),
        media_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get("/erase")
async def show_erase(visit: SignedInDep) -> Response:
    return await _ask_page(visit, None)


@router.post("/erase")
async def submit_erase(
    form: FormDep, visit: Visit = Depends(step_up_then(f"{HERE}/erase"))
) -> Response:
    return await _submit(visit, None, agreed=form.flag("agreed"))


@router.get("/travelers/{traveler_id}/erase")
async def show_erase_traveler(visit: SignedInDep, traveler_id: UUID) -> Response:
    return await _ask_page(visit, await _traveler(visit, traveler_id))


@router.post("/travelers/{traveler_id}/erase")
async def submit_erase_traveler(
    traveler_id: UUID,
    form: FormDep,
    visit: Visit = Depends(step_up_then(HERE + "/travelers/{traveler_id}/erase")),
) -> Response:
    row = await _traveler(visit, traveler_id)
    return await _submit(visit, row, agreed=form.flag("agreed"))


@router.post("/erasures/{erasure_id}/withdraw")
async def submit_withdraw(visit: SignedInDep, form: FormDep, erasure_id: UUID) -> Response:
    del form
    async with visit.transaction() as session:
        row = await get_erasure(session, erasure_id)
    if row is None or row.user_id != visit.user_id:
        raise not_found("erasure")
    state = await withdraw_erasure(visit.services, erasure_id)
    if state is ErasureState.WITHDRAWN:
        say = "Nothing is erased. Wishes that were paused stay paused until you resume them."
        return redirect(HERE, say=say)
    return redirect(HERE, say="It had begun already and cannot be taken back any more.")


async def _ask_page(
    visit: Visit, traveler: TravelerRow | None, problems: Problems | None = None
) -> Response:
    async with visit.transaction() as session:
        traveler_id = traveler.id if traveler else None
        found = await hindrances(session, visit.user_id, traveler_id, visit.now)
        name = await _name(session, visit, traveler) if traveler else None
    privacy = visit.services.settings.privacy
    return render(
        visit,
        "privacy/erase.html",
        status=422 if problems else 200,
        nav="account",
        name=name,
        action=f"{HERE}/travelers/{traveler_id}/erase" if traveler_id else f"{HERE}/erase",
        hindered=views.hindered(found, visit.now),
        possible_from=possible_from(found, visit.now),
        kept=kept_after_erasure(
            receipts_years=privacy.receipts_years, mandates_years=privacy.mandates_years
        ),
        cool_off_days=privacy.cool_off_days,
        backup_days=privacy.backup_days,
        problems=problems,
    )


async def _submit(visit: Visit, traveler: TravelerRow | None, *, agreed: bool) -> Response:
    if not agreed:
        problems = Problems()
        problems.add("agreed", _TICK)
        return await _ask_page(visit, traveler, problems)
    traveler_id = TravelerId(traveler.id) if traveler else None
    try:
        row = await ask_erasure(visit.services, visit.user_id, traveler_id)
    except Hindered:
        return await _ask_page(visit, traveler)
    say = f"It is written down. Until {row.due_at:%d %B %Y} you can take it back on this page."
    return redirect(HERE, say=say)


async def _traveler(visit: Visit, traveler_id: UUID) -> TravelerRow:
    async with visit.transaction() as session:
        row = await get_traveler(session, traveler_id)
    if row is None:
        raise not_found("traveller")
    return row


async def _name(session: AsyncSession, visit: Visit, row: TravelerRow) -> str:
    """Return how the person calls the traveller, or the traveller's own name."""
    if row.label:
        return row.label
    try:
        details = await visit.services.vault.open_traveler(session, TravelerId(row.id))
    except DecryptionFailed:
        return "a traveller"
    return f"{details.given_name} {details.family_name}"

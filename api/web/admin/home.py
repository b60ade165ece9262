"""The console's first page: how the product is, from the ledgers, the queues and the providers."""

import asyncio
from datetime import timedelta

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from api.health import ProviderHealth
from api.web.admin.certificates import Certificate, read_certificates
from api.web.admin.entry import OperatorDep, console, operating
from api.web.admin.queues import Queue, read_queues
from api.web.views.console_health import TARGET, HealthRead, Key, health_view
from api.web.visits import Visit
from db.models.switch import SwitchRow
from db.queries.console import books, health
from db.queries.retention_runs import list_runs
from db.queries.switches import BOOKING, hindrances
from runtime.settings import Settings

router = APIRouter(tags=["console"], include_in_schema=False)
PATH = "/admin"
_STUCK = timedelta(minutes=15)
_WINDOW = timedelta(hours=24)
_SHOWN = 20


@router.get(PATH)
async def show_health(visit: OperatorDep) -> HTMLResponse:
    """Show what needs somebody, and all figures that say so."""
    queues, certificates, reachable = await asyncio.gather(
        read_queues(visit.services),
        read_certificates(visit.services.settings),
        visit.services.providers_watch.check(visit.services),
    )
    async with operating(visit) as session:
        read = await _read(session, visit, queues, certificates, reachable)
    return console(
        visit,
        "admin/health.html",
        room=PATH,
        view=health_view(read, visit.now),
        read=read,
        window_hours=_WINDOW // timedelta(hours=1),
    )


async def _read(
    session: AsyncSession,
    visit: Visit,
    queues: list[Queue] | None,
    certificates: list[Certificate],
    reachable: list[ProviderHealth],
) -> HealthRead:
    now = visit.now
    since, before = now - _WINDOW, now - _STUCK
    return HealthRead(
        reachable=reachable,
        away=(await hindrances(session, now)).away,
        figures=await health.provider_figures(session, since),
        queues=queues,
        stuck=await health.stuck_attempts(session, now, patience=_STUCK, limit=_SHOWN),
        stuck_count=await health.count_stuck(session, now, patience=_STUCK),
        open_calls=await health.open_calls(session, before),
        unmatched=await books.unmatched(session),
        books=await books.books(session),
        in_time=await health.booked_in_time(session, since, TARGET),
        mail=await health.mail_backlog(session, now, since),
        webhooks=await health.webhook_backlog(session, now, since),
        events=await health.event_backlog(session, now, since),
        tasks=await health.open_tasks(session),
        switch=await session.get(SwitchRow, BOOKING),
        certificates=certificates,
        keys=await _keys(session, visit.services.settings),
        retention=next(iter(await list_runs(session, 1)), None),
        rotate_after=visit.services.settings.operating.rotate_after,
    )


async def _keys(session: AsyncSession, settings: Settings) -> list[Key]:
    """Return the keys that seal and sign, by their ids."""
    master, rotate = settings.keys, "parker keys rotate"
    older = len(master.by_id) - 1
    # One key for both; the older ones stay for as long as Temporal holds what they sealed.
    found = [
        Key(what, master.current_id, older, rotate)
        for what in ("Master key of people's keys", "Key of what Temporal stores")
    ]
    if settings.value_of("mandate_keys"):
        signing, rotate = settings.mandate_signing, "parker keys rotate --which mandate"
        used = await health.signing_since(session, signing.current_id)
        older = len(signing.public) - 1
        found.append(Key("Mandates' key", signing.current_id, older, rotate, used))
    return found

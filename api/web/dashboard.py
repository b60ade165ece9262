"""The list of a person's wishes: what needs them first, and kept up to date while it is open."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from api.web.banners import banners_of
from api.web.live_stream import LivePage, Part, follow
from api.web.pages import render, render_part
from api.web.views.dashboard import DashboardView, dashboard_view
from api.web.visits import SignedInDep, Visit
from api.wish_reading import PAGE, read_list
from db.queries.watching import Place

router = APIRouter(tags=["pages"], include_in_schema=False)
PATH = "/auto-booking/dashboard"
_SHOWN = {
    "all": (),
    "needs": (Place.NEEDS_YOU,),
    "active": (Place.NEEDS_YOU, Place.ACTIVE),
    "paused": (Place.PAUSED,),
    "ended": (Place.ENDED,),
}
_MOST_PAGES = 500


@dataclass(frozen=True)
class Asked:
    """Which wishes are asked for."""

    show: str = "all"
    text: str = ""
    page: int = 1

    def path(self, base: str = PATH, **changes: object) -> str:
        values = {"show": self.show, "q": self.text, "page": self.page} | changes
        plain = {"show": "all", "q": "", "page": 1}
        query = {name: value for name, value in values.items() if value != plain[name]}
        return f"{base}?{urlencode(query)}" if query else base


ShowQuery = Annotated[str, Query(max_length=20)]
TextQuery = Annotated[str, Query(alias="q", max_length=80)]
PageQuery = Annotated[int, Query(ge=1, le=_MOST_PAGES)]


@router.get(PATH)
async def show_dashboard(
    visit: SignedInDep, show: ShowQuery = "all", text: TextQuery = "", page: PageQuery = 1
) -> HTMLResponse:
    """Show the wishes, those that need their traveller first."""
    asked = _asked(show, text, page)
    view = await _read(visit, asked)
    return render(
        visit,
        "wishes/dashboard.html",
        asked=asked,
        view=view,
        now=visit.now,
        banners=banners_of(stopped=view.stopped, away=view.away),
        events_path=asked.path(f"{PATH}/events"),
        next_path=asked.path(page=asked.page + 1) if view.more else None,
        first_path=asked.path(page=1) if asked.page > 1 else None,
    )


@router.get(f"{PATH}/events")
async def follow_dashboard(
    visit: SignedInDep, show: ShowQuery = "all", text: TextQuery = "", page: PageQuery = 1
) -> Response:
    """Send the list's cards as they change: a stream, or one answer to a poll."""
    asked = _asked(show, text, page)

    async def read() -> LivePage:
        view = await _read(visit, asked)
        return _live(visit, view)

    return await follow(visit, visit.user_id, read)


def _asked(show: str, text: str, page: int) -> Asked:
    return Asked(show if show in _SHOWN else "all", text.strip(), page)


async def _read(visit: Visit, asked: Asked) -> DashboardView:
    found = await read_list(
        visit.services,
        visit.user_id,
        places=_SHOWN[asked.show],
        text=asked.text or None,
        skip=(asked.page - 1) * PAGE,
    )
    return dashboard_view(found, visit.services.clock())


def _live(visit: Visit, view: DashboardView) -> LivePage:
    """Send single cards while the list holds the same wishes, else the list as a whole."""
    now = visit.services.clock()

    def draw_list() -> str:
        return render_part(visit, "wishes/_list.html", view=view, now=now)

    return LivePage(
        version=view.version,
        code=view.needs_code,
        say=view.sentence,
        parts={"live-list": Part(view.version, draw_list)},
        at=now,
    )

"""Wishes: all of them, as a file too, and one with what holds it; its words under a reason."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.errors import not_found
from api.outlook import next_look
from api.web.admin.asking import Asked, CursorQuery, choices, id_in
from api.web.admin.doing import reason_in
from api.web.admin.entry import OperatorDep, console, operating
from api.web.admin.files import csv_file, every_line
from api.web.admin.listing import Listing
from api.web.admin.looks import look
from api.web.admin.position import read_position, temporal_page
from api.web.forms import FormDep, Problems
from api.web.views.console_campaign import campaign_view
from api.web.visits import Visit
from db.access import GLANCES
from db.glances import CAMPAIGNS
from db.queries.campaigns import get_campaign
from db.queries.console.campaigns import campaign_facts
from db.queries.console.health import completion
from db.queries.console.lists import Narrow
from db.queries.users import get_user
from domain.campaigns import BookingMode, CampaignState
from domain.ids import UserId
from domain.messages.campaign import campaign_workflow_id
from domain.wish_words import route_words, shape_words, wanted_words, window_words

router = APIRouter(tags=["console"], include_in_schema=False)
PATH = "/admin/campaigns"
ONE = f"{PATH}/{{campaign_id}}"
_LISTING = Listing(PATH, "admin/campaigns.html", CAMPAIGNS, counted="status")
_LATELY = timedelta(days=30)  # drafts are kept as long
_WISH = "One of your wishes"
_WHY = "Say why, in a few words: it is shown to the person whose wish it is."


@dataclass(frozen=True)
class CampaignsAsked(Asked):
    status: str = ""
    mode: str = ""
    seller: str = ""
    wish: str = ""

    def narrowed(self) -> Narrow:
        """Return what is looked for."""
        narrow = self.narrow(status=[self.status], mode=[self.mode], seller=[self.seller])
        return replace(narrow, ids=[id_in(self.wish)]) if self.wish else narrow


@dataclass(frozen=True)
class ClearWish:
    """What somebody wishes for, in their words and ours."""

    name: str
    route: str
    window: str
    shape: str
    wanted: tuple[str, ...]
    next_look: datetime | None


@router.get(PATH)
async def show_campaigns(visit: OperatorDep, cursor: CursorQuery = None) -> HTMLResponse:
    """List wishes, the newest first."""
    asked = CampaignsAsked.of(visit.request.query_params)
    async with operating(visit) as session:
        return await _LISTING.show_in(
            session,
            visit,
            asked,
            asked.narrowed(),
            cursor,
            states=choices([one.value for one in CampaignState]),
            modes=choices([one.value for one in BookingMode], "Any"),
            finished=await completion(session, visit.now - _LATELY),
            days=_LATELY.days,
            export_path=asked.path(f"{PATH}.csv"),
        )


@router.get(f"{PATH}.csv")
async def export_campaigns(visit: OperatorDep) -> Response:
    """Give the same list as a file for spreadsheets."""
    asked = CampaignsAsked.of(visit.request.query_params)
    async with operating(visit) as session:
        lines = await every_line(session, CAMPAIGNS, asked.narrowed())
    return csv_file("campaigns.csv", GLANCES["glance_campaigns"].split(), lines)


@router.get(ONE)
async def show_campaign(visit: OperatorDep, campaign_id: UUID) -> HTMLResponse:
    """Show where a wish stands, what holds it, and what was done about it."""
    return await _page(visit, campaign_id)


@router.post(f"{ONE}/look")
async def look_at_campaign(visit: OperatorDep, campaign_id: UUID, form: FormDep) -> HTMLResponse:
    """Show what is wished for. It is the answer itself: to see it again is to look again."""
    why = reason_in(form)
    if why is None:
        problems = Problems()
        problems.general.append(_WHY)
        return await _page(visit, campaign_id, problems)
    async with operating(visit) as session:
        facts = await campaign_facts(session, campaign_id, visit.now)
    if facts is None:
        raise not_found("campaign")
    async with look(visit, UserId(facts.campaign.user_id), _WISH, why) as session:
        clear = await _clear(session, visit, campaign_id)
    return await _page(visit, campaign_id, clear=clear)


async def _page(
    visit: Visit,
    campaign_id: UUID,
    problems: Problems | None = None,
    *,
    clear: ClearWish | None = None,
) -> HTMLResponse:
    async with operating(visit) as session:
        facts = await campaign_facts(session, campaign_id, visit.now)
    if facts is None:
        raise not_found("campaign")
    workflow_id = campaign_workflow_id(campaign_id)
    return console(
        visit,
        "admin/campaign.html",
        status=422 if problems else 200,
        room=PATH,
        facts=facts,
        campaign=facts.campaign,
        view=campaign_view(facts, visit.now),
        clear=clear,
        problems=problems,
        position=await read_position(visit.services, workflow_id),
        temporal_page=temporal_page(visit.services.settings, workflow_id),
    )


async def _clear(session: AsyncSession, visit: Visit, campaign_id: UUID) -> ClearWish | None:
    """Open what is sealed; None of somebody who was erased."""
    row = await get_campaign(session, campaign_id)
    user = await get_user(session, row.user_id) if row else None
    if row is None or user is None or user.erased_at is not None:
        return None
    wish, policy = row.wish, visit.services.settings.policy
    return ClearWish(
        name=row.name,
        route=route_words(wish),
        window=window_words(wish, visit.now.date()),
        shape=shape_words(wish, row.travelling),
        wanted=wanted_words(wish, row.mode.value),
        next_look=await next_look(session, row, policy, visit.now),
    )

"""Money on its way back to travellers, and how much of it one operator gives back alone."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.operating.alone import limits_that_hold, others_who_may_decide
from api.web.admin.asking import Asked, CursorQuery, choices
from api.web.admin.doing import new_key, seen
from api.web.admin.entry import OperatorDep, console, operating
from api.web.admin.listing import Listing
from db.models.refund import RefundRow
from db.queries.console.lists import table_of

router = APIRouter(tags=["console"], include_in_schema=False)
LISTING = Listing("/admin/refunds", "admin/refunds.html", table_of(RefundRow), counted="status")
LIMITS = f"{LISTING.path}/limits"


@dataclass(frozen=True)
class RefundsAsked(Asked):
    status: str = ""


@router.get(LISTING.path)
async def show_refunds(visit: OperatorDep, cursor: CursorQuery = None) -> HTMLResponse:
    """List refunds, the newest first."""
    asked = RefundsAsked.of(visit.request.query_params)
    states = choices(["pending", "succeeded", "failed"])
    narrow = asked.narrow(status=[asked.status])
    return await LISTING.show(visit, asked, narrow, cursor, states=states)


@router.get(LIMITS)
async def show_limits(visit: OperatorDep) -> HTMLResponse:
    """Show how much one operator gives back alone, and offer to ask for another limit."""
    settings = visit.services.settings
    async with operating(visit) as session:
        sold_in = settings.policy.seller_currencies
        limits = await limits_that_hold(session, settings.operating, sold_in)
        others = await others_who_may_decide(session, str(visit.user_id))
    return console(
        visit,
        "admin/limits.html",
        room=LISTING.path,
        here=LIMITS,
        limits=[(limit, seen(limit.amount())) for limit in limits],
        others=others,
        key=new_key(),
    )

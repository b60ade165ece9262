"""Money on its way back to travellers: all of it, and what waits for a second person."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.web.admin.asking import Asked, CursorQuery, choices
from api.web.admin.entry import OperatorDep
from api.web.admin.listing import Listing
from db.models.refund import RefundRow
from db.queries.console.lists import table_of

router = APIRouter(tags=["console"], include_in_schema=False)
LISTING = Listing("/admin/refunds", "admin/refunds.html", table_of(RefundRow), counted="status")


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

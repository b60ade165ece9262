"""The HTTP API's document as a page of ours: nothing in it is loaded from elsewhere."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.web.pages import render
from api.web.views.reference import groups_of
from api.web.visits import VisitDep

router = APIRouter(tags=["pages"], include_in_schema=False)
PATH = "/docs"


@router.get(PATH)
async def show_reference(visit: VisitDep) -> HTMLResponse:
    """Show what the API takes and answers."""
    groups = groups_of(visit.request.app.openapi())
    address = visit.services.settings.base_url
    return render(visit, "reference/page.html", groups=groups, address=address)

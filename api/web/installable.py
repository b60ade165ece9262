"""What makes the pages an app that can be installed, and its itineraries readable without network.

Nothing of a person is kept by a browser unless its owner asked for it there: every page is
`no-store`, and the worker hands out only what was put away by that button. Kept itineraries name
their end and their account; signing out clears them, and so does anybody else's visit.
"""

from datetime import timedelta
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import FileResponse, JSONResponse
from starlette.responses import Response

from api.booking_reading import WORTH_KEEPING
from api.errors import conflict
from api.web.bookings import read_own, view_of
from api.web.pages import STATIC, render, static_url
from api.web.visits import SignedInDep, VisitDep

router = APIRouter(tags=["pages"], include_in_schema=False)
KEPT_AFTER_ARRIVAL = timedelta(days=1)


@router.get("/manifest.webmanifest")
async def manifest() -> JSONResponse:
    """Describe the app to whoever installs it."""
    return JSONResponse(
        {
            "id": "/",
            "name": "Parker Flight",
            "short_name": "Parker",
            "description": "Watches fares and books the one you wished for, once.",
            "start_url": "/auto-booking/dashboard",
            "scope": "/",
            "display": "standalone",
            "background_color": "#fbfaf7",
            "theme_color": "#0b5fa5",
            "icons": [
                _icon("icon-192.png", 192, "any"),
                _icon("icon-512.png", 512, "any"),
                _icon("maskable-512.png", 512, "maskable"),
            ],
            "shortcuts": [
                {"name": "Bookings", "url": "/auto-booking/history"},
                {"name": "Make a wish", "url": "/auto-booking/new"},
            ],
        },
        media_type="application/manifest+json",
        headers={"Cache-Control": "public, max-age=3600"},
    )


@router.get("/service-worker.js")
async def service_worker() -> FileResponse:
    """Give the worker from the root, since it looks after all addresses."""
    return FileResponse(
        STATIC / "js" / "service-worker.js",
        media_type="text/javascript",
        headers={"Cache-Control": "no-cache"},
    )


@router.get("/offline")
async def show_offline(visit: VisitDep) -> Response:
    """Show what is said where there is no network; it tells nothing of anybody."""
    return render(visit, "offline.html")


@router.get("/bookings/{booking_id}/offline")
async def show_kept(visit: SignedInDep, booking_id: UUID) -> Response:
    """Give an itinerary as it is to be kept: flights, people and tickets, and no money."""
    read = await read_own(visit, booking_id)
    if read.row.state not in WORTH_KEEPING:
        raise conflict("not_worth_keeping", "This booking is over; there is nothing to keep.")
    view = view_of(visit, read)
    response = render(visit, "bookings/offline.html", booking=view)
    response.headers["X-Kept-At"] = visit.now.isoformat(timespec="seconds")
    until = read.row.arrives_at + KEPT_AFTER_ARRIVAL
    response.headers["X-Kept-Until"] = until.isoformat(timespec="seconds")
    response.headers["X-Account"] = visit.account_tag
    response.headers["X-Title"] = quote(f"{view.title}, {view.dates}")
    return response


def _icon(name: str, size: int, purpose: str) -> dict[str, str]:
    return {
        "src": static_url(f"icons/{name}"),
        "sizes": f"{size}x{size}",
        "type": "image/png",
        "purpose": purpose,
    }

"""What somebody takes along from a booking or a charge: PDFs, and a file for the calendar."""

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from api.errors import unavailable
from api.handouts import papers
from api.handouts.answers import calendar_answer, pdf_answer
from api.handouts.names import name_of
from api.handouts.press import NoPress, NotPrinted
from api.web.billing import read_charge
from api.web.bookings import read_own
from api.web.pages import render
from api.web.visits import SignedInDep, Visit

router = APIRouter(tags=["pages"], include_in_schema=False)


@router.get("/bookings/{booking_id}/itinerary.pdf")
async def download_itinerary(visit: SignedInDep, booking_id: UUID) -> Response:
    """Give the flights, the people and their tickets on paper."""
    read = await read_own(visit, booking_id)
    html = papers.itinerary(read, visit.services.settings, visit.now)
    return await _printed(visit, html, name_of(read.row, "itinerary", "pdf"))


@router.get("/bookings/{booking_id}/calendar.ics")
async def download_calendar(visit: SignedInDep, booking_id: UUID) -> Response:
    """Give the flights as a file that calendars take in, and take in again after a change."""
    read = await read_own(visit, booking_id)
    return calendar_answer(read, visit.services.settings, visit.now)


@router.get("/billing/{payment_id}/receipt.pdf")
async def download_receipt(visit: SignedInDep, payment_id: UUID) -> Response:
    """Give the receipt of a charge on paper."""
    bill, read = await read_charge(visit, payment_id)
    html = papers.receipt(bill, read, visit.services.settings, visit.me.time_zone)
    return await _printed(visit, html, papers.receipt_name(payment_id))


async def _printed(visit: Visit, html: str, name: str) -> Response:
    try:
        pdf = await visit.services.press.put_on_paper(html)
    except NoPress as missing:
        return render(
            visit,
            "message.html",
            status=503,
            title="PDFs cannot be made on this machine",
            sentence="Nothing is lost: the page that you came from shows the same, and prints.",
            more=f"The system's libraries for type are missing. {missing}",
        )
    except NotPrinted:
        raise unavailable(
            "This could not be put on paper just now. The page that you came from shows the same,"
            " and prints."
        ) from None
    return pdf_answer(pdf, name)

"""Handouts as answers over HTTP, the same to a browser and to a program."""

from datetime import datetime

from starlette.responses import Response

from api.booking_reading import BookingRead
from api.handouts import calendars
from api.handouts.names import address_of, name_of
from runtime.settings import Settings


def pdf_answer(pdf: bytes, name: str) -> Response:
    return Response(pdf, media_type="application/pdf", headers=_kept_as(name))


def calendar_answer(read: BookingRead, settings: Settings, now: datetime) -> Response:
    """Give a booking's flights as a file that calendars take in, and again after a change."""
    entries = calendars.entries(read.row, read.details, reference=True)
    return Response(
        calendars.write(entries, now, address=address_of(settings, read.row.id)),
        media_type=calendars.MEDIA_TYPE,
        headers=_kept_as(name_of(read.row, "flights", "ics")),
    )


def _kept_as(name: str) -> dict[str, str]:
    """Have a browser keep a file under a name."""
    return {"Content-Disposition": f'attachment; filename="{name}"'}

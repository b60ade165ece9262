"""Documents before they are printed: the same views and pieces as the pages, on a plain sheet."""

import re
from datetime import datetime
from functools import cache

from markupsafe import Markup

from api.booking_reading import BookingRead
from api.web.pages import STATIC, TEMPLATES
from api.web.views.billing import receipt_view
from api.web.views.booking_detail import booking_view
from db.queries.billing import Bill
from runtime.settings import Settings


def itinerary(read: BookingRead, settings: Settings, now: datetime) -> str:
    """Write what a traveller takes along: flights, people and tickets, and no money."""
    booking = booking_view(read, settings.money, now)
    return TEMPLATES.get_template("handouts/itinerary.html").render(
        booking=booking,
        now=now,
        address=f"{settings.base_url}/bookings/{booking.id}",
        contact=settings.money.receipt_contact,
        sandbox=settings.any_sandbox,
        style=_style(),
    )


def receipt(bill: Bill, read: BookingRead | None, settings: Settings, zone: str) -> str:
    """Write the receipt of a charge; its times go by a zone."""
    return TEMPLATES.get_template("handouts/receipt.html").render(
        receipt=receipt_view(bill, read, settings.money),
        zone=zone,
        sandbox=settings.any_sandbox,
        style=_style(),
    )


def name_of(read: BookingRead, what: str, kind: str) -> str:
    """Return a file's name by which its traveller finds it again."""
    known = re.sub(r"[^A-Za-z0-9]", "", read.row.booking_reference or "")
    return f"{what}-{known or str(read.row.id)[:8]}.{kind}"


@cache
def _style() -> Markup:
    # Our own file: there is nothing in it to escape.
    return Markup((STATIC / "css" / "handout.css").read_text(encoding="utf-8"))  # noqa: S704

"""Documents before they are printed: the same views and pieces as the pages, on a plain sheet."""

from datetime import datetime
from functools import cache
from uuid import UUID

from markupsafe import Markup

from api.booking_reading import BookingRead
from api.handouts.names import address_of
from api.web.pages import STATIC, TEMPLATES
from api.web.views.billing import receipt_number, receipt_view
from api.web.views.booking_detail import booking_view
from db.queries.billing import Bill
from runtime.settings import Settings


def itinerary(read: BookingRead, settings: Settings, now: datetime) -> str:
    """Write what a traveller takes along: flights, people and tickets, and no money."""
    booking = booking_view(read, settings.money, now)
    return TEMPLATES.get_template("handouts/itinerary.html").render(
        booking=booking,
        now=now,
        address=address_of(settings, booking.id),
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


def receipt_name(payment_id: UUID) -> str:
    return f"receipt-{receipt_number(payment_id)}.pdf"


@cache
def _style() -> Markup:
    # Our own file: there is nothing in it to escape.
    return Markup((STATIC / "css" / "handout.css").read_text(encoding="utf-8"))  # noqa: S704

"""What files are called, and where their owner sees the same."""

import re
from uuid import UUID

from db.models.booking import BookingRow
from runtime.settings import Settings


def name_of(row: BookingRow, what: str, kind: str) -> str:
    """Return a file's name by which its traveller finds it again."""
    known = re.sub(r"[^A-Za-z0-9]", "", row.booking_reference or "")
    return f"{what}-{known or str(row.id)[:8]}.{kind}"


def address_of(settings: Settings, booking_id: UUID) -> str:
    return f"{settings.base_url}/bookings/{booking_id}"

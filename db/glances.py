"""The views through which operators list things, as `GLANCES` in `db/access.py` names them."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    Uuid,
)
from sqlalchemy.types import TypeEngine

from db.access import GLANCES

# Apart from the models': no migration makes or compares these.
_METADATA = MetaData()
_IDS = frozenset({"user_id", "campaign_id", "attempt_id", "booking_id", "endpoint_id"})
_COUNTS = frozenset(
    {
        "tickets",
        "looks",
        "offers",
        "tries",
        "schedule_changes",
        "http_status",
        "milliseconds",
        "criteria_version",
        "row_version",
    }
)


def _view(name: str) -> Table:
    columns = (Column(column, _type(column)) for column in GLANCES[name].split())
    return Table(name, _METADATA, *columns)


def _type(column: str) -> TypeEngine[Any]:
    if column in {"id", *_IDS}:
        return Uuid()
    if column.endswith("_at") or column in {"hold_off_until", "ticketing_deadline"}:
        return DateTime(timezone=True)
    if column.endswith("_minor"):
        return BigInteger()
    if column in _COUNTS:
        return Integer()
    return Boolean() if column == "confirmed" else String()


BOOKINGS = _view("glance_bookings")
CAMPAIGNS = _view("glance_campaigns")
SEARCHES = _view("glance_searches")
MANDATES = _view("glance_mandates")
NOTICES = _view("glance_notices")
DELIVERIES = _view("glance_deliveries")
DRAFTS = _view("glance_drafts")
ACCOUNTS = _view("glance_accounts")
SESSIONS = _view("glance_sessions")

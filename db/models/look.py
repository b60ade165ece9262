from datetime import date
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from db.models.columns import Instant, OptionalCurrency, OptionalMinor


class LookRow(SQLModel, table=True):
    """One search of one date pair. Owned by nobody: it served every campaign it fitted."""

    __tablename__ = "looks"
    __table_args__ = (Index("looks_by_pair", "seller", "pair_key", "at"),)

    id: UUID = Field(primary_key=True)
    seller: str
    pair_key: str
    origin: str
    destination: str
    departs_on: date
    returns_on: date | None = None
    cabin: str
    party_code: str
    reason: str
    campaigns: int
    offers: int
    cheapest_minor: OptionalMinor = None
    currency: OptionalCurrency = None
    failed: str | None = None
    at: Instant

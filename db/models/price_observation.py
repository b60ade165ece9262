from datetime import date
from typing import Annotated
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from db.models.columns import Currency, Instant, Minor


class PriceObservationRow(SQLModel, table=True):
    """The cheapest of a look for one number of stops, airline and refundability."""

    __tablename__ = "price_observations"
    __table_args__ = (
        Index("price_observations_by_pair", "seller", "pair_key", "at"),
        Index("price_observations_by_route", "seller", "origin", "destination", "at"),
    )

    id: Annotated[int | None, Field(primary_key=True, sa_type=BigInteger)] = None
    look_id: UUID = Field(foreign_key="looks.id", index=True)
    seller: str
    pair_key: str
    origin: str
    destination: str
    departs_on: date
    returns_on: date | None = None
    cabin: str
    party_code: str
    stops: int
    airline: str
    refundable: bool | None = None
    total_minor: Minor
    currency: Currency
    at: Instant

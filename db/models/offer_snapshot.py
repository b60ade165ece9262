from uuid import UUID

from sqlmodel import Field, SQLModel

from db.models.columns import Currency, Json, Minor


class OfferSnapshotRow(SQLModel, table=True):
    """An offer that some campaign considered, as it was at the look."""

    __tablename__ = "offer_snapshots"

    look_id: UUID = Field(primary_key=True, foreign_key="looks.id")
    offer_id: str = Field(primary_key=True)
    itinerary_key: str
    total_minor: Minor
    currency: Currency
    airline: str
    stops: int
    offer: Json

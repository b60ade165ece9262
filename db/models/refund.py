from uuid import UUID

from sqlmodel import Field, SQLModel

from db.models.columns import Currency, Instant, Minor


class RefundRow(SQLModel, table=True):
    """Money on its way back to the traveller."""

    __tablename__ = "refunds"

    id: UUID = Field(primary_key=True)
    payment_id: UUID = Field(foreign_key="payments.id", index=True)
    booking_id: UUID = Field(foreign_key="bookings.id", index=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    amount_minor: Minor
    currency: Currency
    status: str
    refund_ref: str | None = None
    reason: str
    created_at: Instant
    updated_at: Instant

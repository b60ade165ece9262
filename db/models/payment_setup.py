from uuid import UUID

from sqlmodel import Field, SQLModel

from db.models.columns import Instant


class PaymentSetupRow(SQLModel, table=True):
    """One visit to the provider's page that saves a card."""

    __tablename__ = "payment_setups"

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    setup_ref_encrypted: str
    status: str
    payment_method_id: UUID | None = Field(default=None, foreign_key="payment_methods.id")
    created_at: Instant
    updated_at: Instant

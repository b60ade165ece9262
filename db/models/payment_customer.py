from uuid import UUID

from sqlmodel import Field, SQLModel

from db.models.columns import Instant


class PaymentCustomerRow(SQLModel, table=True):
    """The payment provider's customer that stands for a person."""

    __tablename__ = "payment_customers"

    user_id: UUID = Field(primary_key=True, foreign_key="users.id")
    provider: str
    customer_ref_encrypted: str
    created_at: Instant

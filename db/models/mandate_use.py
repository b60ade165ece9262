from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from db.models.columns import Currency, Instant, Minor, OptionalInstant


class MandateUseRow(SQLModel, table=True):
    """What one attempt takes of a mandate, written at its point of no return.

    Capture asks this row and nothing else: what came later, a withdrawal or the mandate's end, does
    not leave a ticket unpaid. Released once it is certain that the attempt booked nothing.
    """

    __tablename__ = "mandate_uses"
    __table_args__ = (
        Index(
            "mandate_uses_standing",
            "mandate_id",
            postgresql_where=text("released_at IS NULL"),
        ),
    )

    attempt_id: UUID = Field(primary_key=True, foreign_key="booking_attempts.id")
    mandate_id: UUID = Field(foreign_key="mandates.id")
    campaign_id: UUID = Field(foreign_key="autobooking_campaigns.id")
    user_id: UUID = Field(foreign_key="users.id", index=True)
    payment_id: UUID = Field(foreign_key="payments.id", unique=True)
    amount_minor: Minor
    currency: Currency
    used_at: Instant
    released_at: OptionalInstant = None

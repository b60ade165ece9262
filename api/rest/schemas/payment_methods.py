"""Cards as the API shows them: never a number, only what a person knows a card by."""

from datetime import date, datetime, timedelta
from typing import Self
from uuid import UUID

from pydantic import Field

from api.rest.schemas.common import Response
from db.models.payment_method import PaymentMethodRow, PaymentMethodStatus
from domain.travelers import add_months


class PaymentMethodResponse(Response):
    id: UUID
    brand: str = Field(examples=["visa"])
    last4: str = Field(examples=["4242"])
    exp_month: int
    exp_year: int
    valid_until: date = Field(description="Last day on which the card works.")
    is_default: bool
    status: PaymentMethodStatus
    status_reason: str | None
    created_at: datetime

    @classmethod
    def of(cls, row: PaymentMethodRow) -> Self:
        first_after = add_months(date(row.exp_year, row.exp_month, 1), 1)
        return cls(
            id=row.id,
            brand=row.brand,
            last4=row.last4,
            exp_month=row.exp_month,
            exp_year=row.exp_year,
            valid_until=first_after - timedelta(days=1),
            is_default=row.is_default,
            status=row.status,
            status_reason=row.status_reason,
            created_at=row.created_at,
        )


class SetupResponse(Response):
    """A visit to the payment provider's page, where the card is typed."""

    setup_id: UUID
    url: str | None = Field(description="Open it in a browser; absent once the visit has ended.")


class CompletedSetupResponse(Response):
    setup_id: UUID
    status: str = Field(examples=["complete"], description="open, complete or expired")
    payment_method: PaymentMethodResponse | None

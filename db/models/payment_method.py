from enum import StrEnum
from typing import Annotated
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from db.models.columns import Instant, text_enum


class PaymentMethodStatus(StrEnum):
    USABLE = "usable"
    NEEDS_ATTENTION = "needs_attention"
    DETACHED = "detached"


class PaymentMethodRow(SQLModel, table=True):
    """A saved card. At most one default a person among those that are not detached."""

    __tablename__ = "payment_methods"
    __table_args__ = (
        Index(
            "payment_methods_one_default",
            "user_id",
            unique=True,
            postgresql_where=text("is_default AND status <> 'detached'"),
        ),
    )

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    provider: str
    method_ref_encrypted: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint_hmac: str | None = None
    is_default: bool = False
    status: Annotated[PaymentMethodStatus, Field(sa_type=text_enum(PaymentMethodStatus))] = (
        PaymentMethodStatus.USABLE
    )
    status_reason: str | None = None
    created_at: Instant
    updated_at: Instant

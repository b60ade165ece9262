from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Numeric, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from db.models.columns import Instant, OptionalCurrency, OptionalMinor, text_enum
from domain.attempts import FailureReason
from domain.money import Money


class DecisionVerdict(StrEnum):
    BOOKED = "booked"
    ATTEMPTED = "attempted"  # it is being booked
    FAILED = "failed"  # it was to be booked, and was not: `failure_reason` says why
    PROPOSED = "proposed"
    MATCHED = "matched"
    REJECTED = "rejected"
    IGNORED = "ignored"
    UNREAD = "unread"  # no offer: nothing that the seller answered could be read


class OfferDecisionRow(SQLModel, table=True):
    """Why an offer was, or was not, taken for a campaign, or why there was none to decide on."""

    __tablename__ = "offer_decisions"
    __table_args__ = (
        UniqueConstraint("campaign_id", "look_id", "offer_id"),
        CheckConstraint(
            "num_nulls(offer_id, itinerary_key, total_minor, currency)"
            " = CASE WHEN verdict = 'unread' THEN 4 ELSE 0 END",
            name="offer_decisions_of_an_offer",
        ),
        Index("offer_decisions_by_campaign", "campaign_id", "at", "id"),
    )

    id: Annotated[int | None, Field(primary_key=True, sa_type=BigInteger)] = None
    campaign_id: UUID = Field(foreign_key="autobooking_campaigns.id")
    user_id: UUID
    look_id: UUID = Field(foreign_key="looks.id", index=True)
    criteria_version: int
    offer_id: str | None = None
    itinerary_key: str | None = None
    summary: str
    total_minor: OptionalMinor = None
    currency: OptionalCurrency = None
    verdict: Annotated[DecisionVerdict, Field(sa_type=text_enum(DecisionVerdict))]
    reason: str
    detail: str
    failure_reason: Annotated[FailureReason | None, Field(sa_type=text_enum(FailureReason))] = None
    score: Annotated[float | None, Field(sa_type=Numeric(8, 6, asdecimal=False))] = None
    score_parts: Annotated[list[dict[str, Any]] | None, Field(sa_type=JSONB(none_as_null=True))] = (
        None
    )
    at: Instant

    @property
    def price(self) -> Money | None:
        """What the offer costs for all, with the bags that were asked for; None: no offer."""
        if self.total_minor is None or self.currency is None:
            return None
        return Money(minor=self.total_minor, currency=self.currency)

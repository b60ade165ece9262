from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from sqlalchemy import Boolean, Column, Computed, Index, Numeric, SmallInteger, String, text
from sqlmodel import Field, SQLModel

from db.models.columns import (
    Currency,
    Ids,
    Instant,
    Json,
    Minor,
    OptionalInstant,
    OptionalMinor,
    native_enum,
    text_enum,
)
from db.own_words import OwnWords
from domain.campaigns import BookingMode, CampaignState
from domain.criteria import Criteria
from domain.money import Money
from domain.offers import Party

# None where the amount has more digits than the column that the mission names can hold.
_BUDGET_MAX = (
    "CASE WHEN budget_minor / power(10.0, currency_exponent) < 100000000 "
    "THEN budget_minor / power(10.0, currency_exponent) END"
)

_ROUTE_NAME = "origin_code || ' to ' || destination_code"


class CampaignRow(SQLModel, table=True):
    """A traveller's wish and where it stands. Never deleted: its id guards against a repeat.

    The columns after `updated_at` are derived, for people who read the table with SQL.
    """

    __tablename__ = "autobooking_campaigns"
    __table_args__ = (
        Index("autobooking_campaigns_by_user", "user_id", "created_at", "id"),
        Index(
            "autobooking_campaigns_watched",
            text("(criteria -> 'origins')"),
            text("(criteria -> 'destinations')"),
            postgresql_using="gin",
            postgresql_where=text("status = 'active'"),
        ),
    )

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id")
    name: str = Field(
        sa_column=Column(
            "own_name", OwnWords("autobooking_campaigns.name", arrives_sealed=True), nullable=False
        )
    )
    """The traveller's own words for it."""
    status: Annotated[
        CampaignState, Field(sa_type=native_enum(CampaignState, "autobooking_status"))
    ] = CampaignState.ACTIVE
    mode: Annotated[BookingMode, Field(sa_type=text_enum(BookingMode))]
    seller: str = "duffel"
    criteria: Json
    criteria_version: int = 1
    traveler_ids: Ids
    party: Json
    payment_method_id: UUID | None = Field(default=None, foreign_key="payment_methods.id")
    trip_request_id: UUID | None = Field(default=None, foreign_key="trip_requests.id", index=True)
    budget_minor: Minor
    currency: Currency
    currency_exponent: Annotated[int, Field(sa_type=SmallInteger)]
    opens_at: OptionalInstant = None
    ends_at: Instant
    expires_at: Instant
    warned_at: OptionalInstant = None
    hold_off_until: OptionalInstant = None
    action_reason: str | None = None
    undo_until: OptionalInstant = None
    undo_to: Annotated[CampaignState | None, Field(sa_type=text_enum(CampaignState))] = None
    """Cancelled, and until when that can be taken back, and to what."""
    told_minor: OptionalMinor = None
    told_at: OptionalInstant = None
    """The fare that a wish which only tells has told last."""
    body_hmac: str
    requests: Annotated[Ids, Field(sa_column_kwargs={"server_default": text("'{}'")})] = []
    """The last requests that were made of it."""
    event_seq: int = 0
    row_version: int = 1
    created_at: Instant
    updated_at: Instant
    route_name: str | None = Field(
        default=None,
        sa_column=Column(
            "name", String(255), Computed(_ROUTE_NAME, persisted=True), nullable=False
        ),
    )
    origin_code: str = Field(max_length=3)
    destination_code: str = Field(max_length=3)
    departure_date_start: date
    departure_date_end: date
    budget_max: Decimal | None = Field(
        default=None,
        sa_type=Numeric(10, 2),
        sa_column_args=(Computed(_BUDGET_MAX, persisted=True),),
    )
    auto_booking_enabled: bool | None = Field(
        default=None,
        sa_type=Boolean,
        sa_column_args=(Computed("mode = 'auto'", persisted=True),),
    )

    @property
    def wish(self) -> Criteria:
        return Criteria.model_validate(self.criteria)

    @property
    def travelling(self) -> Party:
        return Party.model_validate(self.party)

    def least(self) -> Money:
        """Return the smallest amount there is, to ask whether anything at all may be charged."""
        return Money(minor=1, currency=self.currency)

    @property
    def budget(self) -> Money:
        return Money(minor=self.budget_minor, currency=self.currency)

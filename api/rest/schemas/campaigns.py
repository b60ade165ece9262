"""Campaigns as the API takes and gives them."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, field_validator

from api.rest.schemas.common import MoneyBody, Request, Response
from db.models.campaign import CampaignRow
from db.models.campaign_result import CampaignResultRow
from db.models.offer_decision import DecisionVerdict, OfferDecisionRow
from domain.campaigns import BookingMode, CampaignState
from domain.criteria import Criteria, Hours, ScoreWeights, Worth
from domain.money import Money
from domain.offers import Cabin

Code = Annotated[str, StringConstraints(to_upper=True, min_length=1, max_length=40)]
Airline = Annotated[str, StringConstraints(to_upper=True, min_length=1, max_length=10)]

WISH_EXAMPLE: dict[str, Any] = {
    "origins": ["NYC"],
    "destinations": ["LIS"],
    "departure_from": "2027-05-01",
    "departure_until": "2027-06-20",
    "nights_min": 6,
    "nights_max": 10,
    "cabin": "economy",
    "budget": {"amount": "520.00", "currency": "USD"},
    "max_connections": 1,
}


class HoursBody(Request):
    """A range of local clock times, both ends allowed."""

    earliest: time = time(0, 0)
    latest: time = time(23, 59)


class WeightsBody(Request):
    """How much each part counts when several offers satisfy the wish."""

    price: float = Field(default=0.5, ge=0, le=100)
    stops: float = Field(default=0.2, ge=0, le=100)
    duration: float = Field(default=0.15, ge=0, le=100)
    airline: float = Field(default=0.1, ge=0, le=100)
    times: float = Field(default=0.05, ge=0, le=100)


class WorthBody(Request):
    """What comfort is worth to each traveller with a seat, in the budget's currency.

    Where anything is said here, offers are compared by it and not by `weights`.
    """

    nonstop: MoneyBody | None = Field(default=None, description="A non-stop, over one with stops.")
    hour_shorter: MoneyBody | None = Field(
        default=None, description="Each hour less under way, both ways together."
    )
    by_day: MoneyBody | None = Field(
        default=None, description="No take-off or landing between 23:00 and 06:00."
    )
    refundable: MoneyBody | None = Field(default=None, description="A fare that gives money back.")

    @field_validator("*")
    @classmethod
    def _expressible(cls, amount: MoneyBody | None) -> MoneyBody | None:
        if amount is not None:
            amount.money()
        return amount

    def worth(self) -> Worth:
        return Worth(**{name: body and body.money() for name, body in self})

    @classmethod
    def of(cls, worth: Worth) -> Self | None:
        said = {name: MoneyBody.of(money) for name, money in worth.said}
        return cls(**said) if said else None


class CriteriaBody(Request):
    """What a flight must be like to be booked."""

    model_config = ConfigDict(json_schema_extra={"examples": [WISH_EXAMPLE]})

    origins: list[Code] = Field(
        min_length=1, max_length=5, description="IATA airport or city codes."
    )
    destinations: list[Code] = Field(
        min_length=1, max_length=5, description="IATA airport or city codes."
    )
    departure_from: date = Field(description="First day of departure, local to the origin.")
    departure_until: date = Field(description="Last day of departure, local to the origin.")
    nights_min: int | None = Field(default=None, ge=0, le=360, description="Absent: one-way.")
    nights_max: int | None = Field(default=None, ge=0, le=360, description="Absent: one-way.")
    cabin: Cabin = Cabin.ECONOMY
    budget: MoneyBody = Field(description="The most for the whole party, bags included.")
    max_connections: int | None = Field(default=None, ge=0, le=2, description="0: non-stop.")
    airlines_wanted: list[Airline] = Field(default=[], max_length=20)
    airlines_excluded: list[Airline] = Field(default=[], max_length=20)
    departure_hours: HoursBody | None = None
    arrival_hours: HoursBody | None = None
    checked_bags: int = Field(default=0, ge=0, le=3, description="For each paying passenger.")
    refundable_only: bool = False
    weights: WeightsBody | None = None
    worth: WorthBody | None = None

    @field_validator("budget")
    @classmethod
    def _expressible(cls, budget: MoneyBody) -> MoneyBody:
        budget.money()
        return budget

    def criteria(self, weights: ScoreWeights) -> Criteria:
        """Return the wish; `weights` are the installation's, for where it has none of its own."""
        return Criteria(
            origins=tuple(self.origins),
            destinations=tuple(self.destinations),
            departure_from=self.departure_from,
            departure_until=self.departure_until,
            nights_min=self.nights_min,
            nights_max=self.nights_max,
            cabin=self.cabin,
            budget=self.budget.money(),
            max_connections=self.max_connections,
            airlines_wanted=tuple(self.airlines_wanted),
            airlines_excluded=tuple(self.airlines_excluded),
            departure_hours=_hours(self.departure_hours),
            arrival_hours=_hours(self.arrival_hours),
            checked_bags=self.checked_bags,
            refundable_only=self.refundable_only,
            weights=ScoreWeights(**self.weights.model_dump()) if self.weights else weights,
            worth=self.worth.worth() if self.worth else Worth(),
        )

    @classmethod
    def of(cls, criteria: Criteria) -> Self:
        plain = criteria.model_dump(mode="json")
        plain["budget"] = MoneyBody.of(criteria.budget).model_dump()
        worth = WorthBody.of(criteria.worth)
        plain["worth"] = worth.model_dump() if worth else None
        return cls.model_validate(plain)


def _hours(body: HoursBody | None) -> Hours | None:
    return Hours(earliest=body.earliest, latest=body.latest) if body else None


class CriteriaChange(Request):
    """Only the parts of the wish that change; null where a limit is lifted."""

    origins: list[Code] | None = Field(default=None, min_length=1, max_length=5)
    destinations: list[Code] | None = Field(default=None, min_length=1, max_length=5)
    departure_from: date | None = None
    departure_until: date | None = None
    nights_min: int | None = Field(default=None, ge=0, le=360)
    nights_max: int | None = Field(default=None, ge=0, le=360)
    cabin: Cabin | None = None
    budget: MoneyBody | None = None
    max_connections: int | None = Field(default=None, ge=0, le=2)
    airlines_wanted: list[Airline] | None = Field(default=None, max_length=20)
    airlines_excluded: list[Airline] | None = Field(default=None, max_length=20)
    departure_hours: HoursBody | None = None
    arrival_hours: HoursBody | None = None
    checked_bags: int | None = Field(default=None, ge=0, le=3)
    refundable_only: bool | None = None
    weights: WeightsBody | None = None
    worth: WorthBody | None = None

    def applied_to(self, current: Criteria) -> CriteriaBody:
        """Return the whole new wish; raises pydantic's ValidationError where it cannot hold."""
        plain = CriteriaBody.of(current).model_dump(mode="json")
        return CriteriaBody.model_validate(plain | self.model_dump(mode="json", exclude_unset=True))


class ConsentBody(Request):
    """Your permission to be booked and charged once, without being asked again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "accepted": True,
                    "text_version": "2026-11",
                    "cap": {"amount": "520.00", "currency": "USD"},
                }
            ]
        }
    )

    accepted: Literal[True]
    text_version: str = Field(
        max_length=40, description="Version of the text; see GET /api/v1/policy."
    )
    cap: MoneyBody | None = Field(default=None, description="Absent: the budget.")

    @field_validator("cap")
    @classmethod
    def _expressible(cls, cap: MoneyBody | None) -> MoneyBody | None:
        if cap is not None:
            cap.money()
        return cap


Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]
TravelerIds = Annotated[list[UUID], Field(min_length=1, max_length=9)]


class CreateCampaignRequest(Request):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Lisbon in spring",
                    "criteria": WISH_EXAMPLE,
                    "mode": "auto",
                    "traveler_ids": ["3b241101-e2bb-4255-8caf-4136c566a962"],
                    "consent": {"accepted": True, "text_version": "2026-11"},
                }
            ]
        }
    )

    name: Name | None = Field(default=None, description="Absent: made of the route.")
    criteria: CriteriaBody | None = Field(
        default=None, description="Absent: those of the trip request."
    )
    mode: BookingMode = BookingMode.AUTO
    traveler_ids: TravelerIds | None = Field(
        default=None, description="Absent: those of the trip request."
    )
    trip_request_id: UUID | None = Field(
        default=None, description="A saved trip to make the campaign of; it remembers it."
    )
    payment_method_id: UUID | None = Field(
        default=None, description="Absent: the card that is your default now."
    )
    consent: ConsentBody | None = Field(
        default=None,
        description="Absent: the campaign waits, as `awaiting_consent`, until you give it; not "
        "needed where it only tells (`notify`).",
    )


class EditCampaignRequest(Request):
    """Only what changes. What reaches further than your consent needs a new one.

    So do more money, other people, places, days, airlines or cards, and booking without being
    asked; a part of what you agreed to needs none.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "expected_version": 1,
                    "criteria": {"budget": {"amount": "560.00", "currency": "USD"}},
                    "consent": {"accepted": True, "text_version": "2026-11"},
                }
            ]
        }
    )

    expected_version: int | None = Field(
        default=None, ge=1, description="`criteria_version` that you saw; or send If-Match."
    )
    name: Name | None = None
    criteria: CriteriaChange | None = None
    mode: BookingMode | None = None
    traveler_ids: TravelerIds | None = None
    payment_method_id: UUID | None = None
    consent: ConsentBody | None = None


class DisplayStatus(Response):
    """The one thing to show: a word for programs, a sentence for people."""

    code: str = Field(examples=["watching"])
    sentence: str = Field(examples=["We are watching fares for this wish. Nothing is charged."])


class PartyBody(Response):
    adults: int
    children: int
    infants: int


class CampaignLinks(Response):
    self: str
    status: str
    results: str
    decisions: str
    mandate: str
    consent: str = Field(description="The page on which its owner reads and gives consent.")


class CampaignResponse(Response):
    id: UUID
    name: str
    status: CampaignState
    display_status: DisplayStatus
    mode: BookingMode
    criteria: CriteriaBody
    criteria_version: int
    traveler_ids: list[UUID]
    party: PartyBody
    payment_method_id: UUID | None
    trip_request_id: UUID | None = Field(description="The saved trip that it was made of.")
    budget: MoneyBody
    action_reason: str | None = Field(description="What is needed from you, if anything.")
    undo_until: datetime | None = Field(
        description="Cancelled a moment ago: until when that can be taken back."
    )
    opens_at: datetime | None = Field(description="When airlines begin to sell its first date.")
    ends_at: datetime = Field(description="When we stop: its last bookable day, or its expiry.")
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    links: CampaignLinks

    @classmethod
    def of(cls, row: CampaignRow, display: DisplayStatus) -> Self:
        base = f"/api/autobooking/campaigns/{row.id}"
        return cls(
            id=row.id,
            name=row.name,
            status=row.status,
            display_status=display,
            mode=row.mode,
            criteria=CriteriaBody.of(row.wish),
            criteria_version=row.criteria_version,
            traveler_ids=row.traveler_ids,
            party=PartyBody(**row.travelling.model_dump()),
            payment_method_id=row.payment_method_id,
            trip_request_id=row.trip_request_id,
            budget=MoneyBody.of(row.budget),
            action_reason=row.action_reason,
            undo_until=row.undo_until,
            opens_at=row.opens_at,
            ends_at=row.ends_at,
            expires_at=row.expires_at,
            created_at=row.created_at,
            updated_at=row.updated_at,
            links=CampaignLinks(
                self=base,
                status=f"{base}/status",
                results=f"{base}/results",
                decisions=f"{base}/decisions",
                mandate=f"{base}/mandate",
                consent=f"/auto-booking/wishes/{row.id}/consent",
            ),
        )


class CreatedCampaignResponse(CampaignResponse):
    warnings: list[str] = Field(default=[], description="True, but not in the way of watching.")


class LastLook(Response):
    at: datetime
    summary: str = Field(examples=["JFK to LIS, 4 May 2027, back 11 May 2027"])
    cheapest: MoneyBody | None
    offers: int


class ProposalBody(Response):
    id: UUID
    price: MoneyBody
    itinerary: dict[str, Any]
    expires_at: datetime


class BookingBrief(Response):
    id: UUID
    booking_reference: str | None
    state: str
    price: MoneyBody
    departs_at: datetime
    href: str


class AttemptBrief(Response):
    id: UUID
    number: int
    state: str
    step: str = Field(description="The step's published word.", examples=["DUFFEL_ORDER_CREATE"])
    matched_price: MoneyBody
    limit: MoneyBody
    failure_reason: str | None
    started_at: datetime
    finished_at: datetime | None


class CampaignStatusResponse(Response):
    """Where a campaign stands now."""

    campaign_id: UUID
    status: CampaignState
    display_status: DisplayStatus
    criteria_version: int
    last_event: int = Field(description="Number of the newest event; `id` in the stream.")
    budget: MoneyBody
    best_price: MoneyBody | None = Field(description="Lowest fare seen for this wish.")
    last_look: LastLook | None
    next_look_at: datetime | None
    opens_at: datetime | None
    ends_at: datetime
    action_reason: str | None
    proposal: ProposalBody | None
    attempt: AttemptBrief | None
    booking: BookingBrief | None
    final: bool = Field(description="Nothing more will happen to this campaign.")
    updated_at: datetime


class CampaignEventBody(Response):
    """One thing that happened; `seq` counts without gaps."""

    seq: int
    kind: str = Field(examples=["campaign.created"])
    data: dict[str, Any]
    at: datetime
    status: CampaignState
    display_status: DisplayStatus


class ResultResponse(Response):
    """What came of one attempt."""

    id: UUID
    attempt_id: UUID | None
    duffel_offer_id: str | None
    booking_reference: str | None
    status: str
    created_at: datetime

    @classmethod
    def of(cls, row: CampaignResultRow) -> Self:
        return cls(
            id=row.id,
            attempt_id=row.attempt_id,
            duffel_offer_id=row.duffel_offer_id,
            booking_reference=row.booking_reference,
            status=row.status,
            created_at=row.created_at,
        )


class DecisionResponse(Response):
    """One offer that was considered, and why it was or was not taken."""

    look_id: UUID
    offer_id: str
    summary: str
    price: MoneyBody
    verdict: DecisionVerdict
    reason: str
    detail: str
    score: Decimal | None
    score_parts: list[dict[str, Any]] | None
    criteria_version: int
    at: datetime

    @classmethod
    def of(cls, row: OfferDecisionRow) -> Self:
        return cls(
            look_id=row.look_id,
            offer_id=row.offer_id,
            summary=row.summary,
            price=MoneyBody.of(Money(minor=row.total_minor, currency=row.currency)),
            verdict=row.verdict,
            reason=row.reason,
            detail=row.detail,
            score=None if row.score is None else Decimal(str(row.score)),
            score_parts=row.score_parts,
            criteria_version=row.criteria_version,
            at=row.at,
        )

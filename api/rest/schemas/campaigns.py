"""Campaigns as the API takes and gives them."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, field_validator

from api.rest.schemas.common import MoneyBody, Request, Response
from api.rest.schemas.criteria import WISH_EXAMPLE, CriteriaBody, CriteriaChange
from db.models.campaign import CampaignRow
from db.models.campaign_result import CampaignResultRow
from db.models.offer_decision import DecisionVerdict, OfferDecisionRow
from domain.campaigns import BookingMode, CampaignState


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
    kind: str = Field(examples=["payment.captured"])
    sentence: str | None = Field(
        description="What happened, for people; none for a step of the machinery.",
        examples=["478.27 USD charged to your card, once."],
    )
    data: dict[str, Any]
    at: datetime
    status: CampaignState = Field(description="As it is now, not as it was then.")
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
    """One offer that was considered, and why it was or was not taken.

    `failed` is the verdict where its booking was tried, and `failure_reason` says what stopped it.
    `unread` is the verdict where a look had nothing to consider, or not everything: `reason` is
    `no_answer`, `refused`, `unreadable` or `some_unreadable`, and there is no offer and no price.
    """

    look_id: UUID
    offer_id: str | None
    summary: str
    price: MoneyBody | None
    verdict: DecisionVerdict
    reason: str
    detail: str
    failure_reason: str | None
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
            price=MoneyBody.of(row.price) if row.price else None,
            verdict=row.verdict,
            reason=row.reason,
            detail=row.detail,
            failure_reason=row.failure_reason,
            score=None if row.score is None else Decimal(str(row.score)),
            score_parts=row.score_parts,
            criteria_version=row.criteria_version,
            at=row.at,
        )

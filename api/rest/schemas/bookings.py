"""Bookings as the API gives them."""

from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from pydantic import Field

from api.booking_reading import BookingRead
from api.rest.schemas.campaigns import DisplayStatus
from api.rest.schemas.common import MoneyBody, Request, Response
from api.web.views.booking_detail import BookingView
from api.web.views.booking_legs import ChangeView
from db.models.booking import BookingRow
from domain.campaigns import CampaignState
from domain.display import StatusFacts, display_status
from domain.messages.order import ConfirmCode, QuoteCode
from domain.money import Money
from domain.refunds import RefundTrack


def _price(row: BookingRow) -> Money:
    return Money(minor=row.price_minor, currency=row.currency)


class BookingResponse(Response):
    id: UUID
    kind: str
    provider: str = Field(description="Who sold it.")
    state: str
    status: str = Field(description="The published word.", examples=["ticketed"])
    display_status: DisplayStatus
    booking_reference: str | None = Field(examples=["RZPNX8"])
    campaign_id: UUID | None
    price: MoneyBody
    departs_at: datetime
    arrives_at: datetime
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: BookingRow) -> Self:
        return cls(**booking_fields(row))


def booking_fields(row: BookingRow) -> dict[str, Any]:
    price = _price(row)
    facts = StatusFacts(price=price, booking_reference=row.booking_reference)
    shown = display_status(CampaignState.BOOKED, booking=row.state, facts=facts)
    return {
        "id": row.id,
        "kind": row.kind,
        "provider": row.provider,
        "state": row.state,
        "status": row.status,
        "display_status": DisplayStatus(code=shown.code, sentence=shown.sentence),
        "booking_reference": row.booking_reference,
        "campaign_id": row.campaign_id,
        "price": MoneyBody.of(price),
        "departs_at": row.departs_at,
        "arrives_at": row.arrives_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


class RefundBody(Response):
    amount: MoneyBody
    status: str
    reason: str
    at: datetime


class MoneySummary(Response):
    """What was taken and what came back, to the minor unit."""

    charged: MoneyBody
    refunded: MoneyBody
    penalty: MoneyBody = Field(description="Kept by the airline, as you accepted.")
    refunds: list[RefundBody]


class TicketBody(Response):
    number: str
    kind: str = Field(examples=["electronic_ticket"])


class PassengerBody(Response):
    """Somebody on the booking, as the airline has them."""

    name: str
    kind: str | None = Field(description="child, or an infant; null for an adult.")
    tickets: list[str]
    bags: list[str] = Field(description="In words, flight by flight where they differ.")
    seats: str | None


class ConditionBody(Response):
    """What the fare allows, in plain words."""

    title: str
    sentence: str


class ChangeBody(Response):
    """Flights that the airline has moved or taken away, and that wait for an answer."""

    change_id: str
    sentence: str
    entitlement: str
    owed: bool = Field(description="All the money comes back by law, whatever the fare says.")
    answer_by: datetime | None = Field(description="When the first of these flights leaves.")


class RefundTrackBody(Response):
    """Where the money of a cancelled booking is."""

    amount: MoneyBody
    holder: str = Field(examples=["bank"])
    sentence: str
    deadline: date | None = Field(description="By when the law wants it paid, where we know it.")


class BookingDetailResponse(BookingResponse):
    sentence: str = Field(description="What is so, what it means for the money, what comes next.")
    airline: str
    merchant: str = Field(description="Who charges, and under which name it is shown.")
    passengers: list[PassengerBody]
    conditions: list[ConditionBody]
    open_change: ChangeBody | None
    refund_track: RefundTrackBody | None
    tickets: list[TicketBody]
    itinerary: dict[str, Any] = Field(description="Slices of segments, in local times.")
    money: MoneySummary
    schedule_changes: int
    ticketing_deadline: datetime
    cancelled_by: str | None
    checked_at: datetime | None = Field(description="When we last asked the airline.")

    @classmethod
    def detailed(cls, read: BookingRead, view: BookingView) -> Self:
        row = read.row
        return cls(
            **booking_fields(row),
            sentence=view.sentence,
            airline=view.airline.name,
            merchant=view.merchant.sentence,
            passengers=[
                PassengerBody(
                    name=one.name,
                    kind=one.kind,
                    tickets=list(one.tickets),
                    bags=list(one.bags),
                    seats=one.seats,
                )
                for one in view.people
            ],
            conditions=[
                ConditionBody(title=one.title, sentence=one.sentence) for one in view.rules
            ],
            open_change=_change(view.change) if view.change else None,
            refund_track=_track(view.refund) if view.refund else None,
            tickets=[_ticket(one) for one in row.ticket_numbers],
            itinerary=row.itinerary,
            money=MoneySummary(
                charged=MoneyBody.of(read.charged),
                refunded=MoneyBody.of(read.refunded),
                penalty=MoneyBody.of(read.penalty),
                refunds=[
                    RefundBody(
                        amount=MoneyBody.of(Money(minor=one.amount_minor, currency=one.currency)),
                        status=one.status,
                        reason=one.reason,
                        at=one.created_at,
                    )
                    for one in read.refunds
                ],
            ),
            schedule_changes=row.schedule_changes,
            ticketing_deadline=row.ticketing_deadline,
            cancelled_by=row.cancelled_by,
            checked_at=row.checked_at,
        )


def _change(view: ChangeView) -> ChangeBody:
    return ChangeBody(
        change_id=view.id,
        sentence=view.sentence,
        entitlement=view.terms.entitlement,
        owed=view.terms.owed,
        answer_by=view.terms.answer_by,
    )


def _track(track: RefundTrack) -> RefundTrackBody:
    return RefundTrackBody(
        amount=MoneyBody.of(track.amount),
        holder=track.holder,
        sentence=track.sentence,
        deadline=track.deadline.by if track.deadline else None,
    )


def _ticket(raw: object) -> TicketBody:
    if isinstance(raw, dict):
        return TicketBody(number=str(raw["number"]), kind=str(raw.get("kind", "")))
    return TicketBody(number=str(raw), kind="")


class CancellationQuoteResponse(Response):
    """What cancelling would give back. Nothing is cancelled until it is confirmed."""

    booking_id: UUID
    code: QuoteCode
    sentence: str
    quote_id: str | None
    refund: MoneyBody | None
    penalty: MoneyBody | None
    refund_to: str | None
    expires_at: datetime | None


class ConfirmCancellationRequest(Request):
    quote_id: str = Field(max_length=200, examples=["ore_00009qzZWzjDipIkqpaUAj"])


class CancellationResponse(Response):
    booking_id: UUID
    code: ConfirmCode
    sentence: str
    state: str

"""Bookings as the API gives them."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import Field

from api.rest.schemas.campaigns import DisplayStatus
from api.rest.schemas.common import MoneyBody, Request, Response
from db.models.booking import BookingRow
from db.models.payment import PaymentRow
from db.models.refund import RefundRow
from domain.campaigns import CampaignState
from domain.display import StatusFacts, display_status
from domain.messages.order import ConfirmCode, QuoteCode
from domain.money import Money


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


class BookingDetailResponse(BookingResponse):
    tickets: list[TicketBody]
    itinerary: dict[str, Any] = Field(description="Slices of segments, in local times.")
    money: MoneySummary
    schedule_changes: int
    ticketing_deadline: datetime
    cancelled_by: str | None
    checked_at: datetime | None = Field(description="When we last asked the airline.")

    @classmethod
    def detailed(
        cls, row: BookingRow, payments: list[PaymentRow], refunds: list[RefundRow]
    ) -> Self:
        currency = row.currency

        def money(minor: int) -> MoneyBody:
            return MoneyBody.of(Money(minor=minor, currency=currency))

        return cls(
            **booking_fields(row),
            tickets=[_ticket(one) for one in row.ticket_numbers],
            itinerary=row.itinerary,
            money=MoneySummary(
                charged=money(sum(one.captured_minor for one in payments)),
                refunded=money(sum(one.refunded_minor for one in payments)),
                penalty=money(row.penalty_minor),
                refunds=[
                    RefundBody(
                        amount=MoneyBody.of(Money(minor=one.amount_minor, currency=one.currency)),
                        status=one.status,
                        reason=one.reason,
                        at=one.created_at,
                    )
                    for one in refunds
                ],
            ),
            schedule_changes=row.schedule_changes,
            ticketing_deadline=row.ticketing_deadline,
            cancelled_by=row.cancelled_by,
            checked_at=row.checked_at,
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

"""Bookings as they are once somebody has one: paid, ticketed, with the seller's order kept."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import (
    AttemptRow,
    BookingRow,
    CampaignRow,
    PaymentMethodRow,
    PaymentRow,
    RefundRow,
)
from db.models.booking import PUBLISHED_BOOKING_STATUS, BookingKind, BookingProvider, BookingStatus
from db.queries.campaigns import insert_campaign
from db.queries.payment_methods import add_payment_method
from db.queries.transitions import append_event
from db.session import Database, SystemActor
from db.vault import PersonalVault
from domain.attempts import AttemptState
from domain.campaigns import BookingMode, CampaignState
from domain.criteria import Criteria
from domain.ids import CampaignId, UserId, attempt_id_for
from domain.messages.campaign import Consent, NewCampaign
from domain.money import Money
from domain.offers import DatePair, Party
from domain.orders import BookingState
from domain.payments import PaymentState
from providers.duffel.mapping import provider_order

ORDER = Path(__file__).parents[1] / "contracts" / "duffel" / "order.json"
_TESTS = SystemActor("tests")
_PAID = 23_245


@dataclass(frozen=True)
class Booked:
    booking_id: UUID
    campaign_id: UUID
    payment_id: UUID
    card_id: UUID


def recorded_order(departs_on: date | None = None, **changes: Any) -> dict[str, Any]:
    """Return the recorded order, with its flight on another day if one is named."""
    order: dict[str, Any] = copy.deepcopy(json.loads(ORDER.read_text())["data"])
    if departs_on is not None:
        for name in ("departing_at", "arriving_at"):
            for leg in order["slices"]:
                for segment in leg["segments"]:
                    segment[name] = f"{departs_on.isoformat()}{segment[name][10:]}"
    return order | changes


async def give_booking(
    database: Database,
    vault: PersonalVault,
    owner: UserId,
    now: datetime,
    *,
    state: BookingState = BookingState.TICKETED,
    departs_in: int = 42,
    budget_minor: int = 26_000,
    change: Callable[[BookingRow, dict[str, Any]], None] | None = None,
    refund: str | None = None,
    traveler_ids: tuple[UUID, ...] = (),
    name: str = "New York at Christmas",
) -> Booked:
    """Give a person a booking of London to New York; `change` may alter the row and the order."""
    order = recorded_order(now.date() + timedelta(days=departs_in))
    row = BookingRow(
        id=uuid4(), kind=BookingKind.CAMPAIGN_FLIGHT, user_id=owner, campaign_id=None,
        provider=BookingProvider.DUFFEL, state=state, status=PUBLISHED_BOOKING_STATUS[state],
        duffel_order_id=f"ord_{uuid4().hex}", duffel_order_status="confirmed",
        booking_reference="RZPNX8", ticket_numbers=[], itinerary={"slices": []},
        price_minor=_PAID, currency="USD", departs_at=now, arrives_at=now,
        ticketing_deadline=now + timedelta(days=1), checked_at=now, created_at=now, updated_at=now,
    )  # fmt: skip
    if change is not None:
        change(row, order)
    placed = provider_order(order)
    row.itinerary = placed.itinerary.model_dump(mode="json")
    if state is not BookingState.TICKETING:
        row.ticket_numbers = [one.model_dump(mode="json") for one in placed.tickets]
    row.departs_at = now + timedelta(days=departs_in)
    row.arrives_at = row.departs_at + timedelta(hours=8)
    async with database.transaction(_TESTS) as session:
        campaign = await _campaign(session, owner, now, budget_minor, traveler_ids, name)
        card = await _card(session, vault, owner, now)
        attempt = _attempt(campaign, card, now)
        session.add(attempt)
        await session.flush()
        row.campaign_id, row.attempt_id = campaign.id, attempt.id
        row.raw_order_encrypted = await vault.seal(
            session,
            owner,
            placed.raw,
            table="bookings",
            column="raw_order",
            row_id=row.id,
            subject=row.id,
        )
        session.add(row)
        await session.flush()
        payment = _payment(row, card, now)
        session.add(payment)
        await session.flush()
        if refund is not None:
            await _refund(session, row, payment, refund, now)
        await _events(session, row, now)
    return Booked(row.id, campaign.id, payment.id, card.id)


async def _campaign(
    session: AsyncSession,
    owner: UserId,
    now: datetime,
    budget_minor: int,
    traveler_ids: tuple[UUID, ...],
    name: str,
) -> CampaignRow:
    day = now.date() + timedelta(days=42)
    wish = Criteria(
        origins=("LON",), destinations=("NYC",), departure_from=day, departure_until=day,
        budget=Money(minor=budget_minor, currency="USD"),
    )  # fmt: skip
    new = NewCampaign(
        campaign_id=CampaignId(uuid4()), owner_id=owner, name=name, criteria=wish,
        mode=BookingMode.AUTO, traveler_ids=traveler_ids or (uuid4(),), party=Party(),
        consent=Consent(text_version="1", cap=wish.budget, consented_at=now), body_hmac="-",
        created_at=now, expires_at=now + timedelta(days=365), ends_at=now + timedelta(days=42),
    )  # fmt: skip
    row, _ = await insert_campaign(session, new, now)
    row.status = CampaignState.BOOKED
    await session.flush()
    return row


async def _card(
    session: AsyncSession, vault: PersonalVault, owner: UserId, now: datetime
) -> PaymentMethodRow:
    card_id = uuid4()
    sealed = await vault.seal(
        session, owner, f"pm_{card_id.hex}",
        table="payment_methods", column="method_ref", row_id=card_id,
    )  # fmt: skip
    return await add_payment_method(
        session,
        PaymentMethodRow(
            id=card_id,
            user_id=owner,
            provider="stripe",
            method_ref_encrypted=sealed,
            brand="visa",
            last4="4242",
            exp_month=12,
            exp_year=2034,
            created_at=now,
            updated_at=now,
        ),
    )


def _attempt(campaign: CampaignRow, card: PaymentMethodRow, now: datetime) -> AttemptRow:
    pair = DatePair(origin="LHR", destination="JFK", departs_on=now.date() + timedelta(days=42))
    return AttemptRow(
        id=attempt_id_for(CampaignId(campaign.id), 1), campaign_id=campaign.id,
        user_id=campaign.user_id, number=1, state=AttemptState.CAPTURED, seller="duffel",
        pair=pair.model_dump(mode="json"), itinerary_key="ZZ4021", matched_minor=_PAID,
        limit_minor=_PAID, currency="USD", criteria_version=1, payment_method_id=card.id,
        opening_key=str(uuid4()), started_at=now, updated_at=now,
    )  # fmt: skip


def _payment(row: BookingRow, card: PaymentMethodRow, now: datetime) -> PaymentRow:
    return PaymentRow(
        id=uuid4(), attempt_id=row.attempt_id, booking_id=row.id, campaign_id=row.campaign_id,
        user_id=row.user_id, rail="stripe", payment_method_id=card.id, state=PaymentState.CAPTURED,
        amount_minor=row.price_minor, currency="USD", authorised_minor=row.price_minor,
        captured_minor=row.price_minor, intent_ref=f"pi_{uuid4().hex}", created_at=now,
        updated_at=now,
    )  # fmt: skip


async def _refund(
    session: AsyncSession, row: BookingRow, payment: PaymentRow, status: str, now: datetime
) -> None:
    amount = row.price_minor - row.penalty_minor
    session.add(
        RefundRow(
            id=uuid4(),
            payment_id=payment.id,
            booking_id=row.id,
            user_id=row.user_id,
            amount_minor=amount,
            currency="USD",
            status=status,
            reason="cancelled by traveller",
            created_at=now,
            updated_at=now,
        )
    )
    if status == "succeeded":
        payment.refunded_minor, payment.state = amount, PaymentState.REFUNDED
        row.status = BookingStatus.REFUNDED


async def _events(session: AsyncSession, row: BookingRow, now: datetime) -> None:
    assert row.campaign_id is not None
    kinds = ["order.placed", "payment.captured", "booking.paid"]
    if row.state is not BookingState.TICKETING:
        kinds.append("booking.ticketed")
    if row.state in {BookingState.CANCELLING, BookingState.CANCELLED}:
        kinds.append("booking.cancelling")
    if row.state is BookingState.CANCELLED:
        kinds.append("booking.cancelled")
    for kind in kinds:
        data = {
            "amount_minor": row.price_minor,
            "currency": row.currency,
            "booking_reference": row.booking_reference,
            "cancelled_by": row.cancelled_by,
        }
        await append_event(session, row.campaign_id, kind, data, now)

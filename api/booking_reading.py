"""A booking read whole: its row, its money, its events, and the order opened for people."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.booking import BookingRow
from db.models.campaign import CampaignRow
from db.models.campaign_event import CampaignEventRow
from db.models.dispute import DisputeRow
from db.models.payment import PaymentRow
from db.models.payment_method import PaymentMethodRow
from db.models.refund import RefundRow
from db.queries.booking_history import booking_events, payments_of
from db.queries.bookings import get_booking
from db.queries.campaigns import get_campaign
from db.queries.disputes import disputes_of
from db.queries.payment_methods import get_payment_method
from db.queries.payments import refunds_of
from db.vault import PersonalVault
from domain.ids import UserId
from domain.itineraries import Itinerary
from domain.money import Money
from domain.order_details import OrderDetails
from domain.orders import BookingState
from domain.payments import PaymentState
from providers.registry import read_order
from runtime.crypto import DecryptionFailed
from runtime.key_store import KeyDestroyed

# What somebody may want to read on the way, without network.
WORTH_KEEPING = frozenset({BookingState.ORDERED, BookingState.TICKETING, BookingState.TICKETED})
_TAKEN = frozenset({PaymentState.CAPTURED, PaymentState.REFUNDED})


@dataclass(frozen=True)
class BookingRead:
    row: BookingRow
    itinerary: Itinerary
    details: OrderDetails
    campaign: CampaignRow | None
    payments: tuple[PaymentRow, ...]
    refunds: tuple[RefundRow, ...]
    card: PaymentMethodRow | None
    events: tuple[CampaignEventRow, ...]
    disputes: tuple[DisputeRow, ...]

    @property
    def price(self) -> Money:
        return self.money(self.row.price_minor)

    @property
    def payment(self) -> PaymentRow | None:
        """The payment that paid for it."""
        return next((one for one in self.payments if one.state in _TAKEN), None)

    @property
    def charged(self) -> Money:
        return self.money(sum(one.captured_minor for one in self.payments))

    @property
    def refunded(self) -> Money:
        return self.money(sum(one.refunded_minor for one in self.payments))

    @property
    def penalty(self) -> Money:
        return self.money(self.row.penalty_minor)

    @property
    def saved(self) -> Money | None:
        """How far under the wish's budget it was booked."""
        if self.campaign is None or self.campaign.currency != self.row.currency:
            return None
        return self.money(max(self.campaign.budget_minor - self.row.price_minor, 0))

    def money(self, minor: int) -> Money:
        return Money(minor=minor, currency=self.row.currency)


async def read_booking(
    session: AsyncSession, vault: PersonalVault, owner: UserId, booking_id: UUID
) -> BookingRead | None:
    """Return the owner's booking; None where they have no such one."""
    row = await get_booking(session, booking_id)
    if row is None or row.user_id != owner:
        return None
    payments = await payments_of(session, row)
    taken = next((one for one in payments if one.state in _TAKEN), None)
    return BookingRead(
        row=row,
        itinerary=Itinerary.model_validate(row.itinerary),
        details=await read_details(session, vault, row),
        campaign=await get_campaign(session, row.campaign_id) if row.campaign_id else None,
        payments=tuple(payments),
        refunds=tuple(await refunds_of(session, row.id)),
        card=await get_payment_method(session, taken.payment_method_id) if taken else None,
        events=tuple(await booking_events(session, row)),
        disputes=tuple(await disputes_of(session, row.id)),
    )


async def read_details(
    session: AsyncSession, vault: PersonalVault, row: BookingRow
) -> OrderDetails:
    """Open what the seller says of an order, for its owner's eyes."""
    if row.raw_order_encrypted is None:
        return OrderDetails()
    try:
        raw = await vault.open(
            session,
            UserId(row.user_id),
            row.raw_order_encrypted,
            table="bookings",
            column="raw_order",
            row_id=row.id,
            subject=row.id,
        )
    except (DecryptionFailed, KeyDestroyed):
        # The person's key is gone: what stands in the row itself is still told.
        return OrderDetails()
    return read_order(row.provider.value, raw)

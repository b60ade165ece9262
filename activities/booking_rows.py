"""What a booking's row keeps of its order, written in one way wherever the order was read."""

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import BookingRow
from db.queries.bookings import set_flights
from db.vault import PersonalVault
from domain.ids import UserId
from providers.ports import ProviderOrder


async def write_flights(
    session: AsyncSession, vault: PersonalVault, row: BookingRow, order: ProviderOrder
) -> None:
    """Take over the flights as the order has them now, with all that it says of changes."""
    row.schedule_changes = order.schedule_changes
    set_flights(row, order.itinerary)
    row.raw_order_encrypted = await sealed_order(session, vault, row, order)


async def sealed_order(
    session: AsyncSession, vault: PersonalVault, row: BookingRow, order: ProviderOrder
) -> str:
    return await vault.seal(
        session,
        UserId(row.user_id),
        order.raw,
        table="bookings",
        column="raw_order",
        row_id=row.id,
        subject=row.id,
    )

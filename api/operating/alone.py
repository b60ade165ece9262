"""How much one operator does alone, and whether there is anybody for the rest."""

from collections.abc import Iterable
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.user import Role
from db.queries.switches import get_switch
from db.queries.users import list_accounts
from domain.money import Money
from runtime.operating_settings import OperatingSettings

REFUND_ALONE = "refund_alone"
_ADMINS_SEEN = 100


async def alone_up_to(session: AsyncSession, limits: OperatingSettings, currency: str) -> Money:
    """Return the most that one operator refunds alone: as two admins agreed, or as it is set."""
    agreed = await get_switch(session, REFUND_ALONE) or {}
    amount = agreed.get(currency, limits.refund_alone.get(currency, Decimal(0)))
    return Money.parse(Decimal(amount), currency)


async def limits_that_hold(
    session: AsyncSession, limits: OperatingSettings, sold_in: Iterable[str]
) -> list[Money]:
    """Return the limit of each currency that has one, and of those that are sold in."""
    agreed = await get_switch(session, REFUND_ALONE) or {}
    currencies = {*sold_in, *limits.refund_alone, *agreed}
    return [await alone_up_to(session, limits, currency) for currency in sorted(currencies)]


async def others_who_may_decide(session: AsyncSession, operator: str) -> bool:
    """Say whether there is an admin besides whoever asks."""
    admins = await list_accounts(session, Role.ADMIN, _ADMINS_SEEN)
    return any(one.confirmed and str(one.id) != operator for one in admins)

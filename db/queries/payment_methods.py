"""Saved cards: exactly one default among a person's, and none taken from under a campaign."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.errors import InUse
from db.models.attempt import AttemptRow
from db.models.campaign import CampaignRow
from db.models.payment_customer import PaymentCustomerRow
from db.models.payment_method import PaymentMethodRow, PaymentMethodStatus
from db.models.payment_setup import PaymentSetupRow
from db.models.user import UserRow
from domain.attempts import LIVE
from domain.campaigns import ENDED
from domain.ids import UserId


async def get_payment_customer(session: AsyncSession, user_id: UserId) -> PaymentCustomerRow | None:
    return await session.get(PaymentCustomerRow, user_id)


async def ensure_payment_customer(
    session: AsyncSession, customer: PaymentCustomerRow
) -> PaymentCustomerRow:
    """Keep the customer unless the person has one already; return the one that stands."""
    await session.execute(
        insert(PaymentCustomerRow).values(**customer.model_dump()).on_conflict_do_nothing()
    )
    return await session.get_one(PaymentCustomerRow, customer.user_id, populate_existing=True)


async def add_payment_method(
    session: AsyncSession, method: PaymentMethodRow, *, default: bool = False
) -> PaymentMethodRow:
    """Save a card; the first one becomes the default by itself. The same id again is harmless."""
    await _lock_cards(session, method.user_id)
    known = await session.get(PaymentMethodRow, method.id, populate_existing=True)
    if known is not None:
        return known
    method.is_default = False
    session.add(method)
    await session.flush()
    if default or await default_payment_method(session, method.user_id) is None:
        await _set_default(session, method, method.created_at)
    return method


async def get_payment_method(session: AsyncSession, method_id: UUID) -> PaymentMethodRow | None:
    """Return the card, also a detached one."""
    return await session.get(PaymentMethodRow, method_id, populate_existing=True)


async def list_payment_methods(session: AsyncSession, user_id: UUID) -> list[PaymentMethodRow]:
    """Return the person's cards that are not detached, the default first."""
    query = (
        select(PaymentMethodRow)
        .where(
            col(PaymentMethodRow.user_id) == user_id,
            col(PaymentMethodRow.status) != PaymentMethodStatus.DETACHED,
        )
        .order_by(
            col(PaymentMethodRow.is_default).desc(),
            col(PaymentMethodRow.created_at).desc(),
            col(PaymentMethodRow.id),
        )
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(query))


async def default_payment_method(session: AsyncSession, user_id: UUID) -> PaymentMethodRow | None:
    cards = await list_payment_methods(session, user_id)
    return cards[0] if cards and cards[0].is_default else None


async def make_default(
    session: AsyncSession, user_id: UserId, method_id: UUID, now: datetime
) -> PaymentMethodRow | None:
    """Make the card the person's only default; None if they have no such card."""
    await _lock_cards(session, user_id)
    row = await get_payment_method(session, method_id)
    if row is None or row.user_id != user_id or row.status is PaymentMethodStatus.DETACHED:
        return None
    await _set_default(session, row, now)
    return row


async def set_payment_method_status(
    session: AsyncSession,
    method_id: UUID,
    status: PaymentMethodStatus,
    reason: str | None,
    now: datetime,
) -> PaymentMethodRow | None:
    """Say whether the card can be used, and if not, why."""
    row = await session.get(
        PaymentMethodRow, method_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if row is None or row.status is PaymentMethodStatus.DETACHED:
        return row
    row.status, row.status_reason, row.updated_at = status, reason, now
    return row


async def detach_payment_method(
    session: AsyncSession, user_id: UserId, method_id: UUID, now: datetime
) -> PaymentMethodRow | None:
    """Give up a card; campaigns that would charge it change over to the default.

    When the default goes, the newest usable card takes its place. None: no such card.

    Raises:
        InUse: an attempt is charging the card at this moment, or a campaign needs it and there
            is no other usable one.
    """
    await _lock_cards(session, user_id)
    row = await get_payment_method(session, method_id)
    if row is None or row.user_id != user_id:
        return None
    if row.status is PaymentMethodStatus.DETACHED:
        return row
    charging = await _campaigns_booking_with(session, method_id)
    if charging:
        raise InUse("this card", charging)
    heir = _heir(await list_payment_methods(session, user_id), row)
    needing = await _campaigns_charging(session, row)
    if needing and heir is None:
        raise InUse("this card", needing)
    was_default = row.is_default
    row.status, row.is_default, row.updated_at = PaymentMethodStatus.DETACHED, False, now
    await session.flush()
    if heir is not None:
        if was_default:
            await _set_default(session, heir, now)
        await session.execute(
            update(CampaignRow)
            .where(col(CampaignRow.id).in_(needing), col(CampaignRow.payment_method_id) == row.id)
            .values(payment_method_id=None)
        )
    return row


async def wishes_by_card(
    session: AsyncSession, user_id: UserId
) -> dict[UUID | None, list[tuple[UUID, str]]]:
    """Return the person's wishes that have not ended, by the card that they name; None: default."""
    query = (
        select(col(CampaignRow.payment_method_id), col(CampaignRow.id), col(CampaignRow.name))
        .where(col(CampaignRow.user_id) == user_id, col(CampaignRow.status).not_in(ENDED))
        .order_by(col(CampaignRow.created_at))
    )
    found: dict[UUID | None, list[tuple[UUID, str]]] = {}
    for card, campaign, name in await session.execute(query):
        found.setdefault(card, []).append((campaign, name))
    return found


async def card_in_place_of(
    session: AsyncSession, leaving: PaymentMethodRow
) -> PaymentMethodRow | None:
    """Return the card that would stand in if this one went."""
    return _heir(await list_payment_methods(session, leaving.user_id), leaving)


async def add_payment_setup(session: AsyncSession, setup: PaymentSetupRow) -> PaymentSetupRow:
    session.add(setup)
    await session.flush()
    return setup


async def get_payment_setup(
    session: AsyncSession, setup_id: UUID, *, lock: bool = False
) -> PaymentSetupRow | None:
    return await session.get(
        PaymentSetupRow,
        setup_id,
        with_for_update={"key_share": True} if lock else None,
        populate_existing=True,
    )


async def finish_payment_setup(
    session: AsyncSession,
    setup: PaymentSetupRow,
    status: str,
    now: datetime,
    payment_method_id: UUID | None = None,
) -> None:
    setup.status, setup.updated_at = status, now
    setup.payment_method_id = payment_method_id or setup.payment_method_id
    await session.flush()


def _heir(cards: list[PaymentMethodRow], leaving: PaymentMethodRow) -> PaymentMethodRow | None:
    """Return the card that stands in: the default, else the newest, if usable."""
    others = [c for c in cards if c.id != leaving.id and c.status is PaymentMethodStatus.USABLE]
    return others[0] if others else None


async def _campaigns_charging(session: AsyncSession, row: PaymentMethodRow) -> list[UUID]:
    """Return the campaigns that would charge the card: by name, or as the default."""
    theirs = col(CampaignRow.payment_method_id) == row.id
    if row.is_default:
        theirs = or_(theirs, col(CampaignRow.payment_method_id).is_(None))
    query = select(col(CampaignRow.id)).where(
        col(CampaignRow.user_id) == row.user_id, col(CampaignRow.status).not_in(ENDED), theirs
    )
    return list(await session.scalars(query))


async def _campaigns_booking_with(session: AsyncSession, method_id: UUID) -> list[UUID]:
    query = select(col(AttemptRow.campaign_id)).where(
        col(AttemptRow.payment_method_id) == method_id, col(AttemptRow.state).in_(LIVE)
    )
    return list(await session.scalars(query))


async def _set_default(session: AsyncSession, row: PaymentMethodRow, now: datetime) -> None:
    # One statement each: the partial unique index is checked row by row.
    await session.execute(
        update(PaymentMethodRow)
        .where(col(PaymentMethodRow.user_id) == row.user_id, col(PaymentMethodRow.is_default))
        .values(is_default=False)
    )
    row.is_default, row.updated_at = True, now
    await session.flush()


async def _lock_cards(session: AsyncSession, user_id: UUID) -> None:
    """Let one change of a person's cards happen at a time."""
    await session.get(UserRow, user_id, with_for_update={"key_share": True}, populate_existing=True)

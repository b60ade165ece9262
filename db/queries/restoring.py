"""What is done to a database that comes back from a backup, before anything runs on it."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import CursorResult, Executable, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from db.models.account_link import AccountLinkRow
from db.models.booking import BookingRow
from db.models.campaign import CampaignRow
from db.models.passkey import PasskeyChallengeRow
from db.models.pending_sign_in import PendingSignInRow
from db.models.proposal import ProposalStatus
from db.models.user import Role, UserRow
from db.queries.mandates import revoke_mandate
from db.queries.openings import close_proposal
from db.queries.transitions import change_state, lock_campaign
from domain.campaigns import CAMPAIGN_TRANSITIONS, ENDED, CampaignState
from domain.ids import BookingId, CampaignId
from domain.journal import Act, Entry
from domain.orders import BookingState

CONSENTS = "mandates"
_CONSENT_NEEDED = "consent_needed"
_OVER = (BookingState.CANCELLED, BookingState.FLOWN)


async def revoke_everything(session: AsyncSession, now: datetime) -> int:
    """End every session, key and link: whoever holds one shows anew who they are.

    Whatever has `revoked_at` is one, whoever added it; consents alone are the journal's business.
    """
    ended = 0
    for table in SQLModel.metadata.sorted_tables:
        if "revoked_at" in table.c and table.name != CONSENTS:
            ended += await _count(
                session,
                update(table).where(table.c.revoked_at.is_(None)).values(revoked_at=now),
            )
    links = update(AccountLinkRow).where(col(AccountLinkRow.used_at).is_(None))
    ended += await _count(session, links.values(used_at=now))
    for half_way in (PendingSignInRow, PasskeyChallengeRow):
        await session.execute(delete(half_way))
    return ended


async def do_again(session: AsyncSession, entries: Iterable[Entry], now: datetime) -> None:
    """Do to the rows what the journal says was done after the backup; erasures are done elsewhere.

    What was made after the backup is not there, and then there is nothing to take back.
    """
    wishes: dict[UUID, str] = {}
    tables = SQLModel.metadata.tables
    for entry in entries:
        table = tables.get(entry.table)
        if table is None:
            continue
        key = next(iter(table.primary_key))
        match entry.act:
            case Act.REVOKED:
                standing = update(table).where(key == entry.row, table.c.revoked_at.is_(None))
                await session.execute(standing.values(revoked_at=entry.at))
            case Act.REMOVED:
                await session.execute(delete(table).where(key == entry.row))
            case Act.ROLE:
                user = update(UserRow).where(col(UserRow.id) == entry.row)
                await session.execute(user.values(role=Role(entry.value)))
            case Act.PASSWORD:
                user = update(UserRow).where(col(UserRow.id) == entry.row)
                await session.execute(user.values(password_hash=None))
            case Act.WISH:
                wishes[entry.row] = entry.value  # the last word counts
            case Act.ERASED:
                pass
    for campaign_id, word in wishes.items():
        await _stop(session, CampaignId(campaign_id), CampaignState(word), now)


async def _stop(
    session: AsyncSession, campaign_id: CampaignId, to: CampaignState, now: datetime
) -> None:
    row = await lock_campaign(session, campaign_id)
    # What is being booked was past its point of no return: it ends by itself.
    if row is None or row.status is CampaignState.BOOKING:
        return
    if to not in {CampaignState.PAUSED, CampaignState.CANCELLED}:
        return
    if row.status is not to and CAMPAIGN_TRANSITIONS.allows(row.status, to):
        await close_proposal(session, row, ProposalStatus.VOID, now)
        await change_state(session, row, to, now=now, event=f"campaign.{to.value}")


async def wait_for_owners(session: AsyncSession, now: datetime) -> int:
    """Let every wish that books wait for a consent: nobody knows which were withdrawn."""
    waiting = 0
    books = select(col(CampaignRow.id)).where(col(CampaignRow.status).not_in(ENDED))
    for campaign_id in list(await session.scalars(books)):
        row = await lock_campaign(session, CampaignId(campaign_id))
        if row is None or not row.mode.books or row.status is CampaignState.BOOKING:
            continue
        await revoke_mandate(session, row.id, now, kind=None)
        await close_proposal(session, row, ProposalStatus.VOID, now)
        waiting += 1
        if CAMPAIGN_TRANSITIONS.allows(row.status, CampaignState.NEEDS_ACTION):
            row.action_reason = _CONSENT_NEEDED
            await change_state(
                session,
                row,
                CampaignState.NEEDS_ACTION,
                now=now,
                event="campaign.needs_action",
                data={"reason": _CONSENT_NEEDED},
            )
    return waiting


async def unfinished(session: AsyncSession) -> tuple[list[CampaignId], list[BookingId]]:
    """Return the wishes and the bookings that a process has to be looking after."""
    wishes = select(col(CampaignRow.id)).where(col(CampaignRow.status).not_in(ENDED))
    bookings = select(col(BookingRow.id)).where(col(BookingRow.state).not_in(_OVER))
    return (
        [CampaignId(found) for found in await session.scalars(wishes)],
        [BookingId(found) for found in await session.scalars(bookings)],
    )


async def _count(session: AsyncSession, statement: Executable) -> int:
    done = await session.execute(statement)
    assert isinstance(done, CursorResult)
    return int(done.rowcount)

"""Where a notice goes: an address is sealed in the row, or is the account's own."""

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.notice import NoticeRow
from db.models.user import UserRow
from db.queries.notices import NewNotice
from db.vault import PersonalVault
from domain.ids import UserId

_PLACE = {"table": "notices", "column": "to"}


async def addressed_to(
    session: AsyncSession, vault: PersonalVault, notice: NewNotice, address: str
) -> NewNotice:
    """Return the notice, to be sent to this address instead of the account's own."""
    owner = UserId(notice.user_id)
    sealed = await vault.seal(session, owner, address, row_id=notice.id, **_PLACE)
    return replace(notice, to_encrypted=sealed)


async def address_of(
    session: AsyncSession, vault: PersonalVault, user: UserRow, notice: NoticeRow
) -> str:
    """Return the address that a notice is sent to."""
    owner = UserId(user.id)
    if notice.to_encrypted is not None:
        return await vault.open(session, owner, notice.to_encrypted, row_id=notice.id, **_PLACE)
    return await vault.open(
        session, owner, user.email_encrypted, table="users", column="email", row_id=user.id
    )

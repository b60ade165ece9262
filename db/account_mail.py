"""Mails about an account with a link to act at: the link's row and the notice, in one transaction.

The token is made of the link's id when the mail is written, and found again by its hash: it stands
in clear neither here nor in a workflow's history.
"""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.account_link import AccountLinkRow
from db.queries.account_links import add_link, get_link
from db.queries.notices import NewNotice, add_notices
from db.queries.users import find_user_id_by_email_hmac
from db.telling import addressed_to
from db.vault import PersonalVault
from domain.accounts import LINKS_LAST, LinkPurpose
from domain.ids import UserId
from runtime.tokens import email_hash, one_time_hash, one_time_token

TABLE, COLUMN = "account_links", "email"


class AccountMail:
    """Writes what is to be sent. Every call works inside the caller's transaction."""

    def __init__(self, vault: PersonalVault, secret: str) -> None:
        self._vault, self._secret = vault, secret

    async def confirm_address(
        self, session: AsyncSession, user_id: UserId, address: str, now: datetime
    ) -> None:
        """Ask whether the account's address is the person's own.

        Where the address belongs to another account, its owner is told so instead. Either way the
        same rows are written, so that nobody learns from us which it was.
        """
        link = await self._link(session, user_id, LinkPurpose.CONFIRM, now)
        holder = await find_user_id_by_email_hmac(session, email_hash(self._secret, address))
        if holder is None or holder == user_id:
            event = "confirm_email"
        else:
            event, link.used_at = "account_exists", now
        await self._tell(session, user_id, event, link, now)

    async def confirm_new_address(
        self, session: AsyncSession, user_id: UserId, *, old: str | None, new: str, now: datetime
    ) -> None:
        """Ask at a new address whether it is the person's own, and tell the old one of it.

        `old` is None where the old one was never confirmed: it may be a stranger's, who must not
        be handed the account.
        """
        link = await self._link(session, user_id, LinkPurpose.CONFIRM, now, address=new)
        holder = await find_user_id_by_email_hmac(session, email_hash(self._secret, new))
        event = "confirm_new_email"
        if holder not in {None, user_id}:
            event, link.used_at = "account_exists", now
        notice = NewNotice(event=event, subject_id=link.id, user_id=user_id, data=_data(link))
        await add_notices(session, [await addressed_to(session, self._vault, notice, new)], now)
        if old is None:
            return
        keep = await self._link(session, user_id, LinkPurpose.KEEP, now, address=old)
        asked = NewNotice(
            event="email_change_asked", subject_id=keep.id, user_id=user_id, data=_data(keep)
        )
        await add_notices(session, [await addressed_to(session, self._vault, asked, old)], now)

    async def reset_password(
        self, session: AsyncSession, user_id: UserId, now: datetime, *, link_id: UUID
    ) -> None:
        """Send a link to a new password to the account's address; once for each id."""
        if await get_link(session, link_id) is not None:
            return
        link = await self._link(session, user_id, LinkPurpose.RESET, now, link_id=link_id)
        await self._tell(session, user_id, "reset_password", link, now)

    async def tell(self, session: AsyncSession, user_id: UserId, event: str, now: datetime) -> None:
        """Tell the account's address of what was done, each time that it was."""
        notice = NewNotice(event=event, subject_id=uuid4(), user_id=user_id)
        await add_notices(session, [notice], now)

    async def tell_address(
        self, session: AsyncSession, user_id: UserId, event: str, address: str, now: datetime
    ) -> None:
        """Tell another address than the account's own."""
        notice = NewNotice(event=event, subject_id=uuid4(), user_id=user_id)
        await add_notices(session, [await addressed_to(session, self._vault, notice, address)], now)

    async def open_address(self, session: AsyncSession, link: AccountLinkRow) -> str | None:
        """Return the address that a link confirms or brings back, if not the account's own."""
        if link.email_encrypted is None:
            return None
        return await self._vault.open(
            session, UserId(link.user_id), link.email_encrypted,
            table=TABLE, column=COLUMN, row_id=link.id,
        )  # fmt: skip

    def hash_of(self, token: str) -> str:
        return one_time_hash(self._secret, token)

    async def _link(
        self,
        session: AsyncSession,
        user_id: UserId,
        purpose: LinkPurpose,
        now: datetime,
        *,
        address: str | None = None,
        link_id: UUID | None = None,
    ) -> AccountLinkRow:
        link_id = link_id or uuid4()
        sealed = None
        if address is not None:
            sealed = await self._vault.seal(
                session, user_id, address, table=TABLE, column=COLUMN, row_id=link_id
            )
        return await add_link(
            session,
            AccountLinkRow(
                id=link_id,
                user_id=user_id,
                purpose=purpose,
                token_hash=self.hash_of(one_time_token(self._secret, purpose, link_id)),
                email_encrypted=sealed,
                created_at=now,
                expires_at=now + LINKS_LAST[purpose],
            ),
        )

    async def _tell(
        self, session: AsyncSession, user_id: UUID, event: str, link: AccountLinkRow, now: datetime
    ) -> None:
        notice = NewNotice(event=event, subject_id=link.id, user_id=user_id, data=_data(link))
        await add_notices(session, [notice], now)


def _data(link: AccountLinkRow) -> dict[str, str]:
    return {"link_id": str(link.id), "expires_at": link.expires_at.isoformat()}

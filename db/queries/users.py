"""People and their API keys."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.errors import EmailTaken
from db.models.api_key import ApiKeyRow
from db.models.user import Role, UserRow
from db.queries.audit import write_down
from domain.api_keys import FULL_GRANT, KeyGrant, Scope
from domain.audit import Action, Entry
from domain.ids import UserId

# "Last used" is for people to read, so a key in constant use is not written to all the time.
_TOUCH_AT_MOST_EVERY = timedelta(minutes=1)


async def create_user(
    session: AsyncSession,
    *,
    user_id: UserId,
    email_encrypted: str,
    email_hmac: str | None,
    now: datetime,
) -> UserRow:
    """Add a person; without the HMAC the address is nobody's yet.

    Raises:
        EmailTaken: somebody has this address already.
    """
    added = await session.execute(
        insert(UserRow)
        .values(id=user_id, email_encrypted=email_encrypted, email_hmac=email_hmac, created_at=now)
        .on_conflict_do_nothing()
        .returning(col(UserRow.id))
    )
    if added.scalar_one_or_none() is None:
        raise EmailTaken
    return await session.get_one(UserRow, user_id)


async def anybody_here(session: AsyncSession) -> bool:
    """Say whether there is any account, to whoever asks: an empty installation says so."""
    return bool(await session.scalar(text("SELECT anybody_here()")))


async def get_user(session: AsyncSession, user_id: UUID) -> UserRow | None:
    return await session.get(UserRow, user_id)


async def renew_password_hash(
    session: AsyncSession, user_id: UserId, known: str | None, renewed: str
) -> None:
    """Store a hash with newer parameters, unless the password was changed in the meantime."""
    theirs = (col(UserRow.id) == user_id, col(UserRow.password_hash) == known)
    await session.execute(update(UserRow).where(*theirs).values(password_hash=renewed))


async def claim_address(
    session: AsyncSession, user: UserRow, *, email_encrypted: str, email_hmac: str, now: datetime
) -> None:
    """Let a confirmed address be the person's.

    Raises:
        EmailTaken: another account has confirmed it before; the transaction is over.
    """
    user.email_encrypted, user.email_hmac = email_encrypted, email_hmac
    user.email_confirmed_at = now
    try:
        await session.flush()
    except IntegrityError as error:
        raise EmailTaken from error


@dataclass(frozen=True)
class AccountLine:
    """An account without a word of whose it is."""

    id: UUID
    role: Role
    confirmed: bool


async def list_accounts(session: AsyncSession, role: Role, limit: int) -> list[AccountLine]:
    """List the accounts of a role, newest first, to whoever may see no person."""
    query = text("SELECT * FROM list_accounts(:role, :limit)")
    rows = await session.execute(query, {"role": role, "limit": limit})
    return [AccountLine(row.id, role, row.confirmed) for row in rows]


async def find_user_id_by_email_hmac(session: AsyncSession, email_hmac: str) -> UserId | None:
    """Find whose address this is, before it is known who asks; the rest is theirs to read."""
    query = text("SELECT find_user_by_email_hmac(:hmac)")
    found: UUID | None = await session.scalar(query, {"hmac": email_hmac})
    return None if found is None else UserId(found)


async def create_api_key(
    session: AsyncSession,
    *,
    key_id: UUID,
    user_id: UserId,
    key_hash: str,
    prefix: str,
    name: str,
    now: datetime,
    grant: KeyGrant = FULL_GRANT,
) -> ApiKeyRow:
    limits = grant.limits
    row = ApiKeyRow(
        id=key_id,
        user_id=user_id,
        key_hash=key_hash,
        prefix=prefix,
        name=name,
        scopes=[scope for scope in Scope if grant.may(scope)],
        limit_each_minor=limits.each.minor if limits else None,
        limit_total_minor=limits.total.minor if limits else None,
        limit_currency=limits.each.currency if limits else None,
        created_at=now,
        expires_at=grant.expires_at,
    )
    session.add(row)
    await session.flush()
    made: dict[str, object] = {"prefix": prefix, "scopes": list(row.scopes)}
    if limits:
        made |= {"each_minor": limits.each.minor, "total_minor": limits.total.minor}
    entry = Entry(Action.KEY_MADE, "api key", str(key_id), user_id, after=made)
    await write_down(session, entry, now)
    return row


async def find_api_key(session: AsyncSession, key_hash: str) -> tuple[UUID, UserId] | None:
    """Find a key that was not revoked, and whose it is, before it is known who asks."""
    query = text("SELECT key_id, user_id FROM find_api_key(:hash)")
    row = (await session.execute(query, {"hash": key_hash})).one_or_none()
    return None if row is None else (row.key_id, UserId(row.user_id))


async def get_api_key(session: AsyncSession, key_id: UUID) -> ApiKeyRow | None:
    """Return the key unless it was revoked; needs its owner's transaction."""
    row = await session.get(ApiKeyRow, key_id, populate_existing=True)
    return row if row is not None and row.revoked_at is None else None


def touch_is_due(key: ApiKeyRow, now: datetime) -> bool:
    """Say whether the key's last use should be written down again."""
    return key.last_used_at is None or key.last_used_at < now - _TOUCH_AT_MOST_EVERY


async def touch_api_key(session: AsyncSession, key_id: UUID, now: datetime) -> None:
    """Remember that the key was used; needs its owner's transaction."""
    used = col(ApiKeyRow.last_used_at)
    await session.execute(
        update(ApiKeyRow)
        .where(
            col(ApiKeyRow.id) == key_id,
            or_(used.is_(None), used < now - _TOUCH_AT_MOST_EVERY),
        )
        .values(last_used_at=now)
        .execution_options(synchronize_session=False)
    )


async def list_api_keys(session: AsyncSession, user_id: UserId) -> list[ApiKeyRow]:
    """Return the person's keys, newest first, revoked ones included."""
    query = select(ApiKeyRow).where(col(ApiKeyRow.user_id) == user_id)
    return list(await session.scalars(query.order_by(col(ApiKeyRow.created_at).desc())))


async def revoke_api_key(
    session: AsyncSession, user_id: UserId, key_id: UUID, now: datetime
) -> bool:
    """Revoke one of the person's keys; False if they have no such key. Again is harmless."""
    row = await session.get(ApiKeyRow, key_id, populate_existing=True)
    if row is None or row.user_id != user_id:
        return False
    if row.revoked_at is None:
        row.revoked_at = now
        entry = Entry(Action.KEY_REVOKED, "api key", str(key_id), user_id)
        await write_down(session, entry, now)
    return True


async def give_role(
    session: AsyncSession, user: UserRow, role: Role, now: datetime, *, reason: str = ""
) -> None:
    """Let an account be something else to the installation."""
    before, user.role = user.role, role
    entry = Entry(
        Action.ROLE_GIVEN, "account", str(user.id), user.id,
        {"role": before.value}, {"role": role.value}, reason,
    )  # fmt: skip
    await write_down(session, entry, now)


async def set_settings(
    session: AsyncSession,
    user_id: UUID,
    *,
    locale: str,
    time_zone: str,
    display_currency: str | None,
) -> None:
    """Keep how somebody is spoken to."""
    row = await session.get_one(UserRow, user_id)
    row.locale, row.time_zone, row.display_currency = locale, time_zone, display_currency
    await session.flush()

"""Opening an account and giving out a key: what an operator does for a person, once each."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.api_key import ApiKeyRow
from db.queries.users import create_api_key, create_user, find_user_id_by_email_hmac
from db.vault import PersonalVault
from domain.api_keys import FULL_GRANT, KeyGrant
from domain.ids import UserId
from runtime.tokens import API_KEY_PREFIX_LENGTH, api_key_hash, email_hash, new_api_key


async def ensure_account(
    session: AsyncSession,
    vault: PersonalVault,
    *,
    email: str,
    pepper: str,
    now: datetime,
    new_id: UserId | None = None,
) -> UserId:
    """Return the person with this address, added if new. Runs under the worker's role.

    An operator's transaction is about one person, so there a new one's id is decided before.
    """
    hashed = email_hash(pepper, email)
    known = await find_user_id_by_email_hmac(session, hashed)
    if known is not None:
        return known
    user_id = new_id or UserId(uuid4())
    # The data key hangs on the person's row, so the address is sealed once that is there.
    row = await create_user(
        session, user_id=user_id, email_encrypted="", email_hmac=hashed, now=now
    )
    # Whoever opens an account for somebody answers for the address.
    row.email_confirmed_at = now
    row.email_encrypted = await vault.seal(
        session, user_id, email.strip(), table="users", column="email", row_id=user_id
    )
    await session.flush()
    return user_id


async def issue_api_key(
    session: AsyncSession,
    user_id: UserId,
    *,
    name: str,
    pepper: str,
    now: datetime,
    grant: KeyGrant = FULL_GRANT,
    key_id: UUID | None = None,
) -> tuple[ApiKeyRow, str]:
    """Make a key; the text is returned this once and only its hash is kept."""
    key = new_api_key()
    row = await create_api_key(
        session,
        key_id=key_id or uuid4(),
        user_id=user_id,
        key_hash=api_key_hash(pepper, key),
        prefix=key[:API_KEY_PREFIX_LENGTH],
        name=name,
        now=now,
        grant=grant,
    )
    return row, key

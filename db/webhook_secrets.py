"""The sealed parts of a webhook: its address, and the secrets that its messages are signed with."""

import base64
import secrets
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.webhook import WebhookEndpointRow
from db.vault import PersonalVault
from domain.ids import UserId
from domain.webhooks import OLD_SECRET_LIVES

_TABLE = "webhook_endpoints"
# The specification asks for 24 to 64 bytes.
_SECRET_BYTES = 32


def new_secret() -> str:
    """Return a fresh secret as receivers' libraries want it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


async def sealed_endpoint(
    session: AsyncSession, vault: PersonalVault, row: WebhookEndpointRow, *, url: str, secret: str
) -> WebhookEndpointRow:
    """Fill in a new endpoint's sealed parts."""
    owner = UserId(row.user_id)
    row.url_encrypted = await vault.seal(
        session, owner, url, table=_TABLE, column="url", row_id=row.id
    )
    row.secret_encrypted = await vault.seal(
        session, owner, secret, table=_TABLE, column="secret", row_id=row.id
    )
    return row


async def rotate_secret(
    session: AsyncSession, vault: PersonalVault, row: WebhookEndpointRow, now: datetime
) -> str:
    """Replace the secret and return the new one, this once; the one before signs along for a day.

    One that was replaced before is worth nothing from now on.
    """
    owner = UserId(row.user_id)
    before = await vault.open(
        session, owner, row.secret_encrypted, table=_TABLE, column="secret", row_id=row.id
    )
    row.old_secret_encrypted = await vault.seal(
        session, owner, before, table=_TABLE, column="old_secret", row_id=row.id
    )
    row.old_secret_until = now + OLD_SECRET_LIVES
    secret = new_secret()
    row.secret_encrypted = await vault.seal(
        session, owner, secret, table=_TABLE, column="secret", row_id=row.id
    )
    row.updated_at = now
    return secret


async def opened_url(session: AsyncSession, vault: PersonalVault, row: WebhookEndpointRow) -> str:
    return await vault.open(
        session,
        UserId(row.user_id),
        row.url_encrypted,
        table=_TABLE,
        column="url",
        row_id=row.id,
    )


async def opened_secrets(
    session: AsyncSession, vault: PersonalVault, row: WebhookEndpointRow, now: datetime
) -> list[str]:
    """Return the secrets that sign now, the newest first."""
    owner = UserId(row.user_id)
    found = [
        await vault.open(
            session, owner, row.secret_encrypted, table=_TABLE, column="secret", row_id=row.id
        )
    ]
    if row.old_secret_encrypted and row.old_secret_until and row.old_secret_until > now:
        found.append(
            await vault.open(
                session,
                owner,
                row.old_secret_encrypted,
                table=_TABLE,
                column="old_secret",
                row_id=row.id,
            )
        )
    return found

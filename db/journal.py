"""What a transaction takes back for ever, noted for the journal that lies apart from the database.

Queries that revoke in bulk say so with `remember`; what is changed on a row is noticed by itself.
`Database.transaction` writes all of it down, on the disk, before it commits.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from db.models.campaign import CampaignRow
from db.models.user import UserRow
from domain.campaigns import CampaignState
from domain.journal import Act, Entry
from runtime.clock import system_now

_NOTED = "journal"
_STANDING = frozenset({CampaignState.PAUSED, CampaignState.CANCELLED})


def remember(  # noqa: PLR0917
    session: AsyncSession | Session,
    act: Act,
    table: str,
    rows: Iterable[UUID],
    owner: UUID,
    value: str = "",
    *,
    at: datetime | None = None,
) -> None:
    """Note that this transaction does something that no backup may undo."""
    noted: list[Entry] = session.info.setdefault(_NOTED, [])
    when = at or system_now()
    noted += [
        Entry(act=act, table=table, row=row, owner=owner, value=value, at=when) for row in rows
    ]


def noted_in(session: AsyncSession) -> list[Entry]:
    """Return what was noted so far."""
    return list(session.info.get(_NOTED, []))


def notice(session: Session, row: Any) -> None:
    """Note what the change of one row takes back, if it does."""
    if isinstance(row, UserRow):
        if _changed(row, "role"):
            remember(session, Act.ROLE, "users", [row.id], row.id, row.role.value)
        if _changed(row, "password_hash"):
            remember(session, Act.PASSWORD, "users", [row.id], row.id)
    elif isinstance(row, CampaignRow):
        if _changed(row, "status") and {row.status, *_before(row, "status")} & _STANDING:
            table = str(row.__tablename__)
            remember(session, Act.WISH, table, [row.id], row.user_id, row.status.value)
    elif getattr(row, "revoked_at", None) is not None and _changed(row, "revoked_at"):
        remember(session, Act.REVOKED, row.__tablename__, [row.id], row.user_id)


def _changed(row: Any, name: str) -> bool:
    return bool(inspect(row).attrs[name].history.has_changes())


def _before(row: Any, name: str) -> Iterable[Any]:
    return inspect(row).attrs[name].history.deleted or ()

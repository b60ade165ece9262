"""The audit log: a row beside each change, in its transaction; read again in order."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from db.acting import who_acts
from db.models.audit import AuditRow
from db.own_words import StillSealed, sealed_now
from db.session import write_last
from domain.audit import Action, Actor, Entry
from runtime.key_store import KeyDestroyed
from runtime.telemetry import redacted

_SHORT = 200
REASON = "audit_log.reason"


async def write_down(
    session: AsyncSession, entry: Entry, now: datetime, *, by: Actor | None = None
) -> None:
    """Write down what this transaction does; it stands if and only if the change does.

    `by`: who did it, where that is not who acts in this transaction (`db/acting.py`).
    """
    actor = by or who_acts(session)
    account, about = _account(actor.id), entry.user_id
    write_last(
        session,
        AuditRow(
            at=now,
            actor_kind=actor.kind,
            actor=actor.id,
            role=actor.role,
            channel=actor.channel,
            network=actor.network or None,
            action=entry.action,
            object_kind=entry.kind,
            object_id=entry.id,
            user_id=about,
            before=_facts(entry.before),
            after=_facts(entry.after),
            reason=_sealed(session, entry.reason, about, account),
        ),
    )


def sealed_reason(
    session: AsyncSession, words: str, about: UUID | None, actor: str
) -> StillSealed | str:
    """Seal a reason as a row of the log has it, for one that is written later."""
    return _sealed(session, words, about, _account(actor)) or ""


def _sealed(session: AsyncSession, words: str, *owners: UUID | None) -> StillSealed | None:
    """Seal words with the key of whoever they are about; what is about nobody stands in clear.

    Of somebody who is forgotten already nothing is written: the next one's key seals it.
    """
    if not words:
        return None
    if isinstance(words, StillSealed):
        return words
    dialect = session.get_bind().dialect
    people = [owner for owner in owners if owner is not None]
    for owner in people:
        with suppress(KeyDestroyed):
            return sealed_now(dialect, owner, REASON, words)
    return None if people else StillSealed(words)


def _account(actor: str) -> UUID | None:
    try:
        return UUID(actor)
    except ValueError:
        return None


def _facts(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be written: short, and nothing that looks like a person's data."""
    return {
        name: value[:_SHORT] if isinstance(value, str) else value
        for name, value in redacted(values).items()
    }


async def list_audit(
    session: AsyncSession,
    *,
    action: Action | None = None,
    object_id: str | None = None,
    user_id: UUID | None = None,
    actor: str | None = None,
    before_id: int | None = None,
    limit: int = 50,
) -> list[AuditRow]:
    """Return rows, the latest first."""
    query = select(AuditRow)
    for column, wanted in (
        (AuditRow.action, action),
        (AuditRow.object_id, object_id),
        (AuditRow.user_id, user_id),
        (AuditRow.actor, actor),
    ):
        if wanted is not None:
            query = query.where(col(column) == wanted)
    if before_id is not None:
        query = query.where(col(AuditRow.id) < before_id)
    return list(await session.scalars(query.order_by(col(AuditRow.id).desc()).limit(limit)))

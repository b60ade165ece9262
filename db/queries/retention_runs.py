"""What the daily run removed, as the audit log holds it."""

from sqlalchemy.ext.asyncio import AsyncSession

from db.queries.audit import list_audit
from domain.audit import Action
from domain.retention import PERIODS, Run


async def list_runs(session: AsyncSession, limit: int) -> list[Run]:
    """Return the last runs, the latest first."""
    rows = await list_audit(session, action=Action.RETENTION_RAN, limit=limit * len(PERIODS))
    runs: dict[str, Run] = {}
    for row in rows:
        run = runs.setdefault(row.object_id, Run(row.at, {}))
        removed = {str(row.after["kind"]): int(row.after["removed"])}
        runs[row.object_id] = Run(run.at, {**removed, **run.removed})
    return list(runs.values())[:limit]

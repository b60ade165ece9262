"""The audit log: who did what to which thing, when and why; and as a file."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.web.admin.asking import Asked, choices
from api.web.admin.entry import OperatorDep, console, operating
from db.models.audit import AuditRow
from db.queries.audit import list_audit
from domain.audit import COLUMNS, Action

router = APIRouter(tags=["console"], include_in_schema=False)
PATH = "/admin/audit"
_PAGE, _EXPORT_PAGE, _EXPORT_MOST = 50, 500, 50_000
# What people wrote is for reading here; a file goes further.
_EXPORTED = [name for name in COLUMNS if name not in {"network", "reason"}]
BeforeQuery = Annotated[int | None, Query(ge=1)]


@dataclass(frozen=True)
class AuditAsked(Asked):
    action: str = ""
    object_id: str = ""
    actor: str = ""

    async def rows(
        self, session: AsyncSession, before_id: int | None, limit: int
    ) -> list[AuditRow]:
        return await list_audit(
            session,
            action=Action(self.action) if self.action in set(Action) else None,
            object_id=self.object_id or None,
            user_id=_id(self.person),
            actor=self.actor or None,
            before_id=before_id,
            limit=limit,
        )


@router.get(PATH)
async def show_audit(visit: OperatorDep, before: BeforeQuery = None) -> HTMLResponse:
    """List what was done, the latest first."""
    asked = AuditAsked.of(visit.request.query_params)
    async with operating(visit) as session:
        rows = await asked.rows(session, before, _PAGE + 1)
    shown = rows[:_PAGE]
    return console(
        visit,
        "admin/audit.html",
        room=PATH,
        asked=asked,
        rows=shown,
        actions=choices([one.value for one in Action], "Any"),
        next_path=asked.path(PATH, before=str(shown[-1].id)) if len(rows) > _PAGE else None,
        first_path=asked.path(PATH) if before else None,
        export_path=asked.path(f"{PATH}.csv"),
    )


@router.get(f"{PATH}.csv")
async def export_audit(visit: OperatorDep) -> Response:
    """Give the same list as a file, without what people wrote and where they came from."""
    asked = AuditAsked.of(visit.request.query_params)
    found: list[AuditRow] = []
    before: int | None = None
    async with operating(visit) as session:
        while len(found) < _EXPORT_MOST:
            rows = await asked.rows(session, before, _EXPORT_PAGE)
            found += rows
            if len(rows) < _EXPORT_PAGE:
                break
            before = rows[-1].id
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_EXPORTED)
    for row in found:
        writer.writerow([_cell(row, name) for name in _EXPORTED])
    return Response(
        out.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="audit.csv"'},
    )


def _cell(row: AuditRow, name: str) -> str:
    if name == "at":
        return row.at.astimezone(UTC).isoformat(timespec="microseconds")
    value = getattr(row, name)
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True)
    return "" if value is None else str(value)


def _id(text: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)

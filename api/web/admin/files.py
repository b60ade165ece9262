"""Lists of the console as files for spreadsheets: ids, states, amounts and instants."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from db.paging import LARGEST_PAGE
from db.queries.console.lists import Line, Narrow, newest
from domain.money import Money

_MOST = 10_000


async def every_line(session: AsyncSession, table: Table, narrow: Narrow) -> list[Line]:
    """Return all that is looked for, as many as a file holds."""
    lines: list[Line] = []
    cursor: str | None = None
    while len(lines) < _MOST:
        page = await newest(session, table, narrow, cursor=cursor, limit=LARGEST_PAGE)
        lines += page.rows
        cursor = page.next_cursor
        if cursor is None:
            break
    return lines


def csv_file(name: str, columns: Sequence[str], lines: Iterable[Line]) -> Response:
    """Write plain decimal amounts and instants of UTC: nothing that anybody has typed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([column.removesuffix("_minor") for column in columns])
    for line in lines:
        writer.writerow([_cell(line, column) for column in columns])
    return Response(
        out.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _cell(line: Line, column: str) -> str:
    value = getattr(line, column)
    if column.endswith("_minor"):
        return Money(minor=value, currency=line.currency).amount()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return "" if value is None else str(value)

"""A list of the console: a sentence with the counts, a filter, a dense table, its older pages."""

from dataclasses import dataclass
from typing import Any

from fastapi.responses import HTMLResponse
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncSession

from api.web.admin.asking import Asked
from api.web.admin.entry import console, operating
from api.web.visits import Visit
from db.queries.console.lists import ALL, Narrow, counts_by, newest


@dataclass(frozen=True)
class Listing:
    """Where a list is, what it is of, and by which column it is counted."""

    path: str
    template: str
    table: Table
    counted: str = "state"
    at: str = "created_at"

    async def show(
        self, visit: Visit, asked: Asked, narrow: Narrow, cursor: str | None, **values: Any
    ) -> HTMLResponse:
        async with operating(visit) as session:
            return await self.show_in(session, visit, asked, narrow, cursor, **values)

    async def show_in(
        self,
        session: AsyncSession,
        visit: Visit,
        asked: Asked,
        narrow: Narrow,
        cursor: str | None,
        **values: Any,
    ) -> HTMLResponse:
        """Render a page of it; the counts are of everything that there is."""
        page = await newest(session, self.table, narrow, at=self.at, cursor=cursor)
        counts = await counts_by(session, self.table, self.counted, ALL, at=self.at)
        older = asked.path(self.path, cursor=page.next_cursor) if page.next_cursor else None
        return console(
            visit,
            self.template,
            room=self.path,
            here=self.path,
            asked=asked,
            page=page,
            counts=counts,
            total=sum(counts.values()),
            next_path=older,
            first_path=asked.path(self.path) if cursor else None,
            **values,
        )

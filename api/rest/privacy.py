"""Your own data over HTTP: what is held, who looked at it, and all of it at once."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from api.auth import CurrentUser
from api.dependencies import ServicesDep
from api.exporting import json_export
from api.rest.schemas.common import Response, problems
from db.queries.erasures import list_erasures
from db.queries.exports import count_rows
from db.queries.personal_reads import list_personal_reads
from domain.erasures import ErasureState
from domain.exports import FILES

router = APIRouter(prefix="/api/v1/account", tags=["account"])


class ReadBody(Response):
    """A look that one of us took at your data."""

    at: datetime
    who: str
    what: str
    why: str


class ErasureBody(Response):
    """What you asked to have erased; without a traveller it is the account."""

    id: UUID
    traveler_id: UUID | None
    state: ErasureState
    asked_at: datetime
    due_at: datetime
    waits_for: list[str]


class PrivacyResponse(Response):
    """How many rows of each kind are yours, who looked, and what is to be erased."""

    held: dict[str, dict[str, int]]
    looked: list[ReadBody]
    erasures: list[ErasureBody]


@router.get("/privacy", operation_id="show_privacy", responses=problems())
async def show(user: CurrentUser, services: ServicesDep) -> PrivacyResponse:
    """Say what is held of you, who of us looked at it and why, and what you had erased."""
    async with services.database.transaction(user.user_id) as session:
        tables = [table for file in FILES for table in file.tables]
        counts = await count_rows(session, user.user_id, tables)
        reads = [
            ReadBody(
                at=row.at,
                who=row.operator,
                what=row.what,
                why=await services.vault.open(
                    session,
                    user.user_id,
                    row.why_encrypted,
                    table="personal_reads",
                    column="why",
                    row_id=row.id,
                ),
            )
            for row in await list_personal_reads(session, user.user_id)
        ]
        asked = await list_erasures(session, user.user_id)
    return PrivacyResponse(
        held={file.name: {table: counts[table] for table in file.tables} for file in FILES},
        looked=reads,
        erasures=[
            ErasureBody(
                id=row.id,
                traveler_id=row.traveler_id,
                state=row.state,
                asked_at=row.asked_at,
                due_at=row.due_at,
                waits_for=row.waits_for,
            )
            for row in asked
        ],
    )


@router.post("/export", operation_id="export_account", responses=problems())
async def export(user: CurrentUser, services: ServicesDep) -> StreamingResponse:
    """Return everything that is held of you. The same as a zip file is on the page of your data."""
    return StreamingResponse(json_export(services, user.user_id), media_type="application/json")

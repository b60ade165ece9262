"""What you were told, and what you want to be told."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api.auth import CurrentUser
from api.dependencies import ServicesDep
from api.errors import not_found
from api.inbox import read_inbox, read_notice
from api.rest.schemas.common import Cursor, Limit, Page, body_problems, problems
from api.rest.schemas.notices import (
    NoticeResponse,
    PreferencesRequest,
    PreferencesResponse,
    ReadNoticesRequest,
    ReadNoticesResponse,
)
from db.queries.inbox import count_unread, mark_read
from db.queries.notice_choices import choose, preferences_of, set_hours

router = APIRouter(prefix="/api/v1", tags=["notices"])


@router.get("/notices", operation_id="list_notices", responses=problems())
async def list_all(
    user: CurrentUser,
    services: ServicesDep,
    *,
    unread: Annotated[bool, Query(description="Only what was not seen.")] = False,
    cursor: Cursor = None,
    limit: Limit = 20,
) -> Page[NoticeResponse]:
    """List what you were told, newest first."""
    async with services.database.transaction(user.user_id) as session:
        page = await read_inbox(
            session, services, user.user_id, only_unread=unread, cursor=cursor, limit=limit
        )
    items = [NoticeResponse.of(item) for item in page.rows]
    return Page(items=items, next_cursor=page.next_cursor)


@router.post("/notices/read", operation_id="read_notices", responses=body_problems())
async def read(
    body: ReadNoticesRequest, user: CurrentUser, services: ServicesDep
) -> ReadNoticesResponse:
    """Note that you saw notices."""
    async with services.database.transaction(user.user_id) as session:
        seen = await mark_read(
            session,
            user.user_id,
            services.clock(),
            notice_ids=body.notice_ids,
            until=body.until,
        )
        left = await count_unread(session, user.user_id)
    return ReadNoticesResponse(read=seen, unread=left)


@router.get("/notices/{notice_id}", operation_id="get_notice", responses=problems(404))
async def get(notice_id: UUID, user: CurrentUser, services: ServicesDep) -> NoticeResponse:
    """Read one notice. It counts as seen when you say so."""
    async with services.database.transaction(user.user_id) as session:
        item = await read_notice(session, services, user.user_id, notice_id)
    if item is None:
        raise not_found("notice")
    return NoticeResponse.of(item)


@router.get("/notice-preferences", operation_id="get_notice_preferences", responses=problems())
async def get_preferences(user: CurrentUser, services: ServicesDep) -> PreferencesResponse:
    """Read what you are told, where and when."""
    async with services.database.transaction(user.user_id) as session:
        return PreferencesResponse.of(await preferences_of(session, user.user_id))


@router.put("/notice-preferences", operation_id="set_notice_preferences", responses=body_problems())
async def set_preferences(
    body: PreferencesRequest, user: CurrentUser, services: ServicesDep
) -> PreferencesResponse:
    """Choose what you are told, where and when: all of it at once."""
    now = services.clock()
    async with services.database.transaction(user.user_id) as session:
        await choose(session, user.user_id, body.cells(), now)
        await set_hours(session, user.user_id, body.quiet(), body.least_change_percent, now)
        return PreferencesResponse.of(await preferences_of(session, user.user_id))

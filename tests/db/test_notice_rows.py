from datetime import time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.exc import ProgrammingError

from db.models.notice import NoticeState
from db.queries.notice_choices import choose, set_hours
from db.queries.notices import (
    NewNotice,
    add_notices,
    address_refused,
    due_notices,
    next_due,
    owners_waiting,
    pending_notices,
    people_untold,
)
from db.session import Database, SystemActor
from domain.telling import Channel, Choice, Kind, QuietHours

TESTS = SystemActor("tests")


async def test_the_api_tells_of_an_account_and_not_of_what_processes_do(
    database: Database, app_database: Database, cast: Any, now: Any
):
    async with database.transaction(TESTS) as session:
        owner = await cast.person(session)
        other = await cast.person(session)
        campaign = await cast.campaign(session, owner)
    mine = NewNotice(event="password_changed", subject_id=uuid4(), user_id=owner)
    async with app_database.transaction(owner) as session:
        await add_notices(session, [mine, mine], now)
        assert await next_due(session, owner) == now
    for forged in (
        NewNotice(event="password_changed", subject_id=uuid4(), user_id=other),
        NewNotice(
            event="booked", subject_id=uuid4(), user_id=owner, campaign_id=campaign.id, data={}
        ),
    ):
        with pytest.raises(ProgrammingError, match="row-level security"):
            async with app_database.transaction(owner) as session:
                await add_notices(session, [forged], now)
    async with database.transaction(TESTS) as session:
        later = now + timedelta(seconds=1)
        assert await people_untold(session, due_before=later, limit=5) == [owner]
        assert await people_untold(session, due_before=now, limit=5) == []


async def test_a_reader_is_told_where_and_when_they_chose(database: Database, cast: Any, now: Any):
    now = now.replace(hour=23, minute=30)
    async with database.transaction(TESTS) as session:
        owner = await cast.person(session)
        campaign = await cast.campaign(session, owner)
        night = QuietHours(begins=time(22), ends=time(7))
        await set_hours(session, owner, night, 10, now)
        await set_hours(session, owner, night, 5, now)
        await choose(session, owner, {(Kind.REFUNDS, Channel.EMAIL): Choice.OFF}, now)
        news = [
            NewNotice(event=event, subject_id=uuid4(), user_id=owner, campaign_id=campaign.id)
            for event in ("booked", "ticketed", "refunded")
        ]
        await add_notices(session, news, now)
        at_once = await pending_notices(session, campaign_id=campaign.id)
        assert [row.event for row in at_once] == ["booked"]
        assert await due_notices(session, owner, now, held=True) == []
        assert await owners_waiting(session, campaign_id=campaign.id) == [owner]
        assert await owners_waiting(session, campaign_id=uuid4()) == []
        morning = now.replace(minute=0) + timedelta(hours=8)
        (held,) = await due_notices(session, owner, morning, held=True)
        assert (held.event, held.due_at) == ("ticketed", morning)
        at_once[0].state = NoticeState.FAILED
        await session.flush()
        assert await address_refused(session, owner) == now
        held.state = NoticeState.SENT
        held.created_at = now + timedelta(seconds=1)
        await session.flush()
        assert await address_refused(session, owner) is None

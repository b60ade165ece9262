from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.exc import ProgrammingError

from db.queries.notices import NewNotice, add_notices, next_due, people_untold
from db.session import Database, SystemActor

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

"""What a transaction keeps in mind, and what it survives."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine, event, text

from db.locks import lock
from db.models.campaign import CampaignRow
from db.queries.transitions import change_state, lock_attempt, lock_campaign
from db.session import Database, SystemActor
from domain.campaigns import CampaignState
from domain.ids import UserId

WORKER = SystemActor("worker")


@contextmanager
def statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(*args: Any) -> None:
        seen.append(args[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_a_lock_is_taken_once_in_a_transaction(database: Database, cast: Any, now: Any):
    async with database.transaction(WORKER) as session:
        campaign_id = (await cast.campaign(session)).id
    for _ in range(2):  # the second transaction has to lock for itself
        with statements() as seen:
            async with database.transaction(WORKER) as session:
                row = await lock_campaign(session, campaign_id)
                assert row is not None
                row.action_reason = "not written yet"
                assert await lock(session, CampaignRow, campaign_id) is row
                assert row.action_reason == "not written yet"
                to = CampaignState.PAUSED
                if row.status is to:
                    to = CampaignState.ACTIVE
                await change_state(session, row, to, now=now, event="test.moved")
        assert sum("FOR NO KEY UPDATE" in statement for statement in seen) == 1


async def test_an_attempt_is_not_locked_under_another_campaign(database: Database, cast: Any):
    async with database.transaction(WORKER) as session:
        attempt = await cast.attempt(session, await cast.campaign(session))
        other = await cast.campaign(session)
    async with database.transaction(WORKER) as session:
        assert await lock_attempt(session, uuid4(), campaign_id=other.id) is None
        assert await lock_attempt(session, attempt.id, campaign_id=attempt.campaign_id)
        with pytest.raises(LookupError):
            await lock_attempt(session, attempt.id, campaign_id=other.id)


async def test_a_transaction_begins_though_its_connection_was_cut(
    database: Database, database_url: str
):
    one = text("SELECT 1")
    async with database.transaction(WORKER) as session, database.transaction(WORKER) as other:
        assert await session.scalar(one) == await other.scalar(one) == 1
    # Both wait in the pool now; cut them, as a restart of the server would.
    with psycopg.connect(database_url, autocommit=True) as owner:
        cut = owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid != pg_backend_pid()"
        ).fetchall()
    assert len(cut) == 2
    for _ in range(3):
        async with database.transaction(WORKER) as session:
            assert await session.scalar(one) == 1


async def test_each_transaction_acts_for_its_own_person(database: Database):
    acting = text("SELECT current_setting('app.user_id')")
    person = UserId(uuid4())
    async with database.transaction(person) as session:
        assert await session.scalar(acting) == str(person)
    async with database.transaction(WORKER) as session:
        assert await session.scalar(acting) == ""
    with pytest.raises(ValueError, match="badly formed"):
        async with database.transaction(UserId("'; --")):  # type: ignore[arg-type]
            raise AssertionError("a transaction for nobody")


async def test_what_fails_leaves_nothing_and_frees_its_connection(database: Database, cast: Any):
    made = []

    async def fail() -> None:
        async with database.transaction(WORKER) as session:
            made.append((await cast.campaign(session)).id)
            raise ZeroDivisionError

    for _ in range(8):  # more than the pool holds
        with pytest.raises(ZeroDivisionError):
            await fail()
    async with database.transaction(WORKER) as session:
        assert await lock_campaign(session, made[0]) is None
        idle = text(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state = 'idle in transaction'"
        )
        assert await session.scalar(idle) == 0

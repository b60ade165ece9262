"""What is taken back for ever is on the disk, apart from the database, before it is acknowledged."""

import json
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import SQLModel

import db.models  # noqa: F401 - every table is known
from db.accounts import issue_api_key
from db.journal import noted_in
from db.models.user import Role, UserRow
from db.queries.campaigns import get_campaign
from db.queries.erasures import shut_account
from db.queries.factors import delete_totp, replace_recovery_codes, use_recovery_code
from db.queries.mandates import revoke_mandate
from db.queries.transitions import change_state
from db.queries.users import revoke_api_key
from db.queries.web_sessions import add_session, revoke_sessions
from db.session import WORKER_ROLE, Database, SystemActor
from domain.campaigns import CampaignState
from domain.ids import CampaignId, UserId
from runtime.journal import Journal, JournalBroken

WORKER = SystemActor("worker")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal" / "revocations.jsonl")


@pytest.fixture
async def journalled(database_url: str, journal: Journal) -> AsyncIterator[Database]:
    opened = Database(database_url, role=WORKER_ROLE, pool_size=2, journal=journal)
    yield opened
    await opened.close()


async def test_every_act_that_no_backup_may_undo_is_written_down(
    journalled: Database, journal: Journal, cast: Any, now: Any
) -> None:
    async with journalled.transaction(WORKER) as session:
        user_id: UserId = await cast.person(session)
        await add_session(
            session, session_id=uuid4(), user_id=user_id, token_hash="t", device="", now=now,
            lasts=now - now,
        )  # fmt: skip
        first, _ = await issue_api_key(session, user_id, name="1", pepper="p" * 32, now=now)
        await issue_api_key(session, user_id, name="2", pepper="p" * 32, now=now)
        wish = (await cast.campaign(session, user_id)).id
        await replace_recovery_codes(session, user_id, ["one", "two"], now)
    assert list(journal.entries()) == []

    async with journalled.transaction(WORKER) as session:
        await revoke_sessions(session, user_id, now)
        await revoke_api_key(session, user_id, first.id, now)
        await use_recovery_code(session, user_id, "one", now)
        await replace_recovery_codes(session, user_id, ["three"], now)
        await delete_totp(session, user_id)
        await revoke_mandate(session, wish, now)
        user = await session.get_one(UserRow, user_id)
        user.role, user.password_hash = Role.ADMIN, "typed"
        row = await get_campaign(session, CampaignId(wish))
        assert row is not None
        for state in (CampaignState.PAUSED, CampaignState.ACTIVE, CampaignState.NEEDS_ACTION):
            await change_state(session, row, state, now=now, event="test.moved")
        assert noted_in(session)
        assert list(journal.entries()) == []  # not before the transaction is about to be committed
    async with journalled.transaction(WORKER) as session:
        await shut_account(session, user_id, now)

    written = list(journal.entries())
    assert {entry["owner"] for entry in written} == {str(user_id)}
    assert [(entry["act"], entry["table"], entry["value"]) for entry in written] == [
        ("revoked", "web_sessions", ""),
        ("revoked", "api_keys", ""),
        ("removed", "recovery_codes", ""),
        ("removed", "recovery_codes", ""),
        ("removed", "recovery_codes", ""),
        ("removed", "totp_factors", ""),
        ("revoked", "mandates", ""),
        ("role", "users", "admin"),
        ("password", "users", ""),
        ("wish", "autobooking_campaigns", "paused"),
        ("wish", "autobooking_campaigns", "active"),
        ("revoked", "api_keys", ""),
    ]


async def test_what_is_rolled_back_is_not_written_down_and_what_cannot_be_written_is_not_done(
    journalled: Database, journal: Journal, cast: Any, now: Any
) -> None:
    async with journalled.transaction(WORKER) as session:
        wish = await cast.campaign(session)

    async def revoke(then: Callable[[], object] = int) -> None:
        async with journalled.transaction(WORKER) as session:
            await revoke_mandate(session, wish.id, now)
            then()

    with pytest.raises(ZeroDivisionError):
        await revoke(lambda: 1 / 0)
    assert list(journal.entries()) == []
    journal.file.mkdir(parents=True)  # so it cannot be written
    with pytest.raises(OSError, match="director"):
        await revoke()
    async with journalled.transaction(WORKER) as session:
        await revoke_mandate(session, wish.id, now)
        assert len(noted_in(session)) == 1, "the consent stood all the time"
        session.info.clear()  # nothing to write: it ends well, for the next test


def test_a_line_that_was_changed_dropped_or_swapped_is_found(journal: Journal) -> None:
    for number in range(4):
        journal.append([{"number": number}])
    assert [entry["number"] for entry in journal.entries()] == [0, 1, 2, 3]
    lines = journal.file.read_text().splitlines(keepends=True)
    changed = lines[1].replace('"number": 1', '"number": 7')
    for broken in (
        [lines[0], changed, *lines[2:]],
        [lines[0], *lines[2:]],
        [lines[1], lines[0], *lines[2:]],
    ):
        journal.file.write_text("".join(broken))
        with pytest.raises(JournalBroken, match="line"):
            list(journal.entries())


def test_a_torn_line_was_never_acknowledged_and_the_next_takes_its_place(journal: Journal) -> None:
    journal.append([{"number": 0}])
    with journal.file.open("a") as torn:
        torn.write('{"after": "0')
    assert [entry["number"] for entry in journal.entries()] == [0]
    journal.append([{"number": 1}])
    assert [entry["number"] for entry in journal.entries()] == [0, 1]


def test_many_write_at_once_and_the_chain_holds(journal: Journal) -> None:
    with ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda number: journal.append([{"number": number}] * 2), range(40)))
    numbers = [entry["number"] for entry in journal.entries()]
    assert sorted(numbers) == sorted([*range(40), *range(40)])
    assert numbers[::2] == numbers[1::2]
    assert all(json.loads(line)["after"] for line in journal.file.read_text().splitlines())


def test_whatever_can_be_revoked_says_which_row_and_whose_it_is() -> None:
    tables = SQLModel.metadata.sorted_tables
    revocable = [table for table in tables if "revoked_at" in table.c]
    assert {"web_sessions", "api_keys", "mandates"} <= {table.name for table in revocable}
    assert [t.name for t in revocable if not {"id", "user_id"} <= set(t.c.keys())] == []

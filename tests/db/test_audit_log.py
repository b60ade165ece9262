"""The audit log: written with its change, never changed, chained, and true after an erasure."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from consents import KEYS
from sqlalchemy import make_url
from temporalio.testing import ActivityEnvironment

from activities.audit import AuditActivities
from db.acting import acting
from db.audit_checkpoints import Checkpoints
from db.queries.audit import list_audit, write_down
from db.queries.audit_chain import append_links, count_not_linked, last_link, linked_rows
from db.session import APP_ROLE, OPERATOR_ROLE, WORKER_ROLE, Database, SystemActor
from db.vault import PersonalVault
from domain.audit import Action, Actor, ActorKind, ChainCheck, Channel, Checkpoint, Entry, Fault
from runtime.crypto import MasterKeys, new_master_key
from runtime.key_store import KeyStore

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
TESTS = SystemActor("tests")
WORDS = "Oswaldina called about it"


@pytest.fixture
def vault(tmp_path: Path) -> PersonalVault:
    return PersonalVault(MasterKeys.parse(new_master_key("k1")), KeyStore(tmp_path))


async def write_rows(database: Database, count: int, owner: UUID | None = None) -> None:
    async with database.transaction(TESTS) as session:
        for number in range(count):
            entry = Entry(
                Action.SWITCH_TURNED,
                "switch",
                f"s{number}",
                owner,
                after={"on": number},
                reason=WORDS,
            )
            await write_down(session, entry, NOW + timedelta(seconds=number))


async def chain(database: Database) -> Checkpoint:
    async with database.transaction(TESTS) as session:
        await append_links(session, NOW, 1_000)
        last = await last_link(session)
        assert last is not None
        return Checkpoint(last.position, last.hash, NOW)


async def found(
    database: Database, *checkpoints: Checkpoint
) -> tuple[Fault, int, int | None] | None:
    check = ChainCheck(checkpoints)
    async with database.transaction(TESTS) as session:
        async for page in linked_rows(session, page=3):
            for row in page:
                if finding := check.follow(row):
                    return finding.fault, finding.position, finding.row_id
    end = check.end()
    return (end.fault, end.position, end.row_id) if end else None


async def test_a_row_stands_if_and_only_if_its_change_does_and_says_who_did_it(
    database: Database, database_url: str, cast: Any, vault: PersonalVault
) -> None:
    async with database.transaction(TESTS) as session:
        owner, operator = await cast.person(session), await cast.person(session)
    app = Database(database_url, role=APP_ROLE, pool_size=2, words=vault.words())
    entry = Entry(
        Action.KEY_REVOKED,
        "api key",
        str(uuid4()),
        owner,
        {"email": "a@b.example"},
        {"on": True},
        WORDS,
    )
    with pytest.raises(LookupError):  # noqa: PT012 - the transaction is what is tried
        async with app.transaction(owner) as session:
            await write_down(session, entry, NOW)
            raise LookupError
    async with app.transaction(owner) as session:
        assert await list_audit(session) == []
        await write_down(session, entry, NOW)
    by = Actor(ActorKind.PERSON, str(operator), Channel.PAGES, "support", "203.0.113.7")
    with acting(by):
        async with database.transaction(TESTS) as session:
            await write_down(session, Entry(Action.TASK_CLOSED, "task", "t", owner), NOW)
    async with app.transaction(owner) as session:
        second, first = await list_audit(session)
    assert (first.actor_kind, first.actor, first.channel) == ("person", str(owner), "api")
    assert (first.before, first.after) == ({"email": "[hidden]"}, {"on": True})
    assert first.reason == WORDS
    assert (second.actor, second.role, second.channel) == (str(operator), "support", "pages")
    async with app.transaction(operator) as session:
        assert await list_audit(session) == []  # what is another's is not shown, whoever did it
    # It is stored sealed: the reason for whom it is about, the network for whoever came from it.
    with psycopg.connect(database_url) as connection:
        stored = connection.execute("SELECT reason FROM audit_log ORDER BY id").fetchall()
    assert str(stored[0][0]).startswith(f"o1.{owner.hex}.")
    await app.close()


@pytest.mark.parametrize("role", [APP_ROLE, WORKER_ROLE, OPERATOR_ROLE, None])
async def test_nobody_changes_what_was_written(
    database: Database, database_url: str, role: str | None
) -> None:
    await write_rows(database, 1)
    await chain(database)
    url = make_url(database_url)
    url = url.set(username=role) if role else url
    statements = [
        "UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}",
    ]  # fmt: skip
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        for table, column in (("audit_log", "actor"), ("audit_chain", "hash")):
            for statement in statements:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement.format(table, column, column))


Tampering = Callable[["psycopg.Connection[Any]"], Any]
_AT_3 = "(SELECT row_id FROM audit_chain WHERE position = 3)"


def _sql(*statements: str) -> Tampering:
    return lambda connection: [connection.execute(one) for one in statements]


def _rewritten(connection: "psycopg.Connection[Any]") -> None:
    """Change a row, and make the whole chain anew as the appender would."""
    from domain.audit import FIRST, digest_of, link

    connection.execute(f"UPDATE audit_log SET actor = 'somebody else' WHERE id = {_AT_3}")
    previous = FIRST
    connection.row_factory = psycopg.rows.dict_row
    for row in connection.execute(
        "SELECT l.*, c.position FROM audit_log l JOIN audit_chain c ON c.row_id = l.id ORDER BY 15"
    ).fetchall():
        digest = digest_of(row)
        previous = link(previous, row["position"], row["id"], digest)
        connection.execute(
            "UPDATE audit_chain SET digest = %s, hash = %s WHERE row_id = %s",
            (digest, previous, row["id"]),
        )


TAMPERINGS: dict[str, tuple[Tampering, Fault, int]] = {
    "a changed row": (
        _sql(f"UPDATE audit_log SET after = '{{\"on\": 9}}' WHERE id = {_AT_3}"), Fault.CHANGED, 3,
    ),
    "a removed row": (_sql(f"DELETE FROM audit_log WHERE id = {_AT_3}"), Fault.REMOVED, 3),
    "a row removed with its link": (
        _sql(
            f"DELETE FROM audit_log WHERE id = {_AT_3}",
            "DELETE FROM audit_chain WHERE position = 3",
        ),
        Fault.BROKEN, 3,
    ),
    "two swapped rows": (
        _sql(
            "UPDATE audit_log SET id = -1 WHERE id = 3",
            "UPDATE audit_log SET id = 3 WHERE id = 4",
            "UPDATE audit_log SET id = 4 WHERE id = -1",
        ),
        Fault.CHANGED, 3,
    ),
    "two swapped links": (
        _sql(
            "UPDATE audit_chain SET position = -1 WHERE position = 3",
            "UPDATE audit_chain SET position = 3 WHERE position = 4",
            "UPDATE audit_chain SET position = 4 WHERE position = -1",
        ),
        Fault.BROKEN, 3,
    ),
    "a cut tail": (
        _sql("DELETE FROM audit_chain WHERE position > 4", "DELETE FROM audit_log WHERE id > 4"),
        Fault.CUT, 5,
    ),
    "a rewritten whole": (_rewritten, Fault.REWRITTEN, 7),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_what_was_tampered_with_is_found_and_named(
    database: Database, database_url: str, name: str
) -> None:
    await write_rows(database, 7)
    checkpoint = await chain(database)
    assert await found(database, checkpoint) is None
    tamper, fault, position = TAMPERINGS[name]
    with psycopg.connect(database_url, autocommit=True) as connection:
        # Whoever owns the server can take any trigger away.
        connection.execute("SET session_replication_role = replica")
        tamper(connection)
    told = await found(database, checkpoint)
    assert told is not None
    assert told[:2] == (fault, position)
    if fault in {Fault.CUT, Fault.REWRITTEN}:
        assert await found(database) is None, "only a checkpoint tells"


async def test_links_are_made_once_of_rows_that_come_late_too(
    database: Database, database_url: str
) -> None:
    insert = (
        "INSERT INTO audit_log (at, actor_kind, actor, role, channel, action, object_kind,"
        " object_id, before, after) VALUES (now(), 'product', 'late', '', 'worker', 'key.made',"
        " 'key', 'k', '{}', '{}')"
    )
    with psycopg.connect(database_url) as late:
        late.execute(insert)  # has the lowest id, and ends last
        await write_rows(database, 5)
        assert (await chain(database)).position == 5
    checkpoint = await chain(database)
    assert checkpoint.position == 6
    assert await chain(database) == checkpoint
    async with database.transaction(TESTS) as session:
        assert await count_not_linked(session) == 0
    assert await found(database, checkpoint) is None


async def test_the_chain_holds_after_somebody_was_erased(
    database: Database, database_url: str, cast: Any, vault: PersonalVault
) -> None:
    from db.queries.erasures import forget_person

    sealing = Database(database_url, role=WORKER_ROLE, pool_size=2, words=vault.words())
    async with database.transaction(TESTS) as session:
        owner = await cast.person(session)
    await write_rows(sealing, 3, owner)
    checkpoint = await chain(database)
    async with database.transaction(TESTS) as session:
        await forget_person(session, owner, NOW)
    vault.forget_person(owner)
    assert await found(database, checkpoint) is None
    async with sealing.transaction(TESTS) as session:
        assert [row.reason for row in await list_audit(session)] == ["", "", ""]
    # What is written of them from now on says nothing that a key would have to open.
    await write_rows(sealing, 1, owner)
    async with sealing.transaction(TESTS) as session:
        assert (await list_audit(session, limit=1))[0].reason is None
    await sealing.close()


def tear_a_line(folder: Path) -> None:
    """Leave what a power cut may leave of a checkpoint."""
    (file,) = folder.iterdir()
    with file.open("a", encoding="utf-8") as out:
        out.write('{"format": "parker-au')


async def test_checkpoints_outlive_a_power_cut_and_a_log_that_was_set_back(
    database: Database, tmp_path: Path
) -> None:
    keys = Checkpoints(tmp_path, KEYS)
    keeper = AuditActivities(database, keys)
    await write_rows(database, 3)
    await ActivityEnvironment().run(keeper.chain_audit_log)
    tear_a_line(tmp_path)
    first = keys.newest()
    assert first is not None
    beyond = Checkpoint(4, "f" * 64, first.at)
    keys.add(beyond)
    assert keys.newest() == beyond, "the torn line is gone, and what came after it stands"
    await write_rows(database, 1)
    for _ in range(2):
        await ActivityEnvironment().run(keeper.chain_audit_log)
    assert [one.position for one in keys.all()] == [3, 4, 4], "signed once, though a 4 was there"
    assert await found(database, *keys.all()) == (Fault.REWRITTEN, 4, 4)

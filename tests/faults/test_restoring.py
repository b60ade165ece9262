"""A backup under load; then booked, revoked and erased; then restored: nothing of that is undone.

The sandboxes are the outside world: they go on, and know what the backup has never heard of.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from erasing import erase
from house import eventually
from marked_people import CAMPAIGNS, GOOD_CARD, Person, give_back, people_of
from sandbox import Sandbox
from sqlalchemy import text
from temporalio.client import RPCError

from cli.backup import make_backup
from cli.invariants import check, load_rows, unsettled
from cli.key_rotation import rotate_master
from cli.operator import Operator
from cli.restoring import CannotRestore, Report, restore
from cli.stack import PARTS, Stack, free_values
from db.models.user import Role
from db.queries.erasures import histories_of
from db.session import OPERATOR_ROLE, WORKER_ROLE, Database, SystemActor
from db.vault import vault_of
from domain.ids import CampaignId, UserId
from runtime.key_store import KeyDestroyed
from runtime.temporal import connect

pytestmark = pytest.mark.timeout(900)
TESTS = SystemActor("tests")
PASSPHRASE = "a passphrase of the tests"
ASK = {"mode": "ask_me_first"}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that another user may enter: as root, Postgres runs as one."""
    made = Path(tempfile.mkdtemp(prefix="parker-tests-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def stack_at(folder: Path, world: Sandbox, parts: Collection[str] = PARTS) -> Stack:
    env = free_values() | {
        "PARKER_SANDBOX_URL": world.url,
        "PARKER_SANDBOX_SMTP_PORT": str(world.smtp_port),
        "PARKER_SANDBOX_CONTROL_TOKEN": world.control_token,
        "PARKER_WORKER_METRICS_PORT": "",
        "PARKER_PRIVACY_COOL_OFF_DAYS": "0",
    }
    return Stack(folder, only=set(parts) - {"sandboxes"}, extra_env=env)


@asynccontextmanager
async def rows_of(stack: Stack) -> AsyncIterator[Database]:
    settings = stack.settings
    database = Database(
        settings.database_for("worker"), role=WORKER_ROLE, pool_size=3, journal=settings.journal
    )
    try:
        yield database
    finally:
        await database.close()


async def test_nothing_that_was_booked_revoked_or_erased_since_a_backup_is_undone(
    folder: Path, clean_sandbox: Sandbox
) -> None:
    world = clean_sandbox
    first, second, third = (folder / name for name in ("first", "second", "third"))
    archive, old_keys = folder / "one.backup", folder / "old-keys"
    stack = stack_at(first, world)
    with stack:
        async with people_of(stack, range(5)) as people, rows_of(stack) as database:
            ana, bea, cleo, dan, eva = people
            flying = dan.wish(GOOD_CARD, days=45, refundable=True)
            asking = [p.wish(GOOD_CARD, days=40 + n, **ASK) for n, p in enumerate((bea, cleo, eva))]
            flies, *asked = await asyncio.gather(flying, *asking)
            for person, wish in zip((bea, cleo, eva), asked, strict=True):
                await person.ends(wish, "awaiting_approval")
            await dan.ends(flies, "booked")
            await _role(stack, dan, Role.ADMIN)
            # Under load: while wishes are on their way to being booked.
            underway = [await ana.wish(GOOD_CARD, days=50)]
            manifest = await asyncio.to_thread(make_backup, stack.settings, archive, PASSPHRASE)
            shutil.copytree(stack.settings.key_folder, old_keys)
            # The master key is exchanged under a worker and an API that have never heard of it.
            rotated = await asyncio.to_thread(rotate_master, stack.settings)
            assert rotated["fresh"]
            assert rotated["rewrapped"] == len(list(vault_of(stack.settings).key_names()))

            proposal = await bea.call("GET", f"{CAMPAIGNS}/{asked[0]}/status")
            await bea.call(
                "POST",
                f"{CAMPAIGNS}/{asked[0]}/approve",
                {"proposal_id": proposal["proposal"]["id"]},
            )
            await cleo.call("POST", f"{CAMPAIGNS}/{asked[1]}/cancel")
            await _role(stack, dan, Role.TRAVELLER)
            await bea.ends(asked[0], "booked")
            await ana.ends(underway[0], "booked")
            await give_back(dan)
            await eventually(lambda: _refunded(dan))
            await erase(stack, database, eva.user_id)
            key = bea.http.headers["authorization"]
    assert {"secrets.env", "keys", "journal"} <= {path.name for path in first.iterdir()}
    assert b"PARKER_MASTER_KEYS" not in archive.read_bytes()
    assert manifest.journal.lines < len(list(stack.settings.journal.entries()))

    for empty in (second, third):
        empty.mkdir()
        shutil.copy(first / "secrets.env", empty)
        shutil.copytree(old_keys, empty / "keys")
    shutil.copytree(first / "journal", second / "journal")
    report = await _restored(second, world, archive)
    assert report.adopted.orders in {1, 2}, report  # Ana's may have been in the backup already
    assert report.adopted.for_a_person == []
    assert report.erased_again == 1
    assert report.adopted.cancelled == 1
    wanted = {asked[0]: "booked", asked[1]: "cancelled", asked[2]: "cancelled"}
    wanted |= {underway[0]: "booked", flies: "booked"}
    restored = stack_at(second, world)
    with restored:
        async with rows_of(restored) as database:
            await eventually(
                lambda: _settled(database, wanted), seconds=60, told=lambda: _standing(database)
            )
            await _promises_hold(database, world, wanted)
            await _stays_taken_back(restored, database, key, dan, cleo)
            await _stays_erased(restored, database, eva.user_id)

    # Without the journal nobody knows what was withdrawn: every wish asks its owner.
    assert (await _restored(third, world, archive)).waiting_for_owners >= 2


async def _restored(folder: Path, world: Sandbox, archive: Path) -> Report:
    report = await restore(
        lambda parts: stack_at(folder, world, parts), folder, archive, PASSPHRASE
    )
    with pytest.raises(CannotRestore, match="empty folder"):
        await restore(lambda parts: stack_at(folder, world, parts), folder, archive, PASSPHRASE)
    return report


async def _refunded(person: Person) -> bool:
    (booking,) = (await person.call("GET", "/api/bookings"))["items"]
    return str(booking["status"]) == "refunded"


async def _role(stack: Stack, person: Person, role: Role) -> None:
    settings = stack.settings
    operators = Database(
        settings.database_for("operator"),
        role=OPERATOR_ROLE,
        pool_size=2,
        words=vault_of(settings).words(),
        journal=settings.journal,
    )
    operator = Operator(settings, operators)
    assert await operator.accounts.grant(person.marks["account"], role, "a test")
    await operators.close()


async def _settled(database: Database, wanted: dict[str, str]) -> bool:
    async with database.transaction(TESTS) as session:
        rows = await load_rows(session)
    now = {str(c.id): c.status.value for c in rows.campaigns}
    return not unsettled(rows) and all(now.get(wish) == state for wish, state in wanted.items())


async def _standing(database: Database) -> str:
    async with database.transaction(TESTS) as session:
        rows = await load_rows(session)
    return f"{[(c.id, c.status) for c in rows.campaigns]} {unsettled(rows)} {rows.tasks}"


async def _promises_hold(database: Database, world: Sandbox, wanted: dict[str, str]) -> None:
    async with database.transaction(TESTS) as session:
        rows = await load_rows(session)
    ledger = world.ledger()
    assert len(ledger["duffel"]["orders"]) == 3
    assert len(ledger["stripe"]["refunds"]) == 1
    accepted = [CampaignId(c.id) for c in rows.campaigns if str(c.id) in wanted]
    assert check(ledger, rows, accepted) == ()
    assert len(accepted) == len(wanted)
    assert [task.detail for task in rows.tasks if task.kind == "late_order"] == []


async def _stays_taken_back(
    stack: Stack, database: Database, key: str, dan: Person, cleo: Person
) -> None:
    async with database.transaction(TESTS) as session:
        for table in ("web_sessions", "api_keys"):
            open_still = text(f"SELECT count(*) FROM {table} WHERE revoked_at IS NULL")
            assert await session.scalar(open_still) == 0, table
        role = text("SELECT role FROM users WHERE id = :id")
        assert await session.scalar(role, {"id": dan.user_id}) == Role.TRAVELLER
        standing = text("SELECT count(*) FROM mandates WHERE user_id = :id AND revoked_at IS NULL")
        assert await session.scalar(standing, {"id": cleo.user_id}) == 0
        switch = text("SELECT value ->> 'stopped' FROM switches WHERE name = 'booking'")
        assert await session.scalar(switch) == "true"
    async with httpx2.AsyncClient(base_url=stack.api_url) as http:
        answer = await http.get(CAMPAIGNS, headers={"Authorization": key})
        assert answer.status_code == 401


async def _stays_erased(stack: Stack, database: Database, user_id: UserId) -> None:
    vault = vault_of(stack.settings)
    with pytest.raises(KeyDestroyed):
        vault.key_of(user_id, user_id)
    client = await connect(stack.settings, identity="tests")
    async with database.transaction(TESTS) as session:
        erased = text(
            "SELECT erased_at IS NOT NULL AND email_encrypted = '' FROM users WHERE id = :id"
        )
        assert await session.scalar(erased, {"id": user_id})
        left = text("SELECT count(*) FROM travelers WHERE user_id = :id")
        assert await session.scalar(left, {"id": user_id}) == 0
        names = await histories_of(session, user_id)

    async def gone(name: str) -> bool:
        try:
            await client.get_workflow_handle(name).describe()
        except RPCError:
            return True
        return False

    for name in names:
        await eventually(lambda name=name: gone(name))

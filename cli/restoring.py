"""Bringing an installation back from a backup, step by step, into a folder with nothing in it.

What comes back is as of the backup; the world went on. So nothing may be booked, nobody is signed
in, what was revoked or erased since is revoked and erased again, and what the providers have that
the rows have not is given its rows. Processes wake up only when `parker up` starts a worker.
"""

import asyncio
import getpass
import shutil
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.erasures import delete_runs
from cli.adoption import ACTOR, Adopted, Adoption
from cli.archive import POSTGRES, TEMPORAL, JournalMark, Manifest, unpack
from cli.postgres_tools import load
from cli.progress import tracked
from cli.secrets_check import opens_with
from cli.stack import RESTORING, Stack
from db import migrate
from db.acting import act_from_here
from db.queries.audit import write_down
from db.queries.erasures import (
    add_erasure,
    bookings_without_order,
    forget_person,
    forget_traveler,
    histories_of,
    open_erasure,
    shut_account,
)
from db.queries.restoring import do_again, revoke_everything, unfinished, wait_for_owners
from db.queries.switches import stop_booking
from db.queries.transitions import change_state
from db.queries.users import get_user
from db.retained import keep_receipts
from db.session import Database
from db.vault import PersonalVault, vault_of
from domain.audit import Action, Actor, ActorKind, Channel
from domain.audit import Entry as AuditEntry
from domain.erasures import OPEN_ERASURES, ErasureState
from domain.ids import TravelerId, UserId, derive
from domain.journal import Act, Entry
from domain.messages.campaign import CampaignInput, campaign_workflow_id
from domain.messages.order import OrderInput, order_workflow_id
from providers.registry import build_providers
from runtime.clock import system_now
from runtime.journal import Journal, JournalBroken
from runtime.settings import Settings
from runtime.temporal import MAIN_QUEUE, RPC_TIMEOUT, connect

_WHY = "restored from a backup: look at what waits for a person, then start booking"
# The sandboxes, where they stand for a provider: their store is the outside world, and goes on.
PARTS = ("postgres", "temporal", "sandboxes")
StackOf = Callable[[Collection[str]], Stack]


class CannotRestore(Exception):
    """It must not be done here; nothing was changed. The message says what to do."""


@dataclass
class Report:
    """What was done, as `parker restore --json` prints it."""

    backup_of: str
    schema_revision: str
    revoked: int = 0
    done_again: int = 0
    erased_again: int = 0
    waiting_for_owners: int = 0
    journal: str = "followed"
    adopted: Adopted = field(default_factory=Adopted)
    processes_woken: int = 0

    def shown(self) -> dict[str, object]:
        return asdict(self)


def entries_since(journal: Journal, mark: JournalMark) -> list[Entry] | None:
    """Return what was written down after the backup; None where there is no journal.

    Raises:
        CannotRestore: it is broken, or not the one that the backup knew.
    """
    if not journal.file.exists():
        return None
    try:
        known, lines = journal.state(upto=mark.lines), list(journal.entries())
    except JournalBroken as error:
        raise CannotRestore(f"{error}. Use a copy of the journal whose chain holds.") from None
    if known != (mark.lines, mark.digest):
        raise CannotRestore(
            f"{journal.file} is not the journal that goes on from this backup. Use the newest copy"
            " of that one; without any, move it away, and every wish will wait for its owner."
        )
    return [Entry.model_validate(line) for line in lines[mark.lines :]]


def check_folder(folder: Path) -> None:
    """Refuse a folder in which an installation is.

    Raises:
        CannotRestore: naming what is there.
    """
    if (folder / RESTORING).exists():
        return  # of a restore that was cut off: it begins again
    for name in ("postgres", TEMPORAL):
        if (folder / name).exists():
            raise CannotRestore(
                f"{folder / name} exists. Restore into an empty folder: PARKER_STATE_DIR names one."
            )


async def restore(stack_of: StackOf, folder: Path, archive: Path, passphrase: str) -> Report:
    """Restore; cut off half-way it is begun again, and until it has ended nothing starts there.

    Raises:
        CannotRestore, cli.sealed_file.CannotOpen, cli.postgres_tools.ToolFailed
    """
    work, manifest = await asyncio.to_thread(_open, folder, archive, passphrase)
    stack = stack_of(PARTS)
    if not (stack.has("postgres") and stack.has("temporal")):
        raise CannotRestore("Postgres or Temporal is set to be elsewhere; nothing is done there.")
    settings = stack.settings
    if not opens_with(settings, manifest.secrets_check):
        raise CannotRestore("The secrets in this folder are not those of the backup.")
    entries = entries_since(settings.journal, manifest.journal)
    with stack, tracked("Putting rows back", 3) as advance:
        _put_rows_back(settings, manifest, work / POSTGRES)
        advance(1)
        report = await _settle(settings, manifest, entries)
        advance(3)
    shutil.rmtree(work)
    return report


def _open(folder: Path, archive: Path, passphrase: str) -> tuple[Path, Manifest]:
    """Unpack the backup beside what is kept apart from it; return where, and what it says."""
    check_folder(folder)
    work = folder / RESTORING
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    _clear(folder)
    with tracked("Opening", archive.stat().st_size) as advance:
        manifest = unpack(archive, passphrase, work, advance)
    (work / TEMPORAL).replace(folder / TEMPORAL)
    return work, manifest


def _clear(folder: Path) -> None:
    """Take away what an earlier try left of itself."""
    shutil.rmtree(folder / "postgres", ignore_errors=True)
    for suffix in ("", "-wal", "-shm"):
        (folder / (TEMPORAL + suffix)).unlink(missing_ok=True)


def _put_rows_back(settings: Settings, manifest: Manifest, dump: Path) -> None:
    """Make the schema of the backup, fill it, and bring it to that of this code."""
    url = settings.database_for("owner")
    migrate.upgrade(url, manifest.schema_revision)
    load(url, dump)
    migrate.upgrade(url, vault=vault_of(settings))


async def _settle(settings: Settings, manifest: Manifest, entries: list[Entry] | None) -> Report:
    """Stop booking, shut every door, and let the rows catch up with the world."""
    now, vault = system_now(), vault_of(settings)
    act_from_here(Actor(ActorKind.COMMAND, getpass.getuser(), Channel.COMMAND_LINE))
    report = Report(manifest.began_at.isoformat(), manifest.schema_revision)
    database = Database(settings.database_for("owner"), role=None, pool_size=2, words=vault.words())
    providers = await build_providers(settings)
    try:
        async with database.transaction(ACTOR) as session:
            await stop_booking(session, _WHY, "parker restore", now)
            report.revoked = await revoke_everything(session, now)
        erased = [entry for entry in entries or () if entry.act is Act.ERASED]
        gone = {entry.owner for entry in erased if entry.row == entry.owner}
        adoption = Adoption(database, providers, forgotten=gone)
        report.adopted = await adoption.look(manifest.began_at)
        async with database.transaction(ACTOR) as session:
            _, bookings = await unfinished(session)
        await adoption.follow_cancellations(bookings)
        async with database.transaction(ACTOR) as session:
            if entries is None:
                report.journal = "missing"
                report.waiting_for_owners = await wait_for_owners(session, now)
            else:
                await do_again(session, entries, now)
                report.done_again = len(entries)
        client = await connect(settings, identity="restore")
        for entry in erased:
            report.erased_again += await _erase(database, vault, client, settings, entry)
        report.processes_woken = await _wake(database, client)
        async with database.transaction(ACTOR) as session:
            facts = {"backup_of": report.backup_of, "journal": report.journal}
            done = AuditEntry(Action.RESTORED, "installation", "backup", after=facts)
            await write_down(session, done, system_now())
    finally:
        await providers.aclose()
        await database.close()
    return report


async def _erase(
    database: Database, vault: PersonalVault, client: Client, settings: Settings, entry: Entry
) -> bool:
    """Forget somebody again, or one of their travellers: rows, keys and histories."""
    owner, now = UserId(entry.owner), system_now()
    whole = entry.row == entry.owner
    histories: list[str] = []
    async with database.transaction(ACTOR) as session:
        user = await get_user(session, owner)
        emptied: list[UUID] = []
        if user is not None and whole:
            histories = await histories_of(session, owner)
            await shut_account(session, owner, now)
            years = settings.privacy.receipts_years
            await keep_receipts(session, vault, owner, years=years, now=now)
            await forget_person(session, owner, now)
            await _say_erased(session, entry, None, now)
        elif user is not None:
            await forget_traveler(session, owner, entry.row)
            emptied = await bookings_without_order(session, owner)
            await _say_erased(session, entry, TravelerId(entry.row), now)
    # Copies of keys may be older than the erasure too.
    if whole:
        vault.forget_person(entry.owner)
    else:
        vault.forget_subjects(entry.owner, [entry.row, *emptied])
    for name in histories:
        await delete_runs(client, name)
    return user is not None


async def _say_erased(
    session: AsyncSession, entry: Entry, traveler_id: TravelerId | None, now: datetime
) -> None:
    """Let the rows say of an erasure that it was done, as they did."""
    owner = UserId(entry.owner)
    row = await open_erasure(session, owner, traveler_id) or await add_erasure(
        session,
        erasure_id=derive("erased again", entry.row, entry.at),
        user_id=owner,
        traveler_id=traveler_id,
        due_at=entry.at,
        now=entry.at,
    )
    for state in (ErasureState.BEGUN, ErasureState.DONE):
        if row.state in OPEN_ERASURES and row.state is not state:
            await change_state(session, row, state, now=now, event="")


async def _wake(database: Database, client: Client) -> int:
    """Let every process read its rows; one that is newer than Temporal's copy is started."""
    async with database.transaction(ACTOR) as session:
        wishes, bookings = await unfinished(session)
    for wish in wishes:
        workflow_id = campaign_workflow_id(wish)
        if not await _heard(client, workflow_id, "row_changed"):
            await _start(client, "CampaignWorkflow", CampaignInput(campaign_id=wish), workflow_id)
    for booking in bookings:
        workflow_id = order_workflow_id(booking)
        if not await _heard(client, workflow_id, "nudge"):
            await _start(client, "OrderWorkflow", OrderInput(booking_id=booking), workflow_id)
    return len(wishes) + len(bookings)


async def _heard(client: Client, workflow_id: str, signal: str) -> bool:
    """Signal a process; False if there is none."""
    try:
        await client.get_workflow_handle(workflow_id).signal(signal, rpc_timeout=RPC_TIMEOUT)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


async def _start(client: Client, process: str, word: object, workflow_id: str) -> None:
    """Start a process that Temporal's copy has never heard of."""
    with suppress(WorkflowAlreadyStartedError):
        await client.start_workflow(
            process,
            word,
            id=workflow_id,
            task_queue=MAIN_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            rpc_timeout=RPC_TIMEOUT,
        )

"""`parker backup`: Temporal's file and then Postgres, sealed in one file, while everything runs.

In this order, so that the rows are never behind the processes: an activity that finds the rows
ahead follows them, but nothing could make rows of what only a process remembers. The sandboxes'
stores are the outside world. People's keys are apart on purpose, and no key of ours is in it.
"""

import contextlib
import os
import shutil
import sqlite3
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from cli.archive import POSTGRES, TEMPORAL, JournalMark, Manifest, digest_of, write_archive
from cli.exits import Exit
from cli.output import complain, print_json, say
from cli.passphrases import read_passphrase
from cli.postgres_tools import ToolFailed, as_backup_role, dump, size_of
from cli.progress import Advance, tracked
from cli.secrets_check import check_of
from db import migrate
from runtime.clock import system_now
from runtime.journal import JournalBroken
from runtime.settings import Settings, load_settings

app = typer.Typer()


class NothingToBackUp(Exception):
    """What is to be backed up is not here; the message says where it is."""


@app.command(
    epilog="Example: `parker backup --out /mnt/backups --passphrase-file /etc/parker/passphrase`"
)
def backup(
    out: Annotated[
        Path, typer.Option(help="A file to write, or a folder for one named after the time.")
    ],
    passphrase_file: Annotated[
        str | None,
        typer.Option(help="Holds the passphrase; - for standard input. Else the setting is used."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Back up what runs here, sealed under a passphrase. People's keys are not in it."""
    settings = load_settings()
    target = out / f"parker-{system_now():%Y%m%dT%H%M%SZ}.backup" if out.is_dir() else out
    try:
        facts = _plan(settings, target)
        if not dry_run:
            manifest = make_backup(settings, target, read_passphrase(settings, passphrase_file))
            facts |= {"began_at": manifest.began_at, "bytes": target.stat().st_size}
    except NothingToBackUp as error:
        complain(str(error))
        raise typer.Exit(Exit.CONFLICT) from None
    except (psycopg.OperationalError, ToolFailed) as error:
        complain(f"Postgres does not give its rows: {error}. Does it run? `parker doctor` looks.")
        raise typer.Exit(Exit.UNAVAILABLE) from None
    except (OSError, JournalBroken) as error:
        complain(f"Nothing was backed up: {error}.")
        raise typer.Exit(Exit.FAILURE) from None
    facts["done"] = not dry_run
    if as_json:
        print_json(facts)
        return
    say(f"{'Would write' if dry_run else 'Written:'} {target}")
    say(f"Not in it: people's keys ({settings.key_folder}) and the journal"
        f" ({settings.journal.file}). Copy both away too, apart from it and from each other;"
        " without the journal every wish waits for its owner after a restore.")  # fmt: skip


def make_backup(settings: Settings, target: Path, passphrase: str) -> Manifest:
    """Write the backup: whole under its name, or not at all.

    Raises:
        NothingToBackUp, ToolFailed, OSError: and nothing is left behind.
    """
    _plan(settings, target)
    draft = target.with_name(target.name + ".part")
    work = settings.state_dir / f"backup.{os.getpid()}"
    work.mkdir(mode=0o700)
    try:
        manifest, files = _collect(settings, work)
        whole = sum(size for size, _ in manifest.files.values())
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file, tracked("Sealing", whole) as advance:
            write_archive(file, passphrase, manifest, files, advance)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        # Ctrl-C comes here too: neither half a backup nor rows in clear stay.
        shutil.rmtree(work, ignore_errors=True)
        draft.unlink(missing_ok=True)
    return manifest


def _collect(settings: Settings, work: Path) -> tuple[Manifest, dict[str, Path]]:
    """Copy both stores, the processes first, and say what is there."""
    began_at, url = system_now(), settings.database_for("owner")
    mark = journal_mark(settings)
    files = {name: work / name for name in (TEMPORAL, POSTGRES)}
    source = settings.state_dir / TEMPORAL
    with tracked("Temporal", source.stat().st_size) as advance:
        _copy_temporal(source, files[TEMPORAL], advance)
    with tracked("Postgres", size_of(url)) as advance:
        dump(as_backup_role(url), files[POSTGRES], advance)
    revision = migrate.current(url)
    if revision is None:
        raise NothingToBackUp("The database is empty.")
    manifest = Manifest(
        began_at=began_at,
        version=version("parker-flight"),
        schema_revision=revision,
        journal=mark,
        secrets_check=check_of(settings),
        files={name: digest_of(file) for name, file in files.items()},
    )
    return manifest, files


def journal_mark(settings: Settings) -> JournalMark:
    """Say how far the journal is, and that its chain holds."""
    return JournalMark(**settings.journal.state()._asdict())


def _copy_temporal(source: Path, to: Path, advance: Advance) -> None:
    """Take a consistent copy of a database in use.

    In one step: the server goes on writing meanwhile, and a copy in several would begin anew at
    each of its writes.
    """
    with (
        contextlib.closing(sqlite3.connect(source)) as reading,
        contextlib.closing(sqlite3.connect(to)) as writing,
    ):
        reading.backup(writing)
    advance(source.stat().st_size)


def _plan(settings: Settings, target: Path) -> dict[str, object]:
    """Say what would be backed up; refuse what cannot be."""
    temporal = settings.state_dir / TEMPORAL
    if not temporal.exists():
        raise NothingToBackUp(
            f"There is no {temporal}: this backs up what `parker up` runs. Where Postgres and"
            " Temporal are servers of their own, back those up: see docs/operations.md."
        )
    if target.exists():
        raise NothingToBackUp(f"{target} exists; nothing is overwritten.")
    if not target.parent.is_dir():
        raise NothingToBackUp(f"There is no folder {target.parent}.")
    return {
        "file": str(target),
        "temporal_bytes": temporal.stat().st_size,
        "postgres_bytes": size_of(settings.database_for("owner")),
        "journal_lines": settings.journal.state().lines,
    }

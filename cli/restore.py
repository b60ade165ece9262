"""`parker restore`: an installation from a backup, into a folder with nothing in it."""

import asyncio
import os
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from cli.archive import read_manifest
from cli.exits import Exit
from cli.output import complain, print_json, say
from cli.passphrases import read_passphrase
from cli.postgres_tools import ToolFailed
from cli.restoring import CannotRestore, Report, check_folder, entries_since, restore
from cli.sealed_file import CannotOpen
from cli.secrets_check import opens_with
from cli.secrets_file import read_env_file
from cli.stack import RESTORING, Stack
from providers.errors import ProviderError
from runtime.settings import Settings, load_settings, variable

app = typer.Typer()
_SECRETS = "secrets.env"


@app.command(
    epilog="Example: `PARKER_STATE_DIR=/srv/parker parker restore --from parker-….backup "
    "--secrets secrets.env --keys keys --journal revocations.jsonl`"
)
def restore_command(
    archive: Annotated[Path, typer.Option("--from", help="What `parker backup` wrote.")],
    *,
    secrets: Annotated[
        Path | None,
        typer.Option(help="The secrets.env of that installation, if not in the folder already."),
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help="The newest copy of people's keys, likewise.")
    ] = None,
    journal: Annotated[
        Path | None, typer.Option(help="The newest copy of the journal, likewise.")
    ] = None,
    passphrase_file: Annotated[
        str | None,
        typer.Option(help="Holds the passphrase; - for standard input. Else the setting is used."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and restore nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Restore into the (empty) state folder; booking is off and everybody is signed out after it.

    What was revoked or erased since the backup is so again, by the journal; orders and payments
    that are newer than the backup are taken over from the providers.
    """
    folder = load_settings(require=()).state_dir.resolve()
    try:
        if dry_run:
            print_json(_look(folder, archive, secrets, journal, passphrase_file))
            return
        check_folder(folder)
        _bring_along(folder, secrets=secrets, keys=keys, journal=journal)
        # Where Postgres and Temporal are is decided by the stack that is about to start.
        passphrase = read_passphrase(load_settings(require=()), passphrase_file)

        def stack_of(parts: Collection[str]) -> Stack:
            return Stack(folder, only=parts)

        report = asyncio.run(restore(stack_of, folder, archive, passphrase))
    except CannotOpen as error:
        complain(f"{archive} does not open: {error}.")
        raise typer.Exit(Exit.USAGE) from None
    except CannotRestore as error:
        complain(str(error))
        raise typer.Exit(Exit.CONFLICT) from None
    except ProviderError as error:
        complain(f"A provider does not say what is newer than the backup: {error}. Restore again.")
        raise typer.Exit(Exit.UNAVAILABLE) from None
    except (OSError, ToolFailed) as error:
        complain(f"Nothing was restored: {error}.")
        raise typer.Exit(Exit.FAILURE) from None
    _tell(report, as_json=as_json)
    if report.adopted.for_a_person:
        raise typer.Exit(Exit.NEEDS_ACTION)


def _look(
    folder: Path, archive: Path, secrets: Path | None, journal: Path | None, file: str | None
) -> dict[str, object]:
    """Say what would be restored, having checked what can be checked without doing it."""
    check_folder(folder)
    given = read_env_file(secrets) if secrets else {}
    settings = load_settings(os.environ | given if given else None, require=("master_keys",))
    manifest = read_manifest(archive, read_passphrase(settings, file))
    if not opens_with(settings, manifest.secrets_check):
        raise CannotRestore("The secrets are not those of the backup.")
    book = settings.journal if journal is None else type(settings.journal)(journal)
    entries = entries_since(book, manifest.journal)
    return {
        "backup_of": manifest.began_at,
        "version": manifest.version,
        "schema_revision": manifest.schema_revision,
        "into": str(folder),
        "journal": "missing" if entries is None else "goes on from the backup",
        "would_do_again": len(entries or ()),
        "done": False,
    }


def _bring_along(
    folder: Path, *, secrets: Path | None, keys: Path | None, journal: Path | None
) -> None:
    """Put what is kept apart from a backup where the installation looks for it."""
    known = os.environ.get(variable("master_keys")) or (folder / _SECRETS).exists()
    if secrets is None and not known:
        raise CannotRestore(
            f"There are no secrets in {folder}. Put the installation's {_SECRETS} there, or name it"
            " with --secrets: without its keys nothing in the backup can be read."
        )
    again = (folder / RESTORING).exists()
    (folder / RESTORING).mkdir(mode=0o700, parents=True, exist_ok=True)
    if secrets is not None:
        _copy(secrets, folder / _SECRETS, again=again)
    settings: Settings = load_settings(require=())
    if keys is not None:
        _copy(keys, settings.key_folder, again=again)
    if journal is not None:
        _copy(journal, settings.journal.file, again=again)


def _copy(source: Path, to: Path, *, again: bool) -> None:
    """Copy a file or a folder, whole or not at all; what an earlier try brought along stays."""
    if to.exists():
        if again or to.samefile(source):
            return
        raise CannotRestore(f"{to} exists; nothing is overwritten.")
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = to.with_name(to.name + ".part")
    if source.is_dir():
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(source, draft)
    else:
        shutil.copyfile(source, draft)
    draft.chmod(0o700 if source.is_dir() else 0o600)
    draft.rename(to)


def _tell(report: Report, *, as_json: bool) -> None:
    if as_json:
        print_json(report.shown())
        return
    say(f"Restored as of {report.backup_of}. Booking is off, and everybody is signed out.")
    say(f"  {report.revoked} sessions, keys and links were revoked.")
    if report.journal == "missing":
        say(f"  There was no journal: {report.waiting_for_owners} wishes wait for their owners.")
    else:
        say(f"  {report.done_again} acts of the journal were done again,"
            f" {report.erased_again} erasures among them.")  # fmt: skip
    adopted = report.adopted
    say(f"  {adopted.orders} newer orders were taken over, {adopted.cancelled} cancellations"
        f" followed, {adopted.released} holds released.")  # fmt: skip
    for task in adopted.for_a_person:
        say(f"  A person must decide: {task}", style="yellow")
    say("Next: `parker up`, look at the bookings, then `parker booking start`.")

"""The passphrase of a backup: from a file, from standard input, or from the settings. Never typed
as an argument, where every user of the machine and the shell's history could read it.
"""

import getpass
import sys
from pathlib import Path

import typer

from cli.exits import Exit
from cli.output import complain
from runtime.settings import Settings

SHORTEST = 16


def read_passphrase(settings: Settings, file: str | None) -> str:
    """Return it; `file` is a path, or - for standard input."""
    text = ""
    if file == "-":
        text = sys.stdin.readline()
    elif file is not None:
        try:
            text = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            complain(f"{file} cannot be read ({type(error).__name__}).")
            raise typer.Exit(Exit.USAGE) from None
    elif settings.backup_passphrase is not None:
        text = settings.backup_passphrase.get_secret_value()
    elif sys.stdin.isatty():
        text = getpass.getpass("Passphrase of the backup: ", stream=sys.stderr)
    text = text.strip()
    if len(text) < SHORTEST:
        complain(
            f"The passphrase of a backup has at least {SHORTEST} characters. Set"
            " PARKER_BACKUP_PASSPHRASE, or name a file with --passphrase-file."
            " `openssl rand -base64 32` makes a good one; keep it apart from the backups."
        )
        raise typer.Exit(Exit.USAGE)
    return text

"""`parker export`: everything that is held of you, as the API gives it out."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.exits import Exit
from cli.http_api import call
from cli.output import complain, say

app = typer.Typer()


@app.command(epilog="Example: `parker export --out my-data.json`")
def export(
    out: Annotated[
        Path | None, typer.Option(help="A file to write; without one, standard output.")
    ] = None,
) -> None:
    """Give out all of your data as JSON: account, travellers, wishes, bookings, money."""
    if out is not None and out.exists():
        complain(f"{out} exists; nothing is overwritten.")
        raise typer.Exit(Exit.CONFLICT)
    text = json.dumps(call("POST", "/api/v1/account/export"), indent=2) + "\n"
    if out is None:
        sys.stdout.write(text)
        return
    draft = out.with_name(out.name + ".part")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(out)
    except OSError as error:
        complain(f"{out} cannot be written ({type(error).__name__}).")
        raise typer.Exit(Exit.FAILURE) from None
    finally:
        draft.unlink(missing_ok=True)
    say(f"Written to {out}, for your eyes only.")

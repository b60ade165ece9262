"""`parker audit`: who did what; whether the log is whole; and the log as a file."""

import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.exits import Exit
from cli.operating import run_as_operator
from cli.output import complain, print_json, print_rows, say
from domain.audit import Action, ChainCheck, Checkpoint, Fault, Finding

if TYPE_CHECKING:
    from cli.operator import Operator
    from db.models.audit import AuditRow

app = typer.Typer(no_args_is_help=True, help="Who did what, and whether the log of it is whole.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_SAID = {
    Fault.CHANGED: "was changed after it was linked",
    Fault.REMOVED: "was removed: its link stands without it",
    Fault.BROKEN: "does not follow on the one before it: swapped, removed or rewritten",
    Fault.CUT: "is missing: the chain ends before a signed checkpoint",
    Fault.REWRITTEN: "is not what a signed checkpoint was made of: all before it was made anew",
}


@app.command("list", epilog="Example: `parker audit list --action role.given --json`")
def list_rows(
    action: Annotated[Action | None, typer.Option(help="Only this kind of thing.")] = None,
    thing: Annotated[
        str | None, typer.Option("--object", help="Only what was done to the thing of this id.")
    ] = None,
    actor: Annotated[str | None, typer.Option(help="Only what this one did.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    as_json: _Json = False,
) -> None:
    """List what was done, the latest first."""
    rows = run_as_operator(lambda operator: _read(operator, action, thing, actor, limit))
    print_listed(rows, as_json=as_json)


@app.command(epilog="Example: `parker audit verify --checkpoint /safe/2026-11-27.jsonl`")
def verify(
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(exists=True, dir_okay=False, help="Hold the log against this file too."),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Say whether the log is whole; name the first row that is not as it was. Exits 1 if not."""
    known = _checkpoints(checkpoint or [])
    finding, links, not_linked = run_as_operator(lambda operator: _checked(operator, known))
    newest = max((one.position for one in known), default=0)
    if as_json:
        found = asdict(finding) if finding else None
        print_json(
            {
                "whole": finding is None, "first_broken": found, "links": links,
                "not_linked_yet": not_linked, "checkpoints": len(known),
                "newest_checkpoint": newest,
            }
        )  # fmt: skip
    elif finding is None:
        say(f"{links} rows are linked and as they were written; {not_linked} wait to be linked.")
        if not newest:
            say("There is no checkpoint: a cut tail or a log made all anew would not show.")
        else:
            say(f"{len(known)} checkpoints hold, up to link {newest}.")
    else:
        row = f"row {finding.row_id}" if finding.row_id is not None else "the row there"
        complain(f"Link {finding.position}: {row} {_SAID[finding.fault]}.")
    if finding is not None:
        raise typer.Exit(Exit.FAILURE)


@app.command(epilog="Example: `parker audit export --out audit.jsonl`")
def export(
    out: Annotated[Path, typer.Option(help="The file to write; `-` for standard output.")],
) -> None:
    """Write the whole log, a JSON object a line, as it is stored and with its links.

    Words about people stay sealed: their digests are of the sealed words.
    """
    count = run_as_operator(lambda operator: _exported(operator, out))
    say(f"{count} rows written.")


def listed(rows: "Sequence[AuditRow]") -> list[dict[str, Any]]:
    """Return rows as they are shown: where somebody came from is theirs to know."""
    return [row.model_dump(mode="json", exclude={"network"}) for row in rows]


def print_listed(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    columns = ["id", "at", "actor", "role", "channel", "action", "object", "change", "reason"]
    print_rows(columns, [_line(row) for row in rows], as_json=False)


async def _read(
    operator: "Operator", action: Action | None, thing: str | None, actor: str | None, limit: int
) -> list[dict[str, Any]]:
    from db.queries.audit import list_audit

    async with operator.transaction() as session:
        rows = await list_audit(session, action=action, object_id=thing, actor=actor, limit=limit)
    return listed(rows)


def _line(row: dict[str, Any]) -> dict[str, Any]:
    change = [
        f"{name}: {row['before'].get(name, '')} -> {value}" if name in row["before"] else
        f"{name}: {value}"
        for name, value in row["after"].items()
    ]  # fmt: skip
    thing = f"{row['object_kind']} {row['object_id']}"
    return row | {"object": thing, "change": ", ".join(change), "reason": row["reason"] or ""}


def _checkpoints(files: list[Path]) -> list[Checkpoint]:
    """Read the checkpoints of the installation, and those of the files."""
    from db.audit_checkpoints import BadCheckpoint, Checkpoints, read_checkpoints
    from runtime.settings import load_settings

    settings = load_settings()
    keys = settings.mandate_signing
    try:
        known = Checkpoints(settings.operating.folder(settings.state_dir), keys).all()
        return known + [one for file in files for one in read_checkpoints(file, keys)]
    except (BadCheckpoint, OSError) as error:
        complain(f"A checkpoint does not hold: {error}.")
        raise typer.Exit(Exit.FAILURE) from error


async def _checked(
    operator: "Operator", checkpoints: list[Checkpoint]
) -> tuple[Finding | None, int, int]:
    from db.queries.audit_chain import count_not_linked, linked_rows

    check = ChainCheck(checkpoints)
    async with operator.transaction() as session:
        async for page in linked_rows(session):
            for row in page:
                if finding := check.follow(row):
                    return finding, check.position, 0
        return check.end(), check.position, await count_not_linked(session)


async def _exported(operator: "Operator", out: Path) -> int:
    from db.queries.audit_chain import all_rows

    async with operator.transaction() as session:
        lines = _lines(all_rows(session))
        if str(out) == "-":
            return await _written(lines, sys.stdout.write)
        with out.open("w", encoding="utf-8") as file:
            return await _written(lines, file.write)


async def _lines(rows: AsyncIterator[Any]) -> AsyncIterator[str]:
    from domain.audit import canonical

    async for row in rows:
        yield canonical(row).decode() + "\n"


async def _written(lines: AsyncIterator[str], write: Any) -> int:
    count = 0
    async for line in lines:
        write(line)
        count += 1
    return count

"""`parker retention`: what is kept how long, and what the daily run removed."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.operating import run_as_operator
from cli.output import print_rows
from domain.retention import PERIODS, Run

if TYPE_CHECKING:
    from cli.operator import Operator

app = typer.Typer(no_args_is_help=True, help="What is kept how long, and what was removed.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(epilog="Example: `parker retention periods --json`")
def periods(as_json: _Json = False) -> None:
    """Show for how long each kind of thing is kept, and what becomes of it then."""
    rows = [
        {"kind": sweep.value, "what": period.what, "days": period.days, "then": period.then}
        for sweep, period in PERIODS.items()
    ]
    print_rows(["kind", "what", "days", "then"], rows, as_json=as_json)


@app.command("list", epilog="Example: `parker retention list --limit 7 --json`")
def list_runs(
    limit: Annotated[int, typer.Option(min=1, max=365, help="How many runs at most.")] = 7,
    as_json: _Json = False,
) -> None:
    """Show when the daily run ran and what it removed, the latest first."""

    async def read(operator: "Operator") -> list[Run]:
        from db.queries.retention_runs import list_runs

        async with operator.transaction() as session:
            return await list_runs(session, limit)

    rows = [
        {
            "at": run.at.isoformat(),
            "removed": dict(run.removed)
            if as_json
            else ", ".join(f"{count} {kind}" for kind, count in run.removed.items() if count)
            or "nothing",
        }
        for run in run_as_operator(read)
    ]
    none = "It has not run yet; it runs every night."
    print_rows(["at", "removed"], rows, as_json=as_json, none=none)

"""`parker task`: what only a person can decide, and that it was."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from cli.exits import Exit
from cli.operating import done_as_operator, given, run_as_operator
from cli.output import complain, print_json, print_rows
from domain.operating import OperatorAction

if TYPE_CHECKING:
    from api.operating.actions import Outcome
    from cli.operator import Operator

app = typer.Typer(no_args_is_help=True, help="What waits for a person.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Id = Annotated[UUID, typer.Argument(metavar="TASK", help="The task's id.")]


@app.command("list", epilog="Example: `parker task list --json`")
def list_tasks(
    *,
    every: Annotated[bool, typer.Option("--all", help="Those that were closed too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    as_json: _Json = False,
) -> None:
    """List what waits for a person, the oldest first."""
    columns = ["id", "created_at", "kind", "state", "detail", "booking_id", "attempt_id"]

    async def read(operator: "Operator") -> list[dict[str, Any]]:
        from db.queries.tasks import list_tasks

        async with operator.transaction() as session:
            rows = await list_tasks(session, every=every, limit=limit)
            return [row.model_dump(mode="json", include=set(columns)) for row in rows]

    print_rows(columns, run_as_operator(read), as_json=as_json)


@app.command(epilog="Example: `parker task show ID`")
def show(task: _Id, as_json: _Json = False) -> None:
    """Show one task with everything that was written down to decide it."""
    found = _found(task)
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        if value is not None:
            typer.echo(f"{name}: {value}")


@app.command(epilog="Example: `parker task close ID --reason 'refunded at the desk'`")
def close(
    task: _Id,
    reason: Annotated[
        str, typer.Option(help="What was done; it stands in the audit log.", callback=given)
    ],
    key: Annotated[
        str | None, typer.Option("--key", help="Repeating with the same key never does it twice.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Say that what it asked for was done."""

    async def act(operator: "Operator") -> "Outcome":
        from api.operating.actions import Expected

        action = OperatorAction.CLOSE_TASK
        return await operator.act(action, task, reason=reason, key=key, expected=Expected("open"))

    done_as_operator(act, "task", as_json=as_json)


def _found(task_id: UUID) -> dict[str, Any]:
    async def read(operator: "Operator") -> dict[str, Any] | None:
        from db.queries.tasks import get_task

        async with operator.transaction() as session:
            row = await get_task(session, task_id)
            return row.model_dump(mode="json") if row else None

    found = run_as_operator(read)
    if found is None:
        complain("There is no task of this id.")
        raise typer.Exit(Exit.NOT_FOUND)
    return found

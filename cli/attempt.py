"""`parker attempt`: what is being booked, and what an operator does about it."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from cli.exits import Exit
from cli.operating import done_as_operator, given, run_as_operator
from cli.output import complain, print_json, print_rows
from domain.attempts import LIVE, AttemptState
from domain.operating import OperatorAction

if TYPE_CHECKING:
    from api.operating.actions import Outcome
    from cli.operator import Operator
    from db.models.attempt import AttemptRow

app = typer.Typer(no_args_is_help=True, help="Tries to book, and what to do about one.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Id = Annotated[UUID, typer.Argument(metavar="ATTEMPT", help="The attempt's id.")]
_Reason = Annotated[str, typer.Option(help="Why; it stands in the audit log.", callback=given)]
_Version = Annotated[
    int | None,
    typer.Option("--if-version", help="Only if it is at this version, as `show` printed it."),
]
_Key = Annotated[
    str | None, typer.Option("--key", help="Repeating with the same key never does it twice.")
]
_COLUMNS = ["id", "state", "failure_reason", "campaign_id", "started_at", "row_version"]


@app.command("list", epilog="Example: `parker attempt list --json`")
def list_attempts(
    *,
    state: Annotated[AttemptState | None, typer.Option(help="Only those in this state.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Those that have ended too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    as_json: _Json = False,
) -> None:
    """List attempts, those that began last first; without --all, those under way."""
    states = [state] if state else [] if every else list(LIVE)

    async def read(operator: "Operator") -> list[dict[str, Any]]:
        from db.queries.attempts import list_attempts

        async with operator.transaction() as session:
            found = await list_attempts(session, states, limit)
            return [row.model_dump(mode="json", include=set(_COLUMNS)) for row in found]

    print_rows(_COLUMNS, run_as_operator(read), as_json=as_json)


@app.command(epilog="Example: `parker attempt show ID --json`")
def show(attempt: _Id, as_json: _Json = False) -> None:
    """Show one attempt with its calls and what was done to it."""

    async def read(operator: "Operator") -> dict[str, Any] | None:
        from db.queries.attempts import get_attempt
        from db.queries.calls import calls_of
        from db.queries.operator_actions import list_actions

        async with operator.transaction() as session:
            row = await get_attempt(session, attempt)
            if row is None:
                return None
            calls = await calls_of(session, attempt)
            actions = await list_actions(session, target_id=attempt)
            return {
                "attempt": row.model_dump(mode="json", exclude={"pair", "itinerary_key"}),
                "calls": [call.model_dump(mode="json") for call in calls],
                "actions": [one.model_dump(mode="json", exclude={"key"}) for one in actions],
            }

    found = run_as_operator(read)
    if found is None:
        complain("There is no attempt of this id.")
        raise typer.Exit(Exit.NOT_FOUND)
    if as_json:
        print_json(found)
        return
    for name, value in found["attempt"].items():
        if value is not None:
            typer.echo(f"{name}: {value}")
    print_rows(
        ["sent_at", "kind", "state", "key"],
        found["calls"],
        as_json=False,
        none="No call that moves money or seats was made.",
    )
    print_rows(
        ["created_at", "action", "operator", "state", "note"],
        found["actions"],
        as_json=False,
        none="No operator did anything about it.",
    )


@app.command(epilog="Example: `parker attempt retry ID --reason 'the airline answers again'`")
def retry(
    attempt: _Id,
    reason: _Reason,
    version: _Version = None,
    key: _Key = None,
    as_json: _Json = False,
) -> None:
    """Have what it waits for tried now; of one that failed, have its wish look again."""
    acting = _acting(OperatorAction.RETRY, attempt, reason, version, key)
    done_as_operator(acting, "attempt", as_json=as_json)


@app.command(epilog="Example: `parker attempt abandon ID --reason 'its process is stuck'`")
def abandon(
    attempt: _Id,
    reason: _Reason,
    version: _Version = None,
    key: _Key = None,
    as_json: _Json = False,
) -> None:
    """End an attempt that nothing moves any more; refused while an order of it may stand."""
    acting = _acting(OperatorAction.ABANDON, attempt, reason, version, key)
    done_as_operator(acting, "attempt", as_json=as_json)


def _acting(
    action: OperatorAction, attempt_id: UUID, reason: str, version: int | None, key: str | None
) -> "Callable[[Operator], Coroutine[Any, Any, Outcome | None]]":
    async def act(operator: "Operator") -> "Outcome | None":
        from api.operating.actions import Expected
        from db.queries.attempts import get_attempt

        async with operator.transaction() as session:
            row: AttemptRow | None = await get_attempt(session, attempt_id)
        if row is None:
            return None
        expected = Expected(row.state.value, row.row_version if version is None else version)
        return await operator.act(action, attempt_id, reason=reason, key=key, expected=expected)

    return act

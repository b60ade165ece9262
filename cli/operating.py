"""Doing something with the database as an operator; a database that is away ends the command."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from cli.exits import Exit
from cli.output import complain, print_json, say
from domain.operating import ActionState, Refusal

if TYPE_CHECKING:
    from api.operating.actions import Outcome
    from cli.operator import Operator

T = TypeVar("T")
_BY_REFUSAL = {
    Refusal.NOT_FOUND: Exit.NOT_FOUND,
    Refusal.NOT_ALLOWED: Exit.REFUSED,
    Refusal.ALONE: Exit.REFUSED,
    Refusal.OWN_REQUEST: Exit.REFUSED,
    Refusal.TOO_MUCH: Exit.REFUSED,
}


def given(text: str) -> str:
    """Refuse a reason that says nothing."""
    if not text.strip():
        raise typer.BadParameter("say why: it is written down")
    return text


def run_as_operator(work: "Callable[[Operator], Coroutine[Any, Any, T]]") -> T:
    """Do something with the database as an operator."""
    from sqlalchemy.exc import SQLAlchemyError

    from cli.operator import operating
    from runtime.crypto import DecryptionFailed

    async def opened() -> T:
        async with operating() as operator:
            return await work(operator)

    try:
        return asyncio.run(opened())
    except SQLAlchemyError as error:
        complain(f"The database does not answer ({type(error).__name__}). `parker doctor` looks.")
        raise typer.Exit(Exit.UNAVAILABLE) from error
    except DecryptionFailed as error:
        complain(f"A data key does not open: {error}.")
        raise typer.Exit(Exit.FAILURE) from error


def done_as_operator(
    work: "Callable[[Operator], Coroutine[Any, Any, Outcome | None]]", what: str, *, as_json: bool
) -> None:
    """Do what operators do, and end the command with what came of it."""
    from api.errors import ApiProblem

    try:
        outcome = run_as_operator(work)
    except ApiProblem as problem:
        complain(problem.detail)
        raise typer.Exit(Exit.UNAVAILABLE) from problem
    if outcome is None:
        complain(f"There is no {what} of this id. Nothing was done.")
        raise typer.Exit(Exit.NOT_FOUND)
    if as_json:
        print_json(
            {
                "state": outcome.state.value, "sentence": outcome.sentence,
                "action_id": str(outcome.action_id) if outcome.action_id else None,
                "refusal": outcome.refusal.value if outcome.refusal else None,
            }
        )  # fmt: skip
    elif outcome.refusal is None:
        say(outcome.sentence)
    else:
        complain(outcome.sentence)
    if outcome.refusal is not None:
        raise typer.Exit(_BY_REFUSAL.get(outcome.refusal, Exit.CONFLICT))
    if outcome.state is ActionState.WAITING:
        raise typer.Exit(Exit.NEEDS_ACTION)

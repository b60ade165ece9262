"""Doing something with the database as an operator; a database that is away ends the command."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from cli.exits import Exit
from cli.output import complain

if TYPE_CHECKING:
    from cli.operator import Operator

T = TypeVar("T")


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
        complain(f"The database does not answer ({type(error).__name__}).")
        raise typer.Exit(Exit.UNAVAILABLE) from error
    except DecryptionFailed as error:
        complain(f"A data key does not open: {error}.")
        raise typer.Exit(Exit.FAILURE) from error

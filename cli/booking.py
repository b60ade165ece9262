"""`parker booking`: see and give back bookings; `stop` and `start` are the operator's switch."""

import asyncio
import getpass
import sys
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from cli.amounts import confirm_amount
from cli.exits import Exit
from cli.http_api import call, money, new_key, pages
from cli.operating import given, run_as_operator
from cli.output import complain, give, print_json, print_rows, say

if TYPE_CHECKING:
    from cli.operator import Operator

app = typer.Typer(no_args_is_help=True, help="See bookings; stop and start booking for everyone.")
_PATH = "/api/bookings"

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Id = Annotated[str, typer.Argument(metavar="BOOKING", help="The booking's id.")]


@app.command("list", epilog="Example: `parker booking list --json`")
def list_bookings(
    most: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 50,
    as_json: _Json = False,
) -> None:
    """List your bookings, newest first."""
    found = list(pages(_PATH, {}, most))
    if as_json:
        print_json(found)
        return
    rows = [
        {
            "id": one["id"],
            "reference": one["booking_reference"],
            "status": one["status"],
            "price": money(one["price"]),
            "departs": one["departs_at"],
        }
        for one in found
    ]
    print_rows(["id", "reference", "status", "price", "departs"], rows, as_json=False)


@app.command(epilog="Example: `parker booking show ID --timeline`")
def show(
    booking: _Id,
    timeline: Annotated[
        bool,
        typer.Option("--timeline", help="What was done, by whom; for operators, at the database."),
    ] = False,
    as_json: _Json = False,
) -> None:
    """Show one booking with its tickets and its money."""
    if timeline:
        _show_timeline(booking, as_json=as_json)
        return
    one = call("GET", f"{_PATH}/{booking}")
    if as_json:
        print_json(one)
        return
    facts = {
        "where it stands": one["display_status"]["sentence"],
        "reference": one["booking_reference"],
        "tickets": ", ".join(ticket["number"] for ticket in one["tickets"]),
        "price": money(one["price"]),
        "charged": money(one["money"]["charged"]),
        "refunded": money(one["money"]["refunded"]),
        "departs": one["departs_at"],
        "flights": ", ".join(_flights(one["itinerary"])),
    }
    rows = [{"what": what, "value": value} for what, value in facts.items() if value]
    print_rows(["what", "value"], rows, as_json=False)


def _show_timeline(booking: str, *, as_json: bool) -> None:
    from cli.audit import listed, print_listed

    async def read(operator: "Operator") -> list[dict[str, Any]]:
        from db.queries.timelines import timeline_of

        async with operator.transaction() as session:
            return listed(await timeline_of(session, UUID(booking)))

    try:
        rows = run_as_operator(read)
    except ValueError:
        raise typer.BadParameter("give the booking's id") from None
    if not rows:
        complain("There is no booking of this id.")
        raise typer.Exit(Exit.NOT_FOUND)
    print_listed(rows, as_json=as_json)


@app.command(epilog="Example: `parker booking cancel ID --yes --max-amount '50 USD'`")
def cancel(
    booking: _Id,
    yes: Annotated[bool, typer.Option("--yes", help="Confirm the quote unasked.")] = False,
    max_amount: Annotated[
        str | None, typer.Option(help="With --yes: the most that may be kept back, as `50 USD`.")
    ] = None,
) -> None:
    """Ask what cancelling gives back and, once confirmed, cancel."""
    quote = call("POST", f"{_PATH}/{booking}/cancellation", headers={"Idempotency-Key": new_key()})
    say(quote["sentence"])
    if quote["penalty"] is not None:
        confirm_amount("Kept back", quote["penalty"], yes=yes, max_amount=max_amount)
    elif not yes and not (sys.stdin.isatty() and typer.confirm("Cancel it for good?", err=True)):
        complain("Nothing was cancelled. Repeat with --yes to confirm.")
        raise typer.Exit(Exit.NEEDS_ACTION)
    answer = call(
        "POST",
        f"{_PATH}/{booking}/cancellation/confirm",
        body={"quote_id": quote["quote_id"]},
        headers={"Idempotency-Key": new_key()},
    )
    say(answer["sentence"])
    give(state=answer["state"])


@app.command(epilog="Example: `parker booking stop --reason 'balance is low'`")
def stop(
    reason: Annotated[
        str, typer.Option(help="Why, for whoever looks.", callback=given)
    ] = "stopped by hand",
) -> None:
    """Let nothing more be booked, for everyone, at once. Orders under way finish."""
    _turn(on=True, reason=reason)
    say("Booking is stopped for everyone.", style="yellow")


@app.command(epilog="Example: `parker booking start`")
def start() -> None:
    """Allow booking again."""
    _turn(on=False, reason="")
    say("Booking is allowed.")


def _turn(*, on: bool, reason: str) -> None:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        asyncio.run(_turn_switch(on=on, reason=reason))
    except SQLAlchemyError as error:
        complain(f"The database does not answer ({type(error).__name__}). `parker doctor` looks.")
        raise typer.Exit(Exit.UNAVAILABLE) from error


async def _turn_switch(*, on: bool, reason: str) -> None:
    from cli.operator import operating
    from db.queries.switches import start_booking, stop_booking
    from runtime.clock import system_now

    async with operating() as operator, operator.transaction() as session:
        if on:
            await stop_booking(session, reason, getpass.getuser(), system_now())
        else:
            await start_booking(session, getpass.getuser(), system_now())


def _flights(itinerary: dict[str, Any]) -> list[str]:
    return [
        f"{s['marketing_carrier']}{s['flight_number']} {s['origin']}-{s['destination']}"
        for leg in itinerary["slices"]
        for s in leg["segments"]
    ]

"""`parker card`: the cards that bookings are charged to, over the HTTP API."""

import sys
import time
from typing import Annotated

import typer

from cli.exits import Exit
from cli.http_api import call, new_key
from cli.output import complain, give, manner, print_json, print_rows, say

app = typer.Typer(no_args_is_help=True, help="Add, see and remove cards.")
_PATH = "/api/autobooking/payment-methods"
_LOOK_EVERY_SECONDS = 2.0

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Id = Annotated[str, typer.Argument(metavar="CARD", help="The card's id.")]


@app.command(epilog="Example: `parker card add --wait 300`")
def add(
    wait: Annotated[
        int, typer.Option(help="Seconds to wait for the page to be completed; 0: do not wait.")
    ] = 300,
) -> None:
    """Print the address of the page where a card is entered; no card number reaches us."""
    setup = call("POST", _PATH, body={}, headers={"Idempotency-Key": new_key()})
    say("Open this page and enter the card there:")
    if not manner.as_json:
        give(url=setup["url"])
    if not wait:
        say(f"When it is done: `parker card complete {setup['setup_id']}`.")
        if manner.as_json:
            print_json({"url": setup["url"], "setup_id": setup["setup_id"]})
    deadline = time.monotonic() + wait
    while time.monotonic() < deadline:
        done = call("POST", f"{_PATH}/setups/{setup['setup_id']}/complete")
        if card := done.get("payment_method"):
            say(f"Saved: {card['brand']} ending in {card['last4']}.")
            give(id=card["id"])
            return
        if done["status"] == "expired":
            complain("The page was left without a card. Nothing was saved.")
            sys.exit(Exit.NEEDS_ACTION)
        time.sleep(_LOOK_EVERY_SECONDS)
    if wait:
        complain(f"No card yet. Finish the page, then `parker card complete {setup['setup_id']}`.")
        sys.exit(Exit.NEEDS_ACTION)


@app.command(epilog="Example: `parker card complete SETUP`")
def complete(
    setup: Annotated[str, typer.Argument(metavar="SETUP", help="What `card add` named.")],
) -> None:
    """Save the card of a page that was completed; harmless when it is saved already."""
    done = call("POST", f"{_PATH}/setups/{setup}/complete")
    say(f"The page is {done['status']}.")
    if card := done.get("payment_method"):
        give(id=card["id"])


@app.command("list", epilog="Example: `parker card list --json`")
def list_cards(as_json: _Json = False) -> None:
    """List your cards, the default first."""
    found = call("GET", _PATH)["items"]
    if as_json:
        print_json(found)
        return
    rows = [
        {
            "id": one["id"],
            "card": f"{one['brand']} {one['last4']}",
            "expires": f"{one['exp_month']:02}/{one['exp_year']}",
            "default": "yes" if one["is_default"] else "",
            "status": one["status"],
        }
        for one in found
    ]
    print_rows(["id", "card", "expires", "default", "status"], rows, as_json=False)


@app.command(epilog="Example: `parker card default CARD`")
def default(card: _Id) -> None:
    """Charge this card from now on, wherever a wish names no other."""
    call("PUT", f"{_PATH}/{card}/default")
    say("It is the default now.")


@app.command(epilog="Example: `parker card remove CARD`")
def remove(card: _Id) -> None:
    """Give up a card; refused while it is being charged, or while a wish has no other."""
    call("DELETE", f"{_PATH}/{card}")
    say("Removed.")

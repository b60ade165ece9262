"""`parker traveler`: the people who travel, over the HTTP API."""

from typing import Annotated, Any

import typer

from cli.http_api import call, new_key
from cli.output import give, print_json, print_rows, say

app = typer.Typer(no_args_is_help=True, help="Add, see and remove travellers.")
_PATH = "/api/autobooking/traveler"

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Id = Annotated[str, typer.Argument(metavar="TRAVELER", help="The traveller's id.")]


@app.command(
    epilog="Example: `parker traveler add --given-name Ana --family-name Souza --born-on "
    "1990-04-12 --gender f --title ms --email ana@example.com --phone +351912345678`"
)
def add(
    *,
    given_name: Annotated[str, typer.Option(help="As in the passport.")],
    family_name: Annotated[str, typer.Option(help="As in the passport.")],
    born_on: Annotated[str, typer.Option(help="YYYY-MM-DD.")],
    gender: Annotated[str, typer.Option(help="m or f, as in the passport.")],
    title: Annotated[str, typer.Option(help="mr, ms, mrs, miss or dr.")],
    email: Annotated[str, typer.Option(help="Where the airline may write to.")],
    phone: Annotated[str, typer.Option(help="Such as +351912345678.")],
    label: Annotated[str, typer.Option(help="Your own word for this person.")] = "Traveller",
    passport: Annotated[
        str | None, typer.Option(help="NUMBER:COUNTRY:EXPIRY, such as CA123456:PT:2031-08-01.")
    ] = None,
    loyalty: Annotated[
        list[str] | None, typer.Option(help="AIRLINE:NUMBER, such as TP:512345678; repeatable.")
    ] = None,
) -> None:
    """Add a traveller; prints the id."""
    body: dict[str, Any] = {
        "label": label,
        "given_name": given_name,
        "family_name": family_name,
        "born_on": born_on,
        "gender": gender,
        "title": title,
        "email": email,
        "phone": phone,
        "documents": [_passport(passport)] if passport else [],
        "loyalty": [_account(text) for text in loyalty or []],
    }
    made = call("POST", _PATH, body=body, headers={"Idempotency-Key": new_key()})
    say(f"Added {made['label']}.")
    give(id=made["id"])


@app.command("list", epilog="Example: `parker traveler list --json`")
def list_travelers(as_json: _Json = False) -> None:
    """List your travellers."""
    found = call("GET", _PATH)["items"]
    rows = [
        {
            "id": one["id"],
            "label": one["label"],
            "name": f"{one['given_name']} {one['family_name']}",
            "born_on": one["born_on"],
        }
        for one in found
    ]
    if as_json:
        print_json(found)
    else:
        print_rows(["id", "label", "name", "born_on"], rows, as_json=False)


@app.command(epilog="Example: `parker traveler show ID`")
def show(traveler: _Id, as_json: _Json = False) -> None:
    """Show one traveller in full."""
    one = call("GET", f"{_PATH}/{traveler}")
    if as_json:
        print_json(one)
        return
    rows = [{"what": what, "value": value} for what, value in one.items() if value]
    print_rows(["what", "value"], rows, as_json=False)


@app.command(epilog="Example: `parker traveler remove ID`")
def remove(traveler: _Id) -> None:
    """Remove a traveller and forget what is known of them."""
    call("DELETE", f"{_PATH}/{traveler}")
    say("Removed.")


def _passport(text: str) -> dict[str, str]:
    parts = text.split(":")
    if len(parts) != 3:
        raise typer.BadParameter("write it as NUMBER:COUNTRY:EXPIRY", param_hint="--passport")
    number, country, expires_on = parts
    return {
        "kind": "passport",
        "number": number,
        "issuing_country": country,
        "expires_on": expires_on,
    }


def _account(text: str) -> dict[str, str]:
    airline, _, number = text.partition(":")
    if not number:
        raise typer.BadParameter("write it as AIRLINE:NUMBER", param_hint="--loyalty")
    return {"airline": airline, "number": number}

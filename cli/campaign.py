"""`parker campaign`: make, see and steer campaigns over the HTTP API."""

import json
import sys
from typing import Annotated, Any

import typer

from cli.amounts import confirm_amount
from cli.exits import Exit
from cli.http_api import call, events, money, new_key, pages
from cli.output import give, print_json, print_rows, say

app = typer.Typer(no_args_is_help=True, help="Make, see and steer campaigns.")
_PATH = "/api/autobooking/campaigns"

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Id = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The campaign's id.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; needs --max-amount.")]
_Most = Annotated[str | None, typer.Option(help="The most that may be charged, as `520 USD`.")]
_Proposal = Annotated[
    str | None, typer.Option("--proposal", help="The proposal's id; absent: the open one.")
]


@app.command(
    epilog="Example: `parker campaign create --from NYC --to LIS --depart-from 2027-05-01 "
    "--depart-until 2027-06-20 --nights 6-10 --budget 520 --traveler ID --consent`"
)
def create(
    *,
    origins: Annotated[list[str], typer.Option("--from", help="Airport or city; repeatable.")],
    destinations: Annotated[list[str], typer.Option("--to", help="Airport or city; repeatable.")],
    depart_from: Annotated[str, typer.Option(help="First day of departure, YYYY-MM-DD.")],
    depart_until: Annotated[str, typer.Option(help="Last day of departure, YYYY-MM-DD.")],
    budget: Annotated[str, typer.Option(help="The most for everybody, bags included.")],
    travelers: Annotated[list[str], typer.Option("--traveler", help="Id; repeatable.")],
    nights: Annotated[str | None, typer.Option(help="Such as 7 or 6-10; absent: one-way.")] = None,
    currency: Annotated[str, typer.Option(help="Of the budget.")] = "USD",
    cabin: Annotated[
        str, typer.Option(help="economy, premium_economy, business or first.")
    ] = "economy",
    connections: Annotated[
        int | None, typer.Option("--max-connections", help="0: non-stop.")
    ] = None,
    bags: Annotated[int, typer.Option(help="Checked bags for each paying passenger.")] = 0,
    airlines: Annotated[
        list[str] | None, typer.Option("--airline", help="Only these; repeatable.")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option("--without-airline", help="Never these; repeatable.")
    ] = None,
    refundable: Annotated[bool, typer.Option(help="Refundable fares only.")] = False,
    name: Annotated[str | None, typer.Option(help="Absent: made of the route.")] = None,
    card: Annotated[str | None, typer.Option(help="Payment method's id; absent: default.")] = None,
    ask_first: Annotated[bool, typer.Option("--ask-first", help="Ask before booking.")] = False,
    notify: Annotated[bool, typer.Option("--notify", help="Only tell me; book nothing.")] = False,
    later: Annotated[
        bool, typer.Option("--consent-later", help="Let it wait until you consent on its page.")
    ] = False,
    consent: Annotated[
        bool, typer.Option("--consent", help="Agree to the text of `parker policy` unasked.")
    ] = False,
    key: Annotated[str | None, typer.Option(help="Idempotency key, to repeat safely.")] = None,
) -> None:
    """Start watching for a wish; prints the campaign's id."""
    mode = "notify" if notify else "ask_me_first" if ask_first else "auto"
    silent = notify or later
    agreed = None if silent else _agreed(f"{budget} {currency.upper()}", mode, given=consent)
    shortest, longest = _nights(nights)
    criteria: dict[str, Any] = {
        "origins": origins,
        "destinations": destinations,
        "departure_from": depart_from,
        "departure_until": depart_until,
        "nights_min": shortest,
        "nights_max": longest,
        "cabin": cabin,
        "budget": {"amount": budget, "currency": currency.upper()},
        "max_connections": connections,
        "checked_bags": bags,
        "airlines_wanted": airlines or [],
        "airlines_excluded": without or [],
        "refundable_only": refundable,
    }
    body = {
        "criteria": criteria,
        "mode": mode,
        "traveler_ids": travelers,
        "payment_method_id": card,
    }
    if agreed:
        body["consent"] = agreed
    if name:
        body["name"] = name
    made = call("POST", _PATH, body=body, headers={"Idempotency-Key": key or new_key()})
    _say_made(made)


@app.command("list", epilog="Example: `parker campaign list --status active --json`")
def list_campaigns(
    statuses: Annotated[
        list[str] | None, typer.Option("--status", help="Only these; repeatable.")
    ] = None,
    text: Annotated[str | None, typer.Option("--search", help="In the name or a code.")] = None,
    most: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 50,
    as_json: _Json = False,
) -> None:
    """List your campaigns, newest first."""
    query: dict[str, Any] = {"status": statuses or []}
    if text:
        query["q"] = text
    found = list(pages(_PATH, query, most))
    if as_json:
        print_json(found)
        return
    rows = [
        {
            "id": one["id"],
            "name": one["name"],
            "status": one["status"],
            "budget": money(one["budget"]),
            "where it stands": one["display_status"]["sentence"],
        }
        for one in found
    ]
    print_rows(["id", "name", "status", "budget", "where it stands"], rows, as_json=False)


@app.command(epilog="Example: `parker campaign show ID --json`")
def show(campaign: _Id, as_json: _Json = False) -> None:
    """Show where a campaign stands."""
    status = call("GET", f"{_PATH}/{campaign}/status")
    if as_json:
        print_json(status)
    else:
        _show(call("GET", f"{_PATH}/{campaign}")["name"], status)
    if status["display_status"]["code"] in {"needs_you", "your_answer", "confirm_with_bank"}:
        raise typer.Exit(Exit.NEEDS_ACTION)


@app.command(epilog="Example: `parker campaign pause ID`")
def pause(campaign: _Id) -> None:
    """Stop watching until it is resumed."""
    _steer(campaign, "pause")


@app.command(epilog="Example: `parker campaign resume ID`")
def resume(campaign: _Id) -> None:
    """Watch again."""
    _steer(campaign, "resume")


@app.command(epilog="Example: `parker campaign cancel ID`")
def cancel(campaign: _Id) -> None:
    """Give the wish up."""
    _steer(campaign, "cancel")


@app.command(epilog="Example: `parker campaign consent ID`")
def consent(
    campaign: _Id,
    given: Annotated[
        bool, typer.Option("--consent", help="Agree to the text of `parker policy` unasked.")
    ] = False,
) -> None:
    """Consent to be booked and charged, at most the wish's budget."""
    wish = call("GET", f"{_PATH}/{campaign}")
    agreed = _agreed(money(wish["budget"]), wish["mode"], given=given)
    _steer(campaign, "consent", {"consent": agreed})


@app.command(epilog="Example: `parker campaign approve ID --yes --max-amount '520 USD'`")
def approve(
    campaign: _Id, proposal: _Proposal = None, yes: _Yes = False, max_amount: _Most = None
) -> None:
    """Book the proposed flights at or below the proposed price."""
    found = _open_proposal(campaign)
    confirm_amount("To be charged, at most", found["price"], yes=yes, max_amount=max_amount)
    _steer(campaign, "approve", {"proposal_id": proposal or found["id"]})


@app.command(epilog="Example: `parker campaign watch ID`; `parker campaign watch ID --json`")
def watch(campaign: _Id, as_json: _Json = False) -> None:
    """Follow what happens to a wish, as it happens, until nothing more can; Ctrl-C leaves it be.

    Steps of the machinery are left out; with --json each event is one line of JSON.
    """
    for event in events(f"{_PATH}/{campaign}/status"):
        if as_json:
            sys.stdout.write(json.dumps(event) + "\n")
        elif event["sentence"]:
            sys.stdout.write("\t".join((event["at"], event["kind"], event["sentence"])) + "\n")
        sys.stdout.flush()


@app.command(epilog="Example: `parker campaign reject ID`")
def reject(campaign: _Id, proposal: _Proposal = None) -> None:
    """Turn the proposal down and go on watching."""
    _steer(campaign, "reject", {"proposal_id": proposal or _open_proposal(campaign)["id"]})


def _say_made(made: dict[str, Any]) -> None:
    for warning in made["warnings"]:
        say(warning, style="yellow")
    say(made["display_status"]["sentence"])
    if made["status"] == "awaiting_consent":
        say(f"Read and give it at {made['links']['consent']}, or with `parker campaign consent`.")
    give(id=made["id"])


def _steer(campaign: str, what: str, body: object = None) -> None:
    answer = call(
        "POST", f"{_PATH}/{campaign}/{what}", body=body, headers={"Idempotency-Key": new_key()}
    )
    say(answer["display_status"]["sentence"])
    give(status=answer["status"])


def _open_proposal(campaign: str) -> dict[str, Any]:
    proposal = call("GET", f"{_PATH}/{campaign}/status")["proposal"]
    if proposal is None:
        say("No proposal is open for this campaign.", style="red")
        raise typer.Exit(Exit.CONFLICT)
    found: dict[str, Any] = proposal
    return found


def _show(name: str, status: dict[str, Any]) -> None:
    look, booking, proposal = status["last_look"], status["booking"], status["proposal"]
    facts = {
        "name": name,
        "where it stands": status["display_status"]["sentence"],
        "status": status["status"],
        "budget": money(status["budget"]),
        "best fare seen": money(status["best_price"]),
        "last look": f"{look['summary']} ({look['at']})" if look else "",
        "next look": status["next_look_at"] or "",
        "ends": status["ends_at"],
        "proposal": f"{money(proposal['price'])}, {proposal['id']}" if proposal else "",
        "booking": f"{booking['booking_reference']}, {booking['id']}" if booking else "",
    }
    rows = [{"what": what, "value": value} for what, value in facts.items() if value]
    print_rows(["what", "value"], rows, as_json=False)


def _agreed(cap: str, mode: str, *, given: bool) -> dict[str, Any]:
    """Return the consent to the text that holds now for this mode, once it was agreed to."""
    texts = call("GET", "/api/v1/policy")
    text = texts["asked_consent" if mode == "ask_me_first" else "consent"]
    body = {"accepted": True, "text_version": text["version"]}
    if given:
        return body
    say(text["template"].format(cap=cap, expires="the day the wish ends"))
    if not sys.stdin.isatty() or not typer.confirm("Do you agree?", err=True):
        say("Without consent nothing is booked. Repeat with --consent to agree.", style="red")
        raise typer.Exit(Exit.NEEDS_ACTION)
    return body


def _nights(text: str | None) -> tuple[int | None, int | None]:
    if text is None:
        return None, None
    shortest, _, longest = text.partition("-")
    try:
        return int(shortest), int(longest or shortest)
    except ValueError:
        raise typer.BadParameter("write nights as 7 or 6-10", param_hint="--nights") from None

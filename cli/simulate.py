"""`parker simulate`: one wish through the whole pipeline, in a throwaway installation."""

import asyncio
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console

from cli.demo_market import Market
from cli.demo_people import DemoStuck, Town, Traveller
from cli.demo_stage import Stage
from cli.doctor import Finding, Verdict, show
from cli.exits import Exit
from cli.invariants import check
from cli.stack import Stack
from domain.ids import CampaignId

app = typer.Typer(no_args_is_help=True, help="Let one wish run through everything, in a sandbox.")
# The stages of a booking, and the event that says that each is done.
_STAGES = {
    "monitor": "campaign.created",
    "match": "campaign.booking",
    "authorise": "payment.authorised",
    "order": "order.placed",
    "capture": "payment.captured",
    "record": "campaign.booked",
    "ticket": "booking.ticketed",
}
_CARD = "4242424242424242"
_MAIL_SECONDS = 30  # a mail that encloses PDFs waits for their printing


@app.callback()
def simulate() -> None:
    """Let one wish run through everything, in a sandbox."""


@app.command(epilog="Example: `parker simulate pipeline --json`")
def pipeline(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Take one wish from its creation to its ticket; exits 1 if a stage is not reached."""
    with Stack.temporary() as stack:
        findings = asyncio.run(_run(stack))
    show(findings, as_json=as_json)
    raise typer.Exit(Exit.FAILURE if any(f.is_bad for f in findings) else Exit.OK)


async def _run(stack: Stack) -> list[Finding]:
    stage = Stage(Console(file=io.StringIO()))  # what it tells is the findings' business here
    stage.begin(datetime.now(UTC))
    async with Town(stack.settings, stack.api_url, stage) as town, Market(stack) as market:
        person = await town.traveller("Ana")
        try:
            await person.wish(_wish(), _TRAVELER, _CARD)
        except DemoStuck as error:
            return [Finding("create", Verdict.BAD, str(error))]
        findings = [Finding("create", Verdict.GOOD, f"campaign {person.campaign_id}")]
        findings += [await _reached(person, name, kind) for name, kind in _STAGES.items()]
        if not any(finding.is_bad for finding in findings):
            rows, ledger = await town.settled_rows(), await _told(market)
            findings += _books(ledger, check(ledger, rows, [CampaignId(_id(person))]))
        return findings


async def _told(market: Market) -> dict[str, Any]:
    """Return the sandboxes' books once a mail has arrived: what it encloses is printed first."""
    deadline = asyncio.get_running_loop().time() + _MAIL_SECONDS
    while not (ledger := await market.ledger())["mail"]["messages"]:
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.25)
    return ledger


async def _reached(person: Traveller, name: str, kind: str) -> Finding:
    try:
        event = await person.until(kind)
    except DemoStuck as error:
        return Finding(name, Verdict.BAD, str(error))
    return Finding(name, Verdict.GOOD, f"{kind} at {event['at']}")


def _books(ledger: dict[str, Any], broken: tuple[object, ...]) -> Iterator[Finding]:
    mails = len(ledger["mail"]["messages"])
    verdict = Verdict.GOOD if mails else Verdict.BAD
    yield Finding("tell", verdict, f"{mails} mails in the inbox")
    if broken:
        yield Finding("invariants", Verdict.BAD, "; ".join(map(str, broken)))
    else:
        orders = len(ledger["duffel"]["orders"])
        yield Finding("invariants", Verdict.GOOD, f"hold in both books; {orders} order")


def _id(person: Traveller) -> UUID:
    return UUID(person.campaign_id)


def _wish() -> dict[str, Any]:
    day = (datetime.now(UTC).date() + timedelta(days=42)).isoformat()
    return {
        "name": "JFK to LIS",
        "mode": "auto",
        "criteria": {
            "origins": ["JFK"],
            "destinations": ["LIS"],
            "departure_from": day,
            "departure_until": day,
            "budget": {"amount": "3000.00", "currency": "USD"},
        },
    }


_TRAVELER = {
    "label": "Me",
    "given_name": "Ana",
    "family_name": "Souza",
    "born_on": "1990-04-12",
    "gender": "f",
    "title": "ms",
    "email": "ana@example.com",
    "phone": "+351912345678",
    "documents": [],
    "loyalty": [],
}

"""`parker dispute`: what banks dispute, by when to answer, and what to answer with."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from cli.exits import Exit
from cli.operating import given, run_as_operator
from cli.output import complain, print_json, print_rows, say

app = typer.Typer(no_args_is_help=True, help="Disputed charges, and the evidence for them.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Dispute = Annotated[str, typer.Argument(metavar="DISPUTE", help="Stripe's id, dp_...")]
_COLUMNS = ["answer_by", "dispute", "status", "amount", "taken_back", "reason", "booking"]


@app.command("list", epilog="Example: `parker dispute list --open`")
def list_disputes(
    only_open: Annotated[bool, typer.Option("--open", help="Only those not decided.")] = False,
    as_json: _Json = False,
) -> None:
    """List disputes, the nearest deadline first; exits 6 if one must be answered."""
    rows = run_as_operator(lambda operator: operator.disputes.all(only_open=only_open))
    print_rows(_COLUMNS, rows, as_json=as_json)
    waiting = sum(bool(row["answer_by"]) for row in rows)
    if waiting:
        say(f"{waiting} must be answered. `parker dispute evidence DISPUTE --out DIR` gathers it.")
        raise typer.Exit(Exit.NEEDS_ACTION)


@app.command(epilog="Example: `parker dispute show dp_1Nv --json`")
def show(dispute: _Dispute, as_json: _Json = False) -> None:
    """Show where a dispute stands; whose it is is not shown, so no reason is asked for."""
    from cli.operator_disputes import listed

    row = run_as_operator(lambda operator: operator.disputes.find(dispute))
    if row is None:
        _unknown()
        return
    facts = listed(row)
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        typer.echo(f"{name}: {value}")


@app.command(epilog="Example: `parker dispute evidence dp_1Nv --out pack --reason 'chargeback'`")
def evidence(
    dispute: _Dispute,
    out: Annotated[Path, typer.Option(help="A folder that is not there yet.")],
    reason: Annotated[
        str,
        typer.Option(help="Why you look at this person's data; they are shown it.", callback=given),
    ],
) -> None:
    """Write the evidence into a folder: consent, charge, offer, booking, messages, timeline."""
    if out.exists():
        complain(f"{out} exists already; nothing was written over.")
        raise typer.Exit(Exit.CONFLICT)
    pack = run_as_operator(lambda operator: operator.disputes.evidence(dispute, reason))
    if pack is None:
        _unknown()
        return
    out.mkdir(parents=True, mode=0o700)
    for name, content in pack.files.items():
        path = out / name
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
            json.dump(content, file, indent=2, default=str, ensure_ascii=False)
    say(f"{len(pack.files)} files in {out}. They name a person: hand them in, then delete them.")


def _unknown() -> None:
    complain("There is no such dispute in our rows. What Stripe has is read once an hour.")
    raise typer.Exit(Exit.NOT_FOUND)

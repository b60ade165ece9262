"""Consents: read one, check one without anybody's help, and exchange the key that signs them."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.exits import Exit
from cli.http_api import call, money
from cli.output import complain, print_json, print_rows, say

app = typer.Typer(no_args_is_help=True, help="What you consented to, and the keys that sign it.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_KEYS = "/.well-known/parker-mandate-keys.json"


@app.command(epilog="Example: `parker mandate show CAMPAIGN --json > mandate.json`")
def show(
    campaign: Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The wish's id.")],
    as_json: _Json = False,
) -> None:
    """Show the consent that stands for a wish, and what was charged under it."""
    found = call("GET", f"/api/autobooking/campaigns/{campaign}/mandate")
    if as_json:
        print_json(found)
        return
    mandate = found["mandate"]
    if mandate is None:
        say("Nobody has consented to be charged for this wish.")
        raise typer.Exit(Exit.NEEDS_ACTION)
    document = json.loads(mandate["document"] or "{}")
    rows: list[dict[str, object]] = [
        {"what": "state", "value": mandate["standing"]},
        {"what": "at most", "value": money(mandate["cap"])},
        {"what": "given", "value": mandate["given_at"]},
        {"what": "ends", "value": mandate["expires_at"]},
        {"what": "words", "value": document.get("consent", {}).get("words", "")},
        {"what": "signed by us with", "value": mandate["key_id"] or "nothing"},
        {"what": "signed by you", "value": "with a passkey" if mandate["passkey"] else "no"},
    ]
    rows += [
        {"what": "given back" if use["released_at"] else "taken", "value": _use(use)}
        for use in mandate["uses"]
    ]
    print_rows(["what", "value"], rows, as_json=False)


@app.command("keys", epilog="Example: `parker mandate keys > mandate-keys.json`")
def show_keys() -> None:
    """Print the public keys, to be kept where nobody can change them."""
    print_json(call("GET", _KEYS, needs_key=False))


@app.command(
    epilog="Example: `parker mandate show CAMPAIGN --json | parker mandate verify - "
    "--keys mandate-keys.json`"
)
def verify(
    file: Annotated[str, typer.Argument(help="What `show --json` printed; - for standard input.")],
    keys: Annotated[Path, typer.Option(help="What `keys` printed, when you last trusted it.")],
    as_json: _Json = False,
) -> None:
    """Check a consent by the keys alone; asks nobody, so it cannot know of a withdrawal."""
    from domain.mandate_document import BadMandate, SignedMandate, verified
    from runtime.signing import MandateKeys

    pinned = MandateKeys.of_published(_read(str(keys)))
    mandate = _mandate_in(_read(file))
    try:
        signed = SignedMandate.model_validate(
            {name: mandate.get(name) for name in SignedMandate.model_fields}
        )
        document = verified(signed, pinned)
    except (BadMandate, ValueError) as error:
        why = str(error) if isinstance(error, BadMandate) else "it is not signed"
        complain(f"Not genuine: {why}. Nothing may be charged under it.")
        raise typer.Exit(Exit.REFUSED) from None
    over = document.expires_at <= datetime.now(UTC)
    facts = {
        "genuine": True,
        "campaign": str(document.campaign_id),
        "at most": str(min(document.cap_each, document.cap_total)),
        "signed by the server": signed.key_id,
        "signed by the traveller": "passkey" if signed.passkey else "no",
        "given": document.issued_at.isoformat(),
        "ends": document.expires_at.isoformat(),
        "over": over,
        "withdrawn": "unknown (offline)",
        "words": document.consent.words,
    }
    if as_json:
        print_json(facts)
    else:
        rows = [{"what": what, "value": value} for what, value in facts.items()]
        print_rows(["what", "value"], rows, as_json=False)
    if over:
        raise typer.Exit(Exit.REFUSED)


@app.command("rotate-key", epilog="Example: `parker mandate rotate-key && parker up`")
def rotate_key() -> None:
    """Make a fresh signing key; the public halves of the old ones go on checking.

    On one machine the new setting is written beside the other secrets; elsewhere it is printed, to
    be set as PARKER_MANDATE_KEYS. Either way it counts from the next start on.
    """
    from cli.key_rotation import Which, rotate

    if rotate(Which.MANDATE, dry_run=False)["fresh"]:
        say("Restart what runs; consents given before stay good.")


def _use(use: dict[str, Any]) -> str:
    """Say what was taken, and the charge that it allowed."""
    taken = money(use["amount"])
    return taken if use["released_at"] else f"{taken}, of which charged {money(use['charged'])}"


def _mandate_in(found: Any) -> dict[str, Any]:
    """Return the one consent in what `show --json` printed, or in a part of it."""
    inner = found.get("mandate", found) if isinstance(found, dict) else None
    if not isinstance(inner, dict):
        complain("There is no consent in this file.")
        raise typer.Exit(Exit.NOT_FOUND)
    return inner


def _read(name: str) -> Any:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        return json.loads(text)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not JSON"
        complain(f"{name} cannot be read: {why}.")
        raise typer.Exit(Exit.USAGE) from None

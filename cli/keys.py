"""`parker keys`: accounts' API keys, and the master key that wraps everybody's data keys."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

import typer

from cli.exits import Exit
from cli.key_rotation import Which
from cli.key_rotation import rotate as rotate_key
from cli.operating import given, run_as_operator
from cli.output import complain, give, print_json, print_rows, say
from domain.accounts import clean_address
from domain.api_keys import KeyGrant, Scope, SpendingLimits, scopes_up_to
from domain.errors import MoneyFormat
from domain.money import Money
from runtime.clock import system_now

T = TypeVar("T")
app = typer.Typer(no_args_is_help=True, help="API keys, and rotating the master key.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _address(text: str) -> str:
    """Refuse what can be nobody's address."""
    if clean_address(text) is None:
        raise typer.BadParameter(f"{text!r} is no e-mail address")
    return text


def _to_come(day: datetime | None) -> datetime | None:
    """Refuse a last day that is over."""
    if day is not None and day.date() < system_now().date():
        raise typer.BadParameter("this day is over; the key would open nothing")
    return day


_Email = Annotated[str, typer.Option(help="The person's address.", callback=_address)]
_Reason = Annotated[
    str, typer.Option(help="Why you look at this person's data; they are shown it.", callback=given)
]


@app.command(epilog="Example: `export PARKER_API_KEY=$(parker keys create --email me@example.com)`")
def create(
    *,
    email: _Email,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "command line",
    scope: Annotated[
        Scope, typer.Option(help="The most it may do: look, change wishes, or spend.")
    ] = Scope.SPEND,
    cap: Annotated[str | None, typer.Option(help="The most for one booking, as `520 USD`.")] = None,
    cap_total: Annotated[
        str | None, typer.Option(help="The most in all; without it, one booking's.")
    ] = None,
    expires: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="The last day (UTC) it is good.", callback=_to_come
        ),
    ] = None,
    reason: _Reason = "a key was asked for",
) -> None:
    """Make a key, and the account if it is new. The key is printed this once.

    You answer for the key: without --scope it may do everything, without --cap each wish's own
    consent is its only limit, and without --expires it is good until it is revoked.
    """
    grant = _grant(scope, cap, cap_total, expires)
    key, prefix = run_as_operator(lambda operator: operator.create(email, name, reason, grant))
    say(f"Key {prefix}… for {email}. It is shown this once; keep it safe.")
    give(key=key)


@app.command(
    "list", epilog="Example: `parker keys list --email me@example.com --reason 'they asked'`"
)
def list_keys(email: _Email, reason: _Reason, as_json: _Json = False) -> None:
    """List a person's keys, newest first. Who looked and why is written down and shown to them."""
    rows = run_as_operator(lambda operator: operator.list(email, reason))
    print_rows(
        [
            "id",
            "prefix",
            "name",
            "scopes",
            "created_at",
            "expires_at",
            "last_used_at",
            "revoked_at",
        ],
        rows,
        as_json=as_json,
    )


@app.command(epilog="Example: `parker keys revoke KEY_ID --email me@example.com`")
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="As `keys list` shows it.")],
    email: _Email,
    reason: _Reason = "a key was to be revoked",
) -> None:
    """Let a key open nothing any more, at once."""
    try:
        wanted = UUID(key_id)
    except ValueError:
        raise typer.BadParameter("give the id as `parker keys list` shows it") from None
    if not run_as_operator(lambda operator: operator.revoke(email, wanted, reason)):
        complain("There is no such key.")
        raise typer.Exit(Exit.NOT_FOUND)
    say("Revoked.")


@app.command(epilog="Example: `parker keys rotate`; `parker keys rotate --which mandate`")
def rotate(
    which: Annotated[
        Which,
        typer.Option(help="What wraps people's keys, or what signs consents."),
    ] = Which.MASTER,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    as_json: _Json = False,
) -> None:
    """Exchange a key while everything runs; harmless to interrupt and repeat.

    Older keys stay in the setting: what Temporal holds opens with the key that wrote it only.
    """
    done = rotate_key(which, dry_run=dry_run)
    if as_json:
        print_json(done)
    elif which is Which.MASTER:
        verb = "Would rewrap" if dry_run else "Rewrapped"
        say(f"{verb} {done['left'] if dry_run else done['rewrapped']} data keys.")
    if done["fresh"] and not dry_run and which is Which.MANDATE:
        say("Restart what runs, so that it signs with it; consents given before stay good.")
    elif done["fresh"] and not dry_run:
        say("What runs goes on, with the key that it started with; restart it when it suits you"
            " and call this once more for what was written meanwhile.")  # fmt: skip


def _grant(
    scope: Scope, cap: str | None, cap_total: str | None, expires: datetime | None
) -> KeyGrant:
    """Read the options of a new key; one that cannot hold ends the command."""
    limits = None
    if cap_total and not cap:
        raise typer.BadParameter("give --cap too, the most for one booking")
    if cap and scope is not Scope.SPEND:
        raise typer.BadParameter("only a key that may spend has a cap")
    if cap:
        try:
            limits = SpendingLimits(each=_amount(cap), total=_amount(cap_total or cap))
        except ValueError:
            raise typer.BadParameter(
                "both caps are above zero, in one currency, and the one in all is not the smaller"
            ) from None
    ends = expires.replace(tzinfo=UTC) + timedelta(days=1) if expires else None
    return KeyGrant(scopes=scopes_up_to(scope), limits=limits, expires_at=ends)


def _amount(text: str) -> Money:
    amount, _, currency = text.strip().partition(" ")
    try:
        return Money.parse(amount, currency.strip().upper())
    except (MoneyFormat, ValueError):
        raise typer.BadParameter(f"{text!r} is not an amount like `520 USD`") from None

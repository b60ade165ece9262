"""`parker user`: accounts, their roles, and the browsers that are signed in to them."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import Exit
from cli.operating import given, run_as_operator
from cli.output import complain, print_json, print_rows, say
from db.models.user import Role

if TYPE_CHECKING:
    from cli.operator_accounts import Account

app = typer.Typer(no_args_is_help=True, help="Accounts, roles, and browsers signed in.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Email = Annotated[str, typer.Option(help="The person's address.")]
_Reason = Annotated[
    str, typer.Option(help="Why you look at this person's data; they are shown it.", callback=given)
]


@app.command("list", epilog="Example: `parker user list --role admin`")
def list_users(
    role: Annotated[Role | None, typer.Option(help="Only accounts with this role.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many a role.")] = 100,
    as_json: _Json = False,
) -> None:
    """List accounts by role and id, newest first: no addresses, so no reason is asked for."""
    rows = run_as_operator(lambda operator: operator.accounts.all(role, limit))
    print_rows(["id", "role", "confirmed"], rows, as_json=as_json)


@app.command(epilog="Example: `parker user show --email me@example.com --reason 'they called'`")
def show(email: _Email, reason: _Reason, as_json: _Json = False) -> None:
    """Show an account. Who looked and why is written down and shown to its owner."""
    account = _found(run_as_operator(lambda operator: operator.accounts.show(email, reason)))
    if as_json:
        print_json(account.shown())
        return
    for name, value in account.shown().items():
        typer.echo(f"{name}: {value}")


@app.command(
    epilog="Example: `parker user grant --email me@example.com --role admin --reason 'on call'`"
)
def grant(
    email: _Email,
    role: Annotated[Role, typer.Option(help="What the person is to the installation.")],
    reason: _Reason,
) -> None:
    """Give an account a role in the place of the one it has; its browsers are signed out.

    Roles give nothing of other people's by themselves.
    """
    account = _found(run_as_operator(lambda operator: operator.accounts.grant(email, role, reason)))
    if not account.confirmed:
        complain("The address is not confirmed: nobody has shown that the account is theirs.")
        raise typer.Exit(Exit.CONFLICT)
    say(f"{email} is {role} now. Browsers signed out: {account.browsers_ended}.")


@app.command(
    "revoke-sessions",
    epilog="Example: `parker user revoke-sessions --email me@example.com --reason 'lost phone'`",
)
def revoke_sessions(email: _Email, reason: _Reason) -> None:
    """Sign every browser of an account out, at once."""
    account = _found(run_as_operator(lambda operator: operator.accounts.sign_out(email, reason)))
    say(f"Browsers signed out: {account.browsers_ended}.")


def _found(account: "Account | None") -> "Account":
    if account is None:
        complain("There is no account with this address.")
        raise typer.Exit(Exit.NOT_FOUND)
    return account

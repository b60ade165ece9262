"""Money moves only once somebody has typed how much: by hand, or beforehand with a limit."""

import sys
from collections.abc import Mapping

import typer

from cli.exits import Exit
from cli.http_api import money
from cli.output import complain, manner, say
from domain.errors import MoneyFormat
from domain.money import Money


def confirm_amount(
    what: str, amount: Mapping[str, str], *, yes: bool, max_amount: str | None
) -> None:
    """Return if this amount was agreed to; otherwise the command ends and nothing has moved.

    `yes` answers unasked, and holds only up to `max_amount`.
    """
    if manner.dry_run:
        return
    if yes:
        if max_amount is None:
            raise typer.BadParameter("--yes moves money only with --max-amount, as `520 USD`")
        limit, wanted = _read(max_amount), Money.parse(amount["amount"], amount["currency"])
        if limit.currency != wanted.currency or wanted > limit:
            complain(
                f"{what} is {money(amount)}, more than --max-amount {limit}. Nothing was done."
            )
            raise typer.Exit(Exit.REFUSED)
        return
    say(f"{what}: {money(amount)}.")
    if sys.stdin.isatty():
        typed = typer.prompt("Type the amount to go on", err=True, default="", show_default=False)
        if typed.strip() in {money(amount), amount["amount"]}:
            return
    complain(
        f"Nothing was done. Type {money(amount)} when asked, or repeat with"
        f" --yes --max-amount '{money(amount)}'."
    )
    raise typer.Exit(Exit.NEEDS_ACTION)


def _read(text: str) -> Money:
    amount, _, currency = text.strip().partition(" ")
    try:
        return Money.parse(amount, currency.strip().upper())
    except (MoneyFormat, ValueError):
        raise typer.BadParameter(f"{text!r} is not an amount like `520 USD`") from None

"""Messages go to standard error, data to standard output, so that a pipe carries data only."""

import json
import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

messages = Console(stderr=True, highlight=False)
data = Console(highlight=False)


def say(text: str, *, style: str = "") -> None:
    """Print a message as it stands: nothing in it is markup."""
    messages.print(text, style=style or None, markup=False)


def complain(text: str) -> None:
    say(text, style="red")


def print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def print_rows(
    columns: Sequence[str], rows: Sequence[Mapping[str, object]], *, as_json: bool
) -> None:
    """Print records as a table for people, or as JSON; into a pipe as tab-separated lines."""
    if as_json:
        print_json(list(rows))
    elif data.is_terminal:
        table = Table(*(column.replace("_", " ") for column in columns))
        for row in rows:
            table.add_row(*(escape(str(row.get(column, ""))) for column in columns))
        data.print(table)
    else:
        for row in rows:
            sys.stdout.write("\t".join(str(row.get(column, "")) for column in columns) + "\n")

"""Messages go to standard error, data to standard output, so that a pipe carries data only."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

messages = Console(stderr=True, highlight=False)
data = Console(highlight=False)


@dataclass
class Manner:
    """How this call was asked to print; see `cli/conventions.py`."""

    as_json: bool = False
    plain: bool = False
    dry_run: bool = False
    gave: bool = False
    """Whether anything was given out yet."""


manner = Manner()


def say(text: str, *, style: str = "") -> None:
    """Print a message as it stands: nothing in it is markup, and no address in it is broken."""
    messages.print(text, style=style or None, markup=False, soft_wrap=True)


def complain(text: str) -> None:
    say(text, style="red")


def give(**value: object) -> None:
    """Give out the one thing that a command is about: bare, or by its name in JSON."""
    if manner.as_json:
        print_json(value)
        return
    for text in value.values():
        sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def print_json(value: object) -> None:
    manner.gave = True
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def print_rows(
    columns: Sequence[str],
    rows: Sequence[Mapping[str, object]],
    *,
    as_json: bool,
    none: str = "There are none.",
) -> None:
    """Print records as a table for people, or as JSON; into a pipe as tab-separated lines."""
    if as_json or manner.as_json:
        print_json(list(rows))
    elif not rows:
        say(none)
    elif data.is_terminal and not manner.plain:
        table = Table(*(column.replace("_", " ") for column in columns))
        for row in rows:
            table.add_row(*(escape(_cell(row.get(column))) for column in columns))
        data.print(table)
    else:
        for row in rows:
            cells = (" ".join(_cell(row.get(column)).split()) for column in columns)
            sys.stdout.write("\t".join(cells) + "\n")


def _cell(value: object) -> str:
    """Write a value for people: nothing for nothing, and no brackets of a program's."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name}:{_cell(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    return str(value)

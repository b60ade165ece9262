"""A bar for what takes long, with the time that is left; on a terminal only."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cli.output import messages, say

Advance = Callable[[float], None]
"""Say how much of the whole is done by now."""


@contextmanager
def tracked(what: str, whole: float) -> Iterator[Advance]:
    """Show how far something is; elsewhere than on a terminal one line says that it began."""
    if not messages.is_terminal:
        say(f"{what} ...")
        yield lambda _done: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=messages) as bar:
        task = bar.add_task(what, total=max(whole, 1))
        yield lambda done: bar.update(task, completed=done)
        bar.update(task, completed=max(whole, 1))

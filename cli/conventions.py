"""What every command understands, given to all of them in one place.

`--json` and `--plain` say how data is printed, `--dry-run` lets whatever writes say what it would
write. A command that has one of these itself keeps its own. What is not known to read or to be a
process of its own is taken to write, so that a new command has a dry run from its first day.
"""

from collections.abc import Callable
from types import MethodType
from typing import Annotated, Any

import typer
from typer._click.core import Command, Context, Parameter
from typer.core import TyperCommand, TyperGroup

from cli.output import manner, print_json, say

# Verbs that change nothing.
READS = frozenset(
    {"list", "show", "check", "verify", "keys", "codec", "watch", "export", "periods", "policy"}
    | {"doctor"}
)
# What serves, plays or prepares until it is done has no data of its own to print.
PROCESSES = frozenset({"up", "worker", "api", "sandbox", "migrate", "demo", "simulate"})
# Typer gives each subject an option to install completion for a command of the subject's name.
_COMPLETION = frozenset({"install_completion", "show_completion"})
# These ask the API, which stops before the first request that writes (`cli/http_api.py`).
_OVER_HTTP = frozenset({"campaign", "booking", "traveler", "card", "export", "mandate"})
_BY_OPERATOR = frozenset({"booking stop", "booking start", "mandate rotate-key"})


def dressed(command: Command, path: str) -> Command:
    """Give a command, or all of a group, what it does not have itself."""
    command.params = [each for each in command.params if each.name not in _COMPLETION]
    if isinstance(command, TyperCommand | TyperGroup):
        command.rich_markup_mode = "markdown"  # else examples are shown in their backticks
    if isinstance(command, TyperGroup):
        for name, child in command.commands.items():
            dressed(child, f"{path} {name}")
        return command
    _lead_with_example(command)
    if path.split(maxsplit=1)[0] in PROCESSES:
        return command
    own = {parameter.name for parameter in command.params}
    flags = dict(_FLAGS)
    if path.rsplit(maxsplit=1)[-1] in READS:
        del flags["dry_run"]
    added = [name for name in flags if name not in own]
    command.params += [_flag(name) for name in added]
    command.invoke = MethodType(_invoke_of(path, command.invoke, added), command)  # type: ignore[method-assign]
    return command


def _lead_with_example(command: Command) -> None:
    """Show the example first: it is what most look for."""
    help_text, example = command.help or "", command.epilog or ""
    if example.startswith("Example"):
        command.short_help = command.short_help or help_text.partition("\n\n")[0]
        command.help, command.epilog = f"{example}\n\n{help_text}", None


def _invoke_of(
    path: str, invoke: Callable[[Context], Any], added: list[str]
) -> Callable[[Command, Context], Any]:
    def run(_command: Command, context: Context) -> Any:
        if "as_json" not in added:
            manner.as_json = bool(context.params.get("as_json"))
        manner.dry_run, manner.gave = manner.dry_run and "dry_run" in added, False
        http = path.split(maxsplit=1)[0] in _OVER_HTTP and path not in _BY_OPERATOR
        if manner.dry_run and not http:
            would(path, context.params)
            return None
        done = invoke(context)
        if manner.as_json and "as_json" in added and not manner.gave:
            print_json({"done": True})
        return done

    return run


def would(what: str, facts: object) -> None:
    """Say what would have been done."""
    say(f"Would do: {what}. Nothing was changed.")
    if manner.as_json:
        print_json({"done": False, "would": what, "with": facts})


def _flags(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="Print lines of tab-separated values, on terminals too.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
) -> None:
    """Hold the three options, so that they are made as all others are."""


_template = typer.Typer()
_template.command()(_flags)
_FLAGS = {
    str(parameter.name): parameter
    for parameter in typer.main.get_command(_template).params
    if parameter.name in {"as_json", "plain", "dry_run"}
}


def _flag(name: str) -> Parameter:
    def heard(_context: Context, _parameter: Parameter, value: Any) -> Any:
        setattr(manner, name, bool(value))
        return value

    fresh = typer.Typer()
    fresh.command()(_flags)
    option = next(p for p in typer.main.get_command(fresh).params if p.name == name)
    option.expose_value, option.callback = False, heard
    return option

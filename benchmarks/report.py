"""The table in the terminal, and docs/performance.md, both made of the results alone."""

from collections.abc import Iterable
from typing import Any

from rich.table import Table

_HEAD = """# Performance

This page is written by `make bench` from `benchmarks/results/*.json` and `benchmarks/found.md`;
nothing in it was not measured. Each figure and those beside it come from one run on one machine:
ratios carry over to other machines, absolute times do not. A ratio is ours divided by theirs.

`make bench` runs everything; `make bench ARGS="saga"` one of them; `make bench ARGS="--quick"`
shows that they work, and keeps no figures.
"""


def table(results: Iterable[dict[str, Any]]) -> Table:
    """Return one table of all figures."""
    shown = Table("benchmark", "what", "measured", "to reach", "beside")
    for result in results:
        for figure in result["figures"]:
            shown.add_row(
                result["name"],
                figure["name"],
                _amount(figure["value"], figure["unit"]),
                _target(figure),
                "\n".join(_beside(figure)),
            )
        shown.add_section()
    return shown


def page(results: Iterable[dict[str, Any]], found: str = "") -> str:
    """Return the page in Markdown; `found` is what somebody wrote about the figures."""
    return _HEAD + "".join(_chapter(result) for result in results) + (found and f"\n{found}")


def missed(results: Iterable[dict[str, Any]]) -> list[str]:
    """Name the figures that are above what was to be reached."""
    return [
        f"{result['name']}: {figure['name']}"
        for result in results
        for figure in result["figures"]
        if figure.get("missed")
    ]


def _chapter(result: dict[str, Any]) -> str:
    machine = result["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    lines = [
        f"\n## {result['title']}\n",
        (
            f"`{result['command']}`, {result['date'][:16].replace('T', ' ')} UTC, "
            f"{_took(result)}. {machine['cores']} cores, {machine['memory_gib']} GiB, "
            f"{machine['system']}, Python {machine['python']}; load a core before the run "
            f"{machine['load_per_core_before']}. {versions}.\n"
        ),
        f"Sizes: {_sizes(result['sizes'])}.\n",
        "| what | measured | to reach | beside |",
        "|---|---|---|---|",
    ]
    for figure in result["figures"]:
        amount = _amount(figure["value"], figure["unit"])
        beside = "; ".join(_beside(figure))
        lines.append(f"| {figure['name']} | {amount} | {_target(figure)} | {beside} |")
    lines += ["", *(f"- {note}" for note in result["notes"]), ""]
    return "\n".join(lines)


def _target(figure: dict[str, Any]) -> str:
    return f"{figure['target']}: missed" if figure.get("missed") else str(figure["target"])


def _beside(figure: dict[str, Any]) -> list[str]:
    return [
        f"{other['name']}: {_amount(other['value'], figure['unit'])} (x {other['ratio']:g})"
        for other in figure["beside"]
    ]


def _amount(value: float, unit: str) -> str:
    return f"{value:,} {unit}".strip()


def _sizes(sizes: dict[str, Any]) -> str:
    def words(value: object) -> str:
        if isinstance(value, list):
            return " and ".join(words(one) for one in value)
        return f"{value:,}" if isinstance(value, int) else str(value)

    return ", ".join(f"{name.replace('_', ' ')} {words(value)}" for name, value in sizes.items())


def _took(result: dict[str, Any]) -> str:
    """Say how long it ran; what only reads another one's run took no time of its own."""
    seconds = result["took_seconds"]
    return f"{seconds:,} s" if seconds >= 1 else "read from the run of the one before"

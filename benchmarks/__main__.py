"""`make bench`: run the benchmarks, show one table, keep the results, rewrite the page of them."""

import argparse
import importlib
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.machine import machine
from benchmarks.report import missed, page, table

NAMES = (
    "history_cost",
    "simulated_year",
    "saga",
    "completion",
    "search_cycle",
    "api_load",
    "pages",
    "sleeping",
)
RESULTS = Path(__file__).parent / "results"
FOUND = Path(__file__).parent / "found.md"
PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


def main(arguments: list[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    console, failed = Console(), []
    results = []
    for name in args.names or NAMES:
        console.print(f"[dim]{name} ...[/dim]")
        try:
            results.append(_run(name, quick=args.quick))
            if not args.quick:
                _keep(results[-1])
        except Exception:  # noqa: BLE001 - the others are still worth measuring
            console.print_exception()
            failed.append(name)
    console.print(table(results))
    too_much = [] if args.quick else missed(results)
    if args.quick:
        console.print("A quick run shows that the benchmarks work; its figures are not kept.")
    else:
        PAGE.write_text(page(_kept(), FOUND.read_text(encoding="utf-8")), encoding="utf-8")
    if failed:
        console.print(f"[red]failed: {', '.join(failed)}[/red]")
    if too_much:
        console.print(f"[red]above the target: {', '.join(too_much)}[/red]")
    return 1 if failed or too_much else 0


def _run(name: str, *, quick: bool) -> dict[str, Any]:
    facts, begun = machine(), time.perf_counter()
    result: dict[str, Any] = importlib.import_module(f"benchmarks.{name}").run(quick=quick)
    return result | {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": f'make bench ARGS="{name}"',
        "took_seconds": round(time.perf_counter() - begun, 1),
        "machine": facts,
    }


def _keep(result: dict[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, indent=2, ensure_ascii=False)
    (RESULTS / f"{result['name']}.json").write_text(text + "\n", encoding="utf-8")


def _kept() -> list[dict[str, Any]]:
    paths = [RESULTS / f"{name}.json" for name in NAMES]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"only these, of {', '.join(NAMES)}"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes; nothing is kept")
    return parser


if __name__ == "__main__":
    sys.exit(main())

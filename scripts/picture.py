"""Plays the demo once and draws its output: `.venv/bin/python scripts/picture.py`."""

import io
import sys
from pathlib import Path

from rich.console import Console

from cli.demo import run_demo
from cli.exits import Exit

WIDTH = 124
LIMIT_SECONDS = 300
PICTURE = Path(__file__).resolve().parent.parent / "docs" / "demo.svg"


def main() -> int:
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, highlight=False
    )
    code = run_demo(console, limit_seconds=LIMIT_SECONDS)
    if code == Exit.OK:
        PICTURE.parent.mkdir(exist_ok=True)
        console.save_svg(str(PICTURE), title="make demo")
    return code


if __name__ == "__main__":
    sys.exit(main())

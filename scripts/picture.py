"""Plays the demo once and draws its output: `.venv/bin/python scripts/picture.py`."""

import io
import re
import sys
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from cli.demo import run_demo
from cli.exits import Exit

WIDTH = 124
LIMIT_SECONDS = 300
# The picture stands alone: it fetches no font, and the reader's own fixed-width one serves.
PLAIN_FORMAT = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
PICTURE = Path(__file__).resolve().parent.parent / "docs" / "demo.svg"


def main() -> int:
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, highlight=False
    )
    code = run_demo(console, limit_seconds=LIMIT_SECONDS)
    if code == Exit.OK:
        PICTURE.parent.mkdir(exist_ok=True)
        console.save_svg(str(PICTURE), title="make demo", code_format=PLAIN_FORMAT)
    return code


if __name__ == "__main__":
    sys.exit(main())

"""Runs `parker` commands within the test: what they print, and their exit codes.

Where a process is what matters (its start, its signals, what it leaves behind), a test starts one.
"""

import io
import os
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

from cli.main import outcome

ROOT = Path(__file__).resolve().parents[2]


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def without_ours() -> dict[str, str]:
    """Return this process's variables but for those that are settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PARKER_")}


def parker(*arguments: str, env: Mapping[str, str]) -> Done:
    """Run a command with these variables and no others, as it is run by its script."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in os.environ.keys() - env.keys():
            patch.delenv(name)
        for name, value in env.items():
            patch.setenv(name, value)
        code = outcome(arguments)
    return Done(code, out.getvalue(), err.getvalue())

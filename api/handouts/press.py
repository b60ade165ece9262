"""PDFs, made off the event loop by a process of its own each (see `pressing.py`)."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from api.handouts import pressing

# What the libraries find their fonts and themselves by; nothing else of our environment.
_PASSED = ("PATH", "HOME", "LANG", "TMPDIR", "FONTCONFIG_FILE", "FONTCONFIG_PATH")
_AT_ONCE = 2
_SECONDS = 30
_LONGEST = 512 * 1024

_COMMAND = (sys.executable, "-I", str(Path(pressing.__file__)))
# The Makefile and the Dockerfile install the same.
NEEDED = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-dejavu-core")


class NoPress(Exception):
    """This machine lacks what draws letters: Pango, Harfbuzz and fonts."""


class NotPrinted(Exception):
    """This one document could not be put on paper."""


class Press:
    """Prints a few documents side by side; the others wait.

    The command is run isolated: neither the folder it lies in nor ours is searched for modules.
    """

    def __init__(self, command: Sequence[str] = _COMMAND, *, seconds: float = _SECONDS) -> None:
        self._command, self._seconds = command, seconds
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def put_on_paper(self, html: str) -> bytes:
        """Return a document as a tagged PDF.

        Raises:
            NoPress: no document can be printed on this machine.
            NotPrinted: this one cannot; the message holds nothing of what it says.
        """
        source = html.encode()
        if len(source) > _LONGEST:
            raise NotPrinted("too long")
        async with self._places:
            return await asyncio.to_thread(_printed, self._command, source, self._seconds)


def _printed(command: Sequence[str], source: bytes, seconds: float) -> bytes:
    environment = {name: os.environ[name] for name in _PASSED if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603 - our own file, by our own interpreter
            command,
            input=source,
            capture_output=True,
            timeout=seconds,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotPrinted("too slow") from None
    if done.returncode == pressing.MISSING:
        raise NoPress(f"On Debian or Ubuntu: apt-get install {' '.join(NEEDED)}")
    if done.returncode != 0 or not done.stdout.startswith(b"%PDF-"):
        raise NotPrinted(f"ended with {done.returncode}")
    return done.stdout

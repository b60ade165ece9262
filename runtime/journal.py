"""The journal of what was taken back for ever: an append-only file, apart from every backup.

A backup that is restored knows nothing of what was revoked or erased after it. This file does: each
line is on the disk before the act is acknowledged, and names the line before it by its digest, so
that a line which was changed, dropped or swapped shows. It holds ids and words, never a person.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from runtime.durable import sync_folder

_FIRST = "0" * 64
_TAIL = 4096  # longer than any line


class JournalBroken(Exception):
    """A line is not the one that was written; the message says which."""


class JournalState(NamedTuple):
    """How far a journal is: so many lines, and the digest of the last of them."""

    lines: int
    digest: str


class Journal:
    """One file; any number of processes append to it at the same time."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def append(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Add lines; they are on the disk when this returns.

        Raises:
            OSError: they could not be written, so what they tell of must not happen.
        """
        new = not self.file.exists()
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            _drop_torn_line(descriptor)
            before = _last_digest(descriptor)
            text = b""
            for entry in entries:
                line = json.dumps({**entry, "after": before}, sort_keys=True).encode()
                before = hashlib.sha256(line).hexdigest()
                text += line + b"\n"
            while text:
                text = text[os.write(descriptor, text) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if new:
            sync_folder(self.file.parent)

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield what was written, the oldest first; nothing where there is no file.

        Raises:
            JournalBroken: a line was changed, dropped or swapped.
        """
        return (entry for entry, _ in self._lines())

    def state(self, upto: int | None = None) -> JournalState:
        """Return how far it is, or how far it was once it had so many lines.

        Raises:
            JournalBroken: as above.
        """
        number, digest = 0, _FIRST
        for number, (_, digest) in enumerate(self._lines(), start=1):  # noqa: B007
            if number == upto:
                break
        return JournalState(number, digest) if upto != 0 else JournalState(0, _FIRST)

    def _lines(self) -> Iterator[tuple[dict[str, Any], str]]:
        before = _FIRST
        if not self.file.exists():
            return
        with self.file.open("rb") as opened:
            for number, raw in enumerate(opened, start=1):
                if not raw.endswith(b"\n"):
                    return  # a line that the power went out on: it was never acknowledged
                line = raw[:-1]
                try:
                    entry = json.loads(line)
                    follows = entry.pop("after") == before
                except (ValueError, KeyError, AttributeError):
                    follows, entry = False, {}
                if not follows:
                    raise JournalBroken(
                        f"line {number} of {self.file} does not follow the one before it"
                    )
                before = hashlib.sha256(line).hexdigest()
                yield entry, before


def _drop_torn_line(descriptor: int) -> None:
    """Take away what a power cut left of a line that was never acknowledged."""
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, _TAIL, max(size - _TAIL, 0))
    if tail and not tail.endswith(b"\n"):
        os.ftruncate(descriptor, size - len(tail) + tail.rfind(b"\n") + 1)


def _last_digest(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    lines = os.pread(descriptor, _TAIL, max(size - _TAIL, 0)).splitlines()
    return hashlib.sha256(lines[-1]).hexdigest() if lines else _FIRST

"""Signed checkpoints of the audit log, kept outside the database: a file a day, a line each.

Whoever can write to the database can cut the chain's tail, or make all of it anew; what was signed
before and lies elsewhere then no longer fits. Copy the folder to where they cannot write.
"""

import base64
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from domain.audit import CHECKPOINT_FORMAT, Checkpoint
from runtime.signing import MandateKeys

_ENDING = ".jsonl"


class BadCheckpoint(ValueError):
    """It is no checkpoint, or not signed by a key of ours."""


class Checkpoints:
    def __init__(self, folder: Path, keys: MandateKeys) -> None:
        self._folder, self._keys = folder, keys

    def add(self, checkpoint: Checkpoint) -> None:
        """Sign and keep one; it is on the disk when this returns."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key_id, signature = self._keys.sign(checkpoint.signed_bytes())
        line = {
            "format": CHECKPOINT_FORMAT,
            **checkpoint.facts(),
            "key_id": key_id,
            "signature": base64.b64encode(signature).decode(),
        }
        file = self._folder / f"{checkpoint.at:%Y-%m-%d}{_ENDING}"
        with file.open("a+b") as out:
            _drop_torn_line(out)
            out.write(json.dumps(line).encode() + b"\n")
            out.flush()
            os.fsync(out.fileno())

    def newest(self) -> Checkpoint | None:
        """Return the one that was signed last."""
        for file in sorted(self._files(), reverse=True):
            if found := list(read_checkpoints(file, self._keys)):
                return found[-1]
        return None

    def all(self) -> list[Checkpoint]:
        """Return every checkpoint that is kept.

        Raises:
            BadCheckpoint: one of them was not signed by us.
        """
        return [one for file in sorted(self._files()) for one in read_checkpoints(file, self._keys)]

    def _files(self) -> Iterator[Path]:
        return self._folder.glob(f"*{_ENDING}")


def read_checkpoints(file: Path, keys: MandateKeys) -> Iterator[Checkpoint]:
    """Read a file of checkpoints, one a line; what a power cut left of a last one is none.

    Raises:
        BadCheckpoint: a line is no checkpoint, or its signature is not ours.
    """
    for number, line in enumerate(_whole_lines(file.read_bytes()), start=1):
        if line.strip():
            try:
                yield _read(json.loads(line), keys)
            except (ValueError, KeyError, TypeError) as error:
                raise BadCheckpoint(f"{file.name}, line {number}: {error}") from error


def _whole_lines(written: bytes) -> list[bytes]:
    """Return the lines, but not the beginning of one that a power cut left at the end."""
    lines = written.splitlines(keepends=True)
    if lines and not lines[-1].rstrip().endswith(b"}"):
        lines.pop()
    return lines


def _drop_torn_line(file: BinaryIO) -> None:
    file.seek(0)
    whole = b"".join(_whole_lines(file.read()))
    file.truncate(len(whole))
    if whole and not whole.endswith(b"\n"):
        file.write(b"\n")


def _read(found: dict[str, Any], keys: MandateKeys) -> Checkpoint:
    if found["format"] != CHECKPOINT_FORMAT:
        raise ValueError("it is of another format")
    at = datetime.fromisoformat(found["at"])
    checkpoint = Checkpoint(int(found["position"]), str(found["hash"]), at)
    signature = base64.b64decode(found["signature"])
    if not keys.server_signed(str(found["key_id"]), checkpoint.signed_bytes(), signature):
        raise ValueError("its signature is not ours")
    return checkpoint

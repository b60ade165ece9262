"""Where people's keys rest: a folder apart from the database, one small file a key.

Apart, so that a dump, a backup or the write-ahead log of the database opens nothing by itself.
Files, because a file can be overwritten and is then gone; a database keeps what was deleted in its
pages and its log for a while. The files hold wrapped keys: without a master key they open nothing.

`{folder}/{first two digits of the owner}/{owner}/{subject}`: the owner is an account; a subject is
one whose data has a key of its own (the account itself, each of its travellers). Where `.gone`
stands beside it, the key was destroyed, and none is ever made again.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from runtime.durable import sync_folder

_GONE = ".gone"
_ALL_GONE = "all.gone"
_DRAFT = ".draft"


class KeyDestroyed(Exception):
    """The subject was erased: nothing of theirs opens, and nothing of theirs is written anew."""


class KeyName(NamedTuple):
    """Whose account, and whose data in it."""

    owner: str
    subject: str


class FileState(NamedTuple):
    """By what a file is known to be the one of before."""

    inode: int
    changed_ns: int


class KeyStore:
    """Wrapped keys by name. Any number of processes may use the folder at the same time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: KeyName) -> str | None:
        """Return a wrapped key, None if there never was one.

        Raises:
            KeyDestroyed: there was one.
        """
        try:
            wrapped = self._file(name).read_text()
        except FileNotFoundError:
            self._refuse_if_gone(name)
            return None
        if "\0" in wrapped:  # it is being overwritten at this moment
            raise KeyDestroyed(f"the key of {name.subject} was destroyed")
        return wrapped

    def state(self, name: KeyName) -> FileState | None:
        """Return what changes when a key is replaced, and None where there is none."""
        try:
            found = self._file(name).stat()
        except FileNotFoundError:
            return None
        return FileState(found.st_ino, found.st_mtime_ns)

    def keep(self, name: KeyName, wrapped: str) -> str:
        """Keep a key unless there is one already; return the one that stands.

        Raises:
            KeyDestroyed: the subject was erased, even at this moment.
        """
        self._refuse_if_gone(name)
        file = self._file(name)
        draft = self._draft(file, wrapped)
        # Unlike a rename, a link does not replace what somebody else has put there first.
        with suppress(FileExistsError, FileNotFoundError):
            os.link(draft, file)
        draft.unlink(missing_ok=True)
        sync_folder(file.parent)
        self._undo_if_gone(name)
        kept = self.read(name)
        assert kept is not None
        return kept

    def replace(self, name: KeyName, wrapped: str) -> None:
        """Put another wrapping of the same key in its place.

        Raises:
            KeyDestroyed: the subject was erased, even at this moment.
        """
        self._refuse_if_gone(name)
        file = self._file(name)
        self._draft(file, wrapped).replace(file)
        sync_folder(file.parent)
        self._undo_if_gone(name)

    def destroy(self, name: KeyName) -> None:
        """Let one subject's key be gone for ever; again is harmless."""
        file = self._file(name)
        # Marked first: whoever makes a key meanwhile looks for the mark afterwards.
        _mark(file.with_name(name.subject + _GONE))
        _shred(file)

    def destroy_all(self, owner: str) -> None:
        """Let all keys of an account be gone for ever; again is harmless."""
        folder = self._home(owner)
        _mark(folder / _ALL_GONE)
        for file in folder.iterdir():
            if file.suffix != _GONE:
                _shred(file)

    def is_gone(self, name: KeyName) -> bool:
        """Say whether the key was destroyed, alone or with its account's."""
        file = self._file(name)
        return (file.parent / _ALL_GONE).exists() or file.with_name(name.subject + _GONE).exists()

    def names(self) -> Iterator[KeyName]:
        """Yield every key there is."""
        for file in self._files():
            if not file.name.endswith((_GONE, _DRAFT)):
                yield KeyName(file.parent.name, file.name)

    def gone(self) -> Iterator[KeyName]:
        """Yield what was destroyed; the subject is the owner where the whole account was."""
        for file in self._files():
            if file.name == _ALL_GONE:
                yield KeyName(file.parent.name, file.parent.name)
            elif file.name.endswith(_GONE):
                yield KeyName(file.parent.name, file.name.removesuffix(_GONE))

    def check(self) -> None:
        """Raise OSError unless keys can be kept here."""
        probe = self._draft(self._folder / "probe", "")
        probe.unlink()

    def _files(self) -> Iterator[Path]:
        return self._folder.glob("*/*/*")

    def _home(self, owner: str) -> Path:
        return self._folder / _safe(owner)[:2] / owner

    def _file(self, name: KeyName) -> Path:
        return self._home(name.owner) / _safe(name.subject)

    def _refuse_if_gone(self, name: KeyName) -> None:
        if self.is_gone(name):
            raise KeyDestroyed(f"the key of {name.subject} was destroyed")

    def _undo_if_gone(self, name: KeyName) -> None:
        if self.is_gone(name):
            _shred(self._file(name))
            raise KeyDestroyed(f"the key of {name.subject} was destroyed")

    @staticmethod
    def _draft(file: Path, text: str) -> Path:
        _make_folder(file.parent)
        draft = file.with_name(f"{file.name}.{secrets.token_hex(6)}{_DRAFT}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as written:
            written.write(text)
            written.flush()
            os.fsync(written.fileno())
        return draft


def _safe(part: str) -> str:
    """Return a part of a path that leads nowhere else."""
    if not part.replace("-", "").isalnum():
        raise ValueError(f"{part!r} names no key")
    return part


def _make_folder(folder: Path) -> None:
    """Make a folder with those above it, each for nobody else's eyes."""
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _mark(file: Path) -> None:
    _make_folder(file.parent)
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    sync_folder(file.parent)


def _shred(file: Path) -> None:
    """Overwrite a file, then remove it; one that is not there is no problem."""
    try:
        with file.open("r+b") as opened:
            opened.write(bytes(file.stat().st_size))
            opened.flush()
            os.fsync(opened.fileno())
        file.unlink()
    except FileNotFoundError:
        return
    sync_folder(file.parent)

"""What a backup is made of: a manifest first, then the files that it names with their digests."""

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast

from pydantic import ValidationError

from cli.progress import Advance
from cli.sealed_file import CannotOpen, SealedReader, SealedWriter
from domain.values import Value

MANIFEST = "manifest.json"
TEMPORAL, POSTGRES = "temporal.db", "postgres.dump"
FORMAT = 1
_BLOCK = 1 << 20


class JournalMark(Value):
    """How far the journal of revocations was when the backup began."""

    lines: int
    digest: str


class Manifest(Value):
    """What a backup says of itself. It holds no key and no name."""

    format: int = FORMAT
    began_at: datetime
    version: str
    schema_revision: str
    journal: JournalMark
    secrets_check: str
    """Opens with the master key that was in use, so that wrong secrets are noticed at once."""
    files: dict[str, tuple[int, str]]
    """Each with its size and its SHA-256."""


def digest_of(file: Path) -> tuple[int, str]:
    sha = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK):
            sha.update(block)
    return file.stat().st_size, sha.hexdigest()


def write_archive(
    to: BinaryIO, passphrase: str, manifest: Manifest, files: Mapping[str, Path], advance: Advance
) -> None:
    """Seal the manifest and the files, in this order."""
    sealed = SealedWriter(to, passphrase)
    done = 0

    class Counting:
        def write(self, data: bytes) -> int:
            nonlocal done
            done += len(data)
            advance(done)
            return sealed.write(data)

    with tarfile.open(fileobj=cast("BinaryIO", Counting()), mode="w|") as tar:
        text = manifest.model_dump_json(indent=2).encode()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
        for name, file in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = file.stat().st_size
            with file.open("rb") as opened:
                tar.addfile(entry, opened)
    sealed.close()


def read_manifest(archive: Path, passphrase: str) -> Manifest:
    """Return what a backup says of itself.

    Raises:
        CannotOpen: another passphrase, or no whole backup of ours.
    """
    with archive.open("rb") as opened, _tar(opened, passphrase) as tar:
        return _manifest(tar)


def unpack(archive: Path, passphrase: str, into: Path, advance: Advance) -> Manifest:
    """Write the files of a backup into a folder, each as its digest says.

    Raises:
        CannotOpen: as above, or a file is not the one that the manifest names.
    """
    done = 0
    with archive.open("rb") as opened, _tar(opened, passphrase) as tar:
        manifest = _manifest(tar)
        for name in manifest.files:
            member = tar.next()
            content = tar.extractfile(member) if member is not None else None
            # Only the names that are ours: nothing in an archive says where it is written.
            if member is None or content is None or name not in {TEMPORAL, POSTGRES}:
                raise CannotOpen(f"{name} is not in it")
            if member.name != name:
                raise CannotOpen(f"{member.name} stands where {name} should")
            with (into / name).open("wb") as file:
                shutil.copyfileobj(content, file, _BLOCK)
            if digest_of(into / name) != manifest.files[name]:
                raise CannotOpen(f"{name} is not what was backed up")
            done += member.size
            advance(done)
        # The end is read too: a file that was cut off there must not pass.
        if tar.next() is not None:
            raise CannotOpen("there is more in it than it says")
    return manifest


def _tar(opened: BinaryIO, passphrase: str) -> tarfile.TarFile:
    reader = SealedReader(opened, passphrase)
    try:
        return tarfile.open(fileobj=cast("BinaryIO", reader), mode="r|")
    except tarfile.TarError as error:
        raise CannotOpen("this is no backup of ours") from error


def _manifest(tar: tarfile.TarFile) -> Manifest:
    member = tar.next()
    content = tar.extractfile(member) if member is not None and member.name == MANIFEST else None
    if content is None:
        raise CannotOpen("it has no manifest")
    found = json.load(content)
    if found.get("format") != FORMAT:
        raise CannotOpen(f"it is of format {found.get('format')}, made by a newer version of this")
    try:
        return Manifest.model_validate(found)
    except ValidationError as error:
        raise CannotOpen("its manifest cannot be read") from error

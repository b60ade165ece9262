"""What a file is, by what is in it: its name and what the browser says of it prove nothing."""

import re
import unicodedata
from enum import StrEnum


class FileKind(StrEnum):
    """The kinds that are taken: pictures and pages of documents."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    HEIC = "image/heic"
    PDF = "application/pdf"

    @property
    def ending(self) -> str:
        return {"image/jpeg": "jpg"}.get(self.value, self.value.rpartition("/")[2])

    @property
    def words(self) -> str:
        return "PDF" if self is FileKind.PDF else f"{self.ending.upper()} picture"


_HEIC_BRANDS = frozenset({b"heic", b"heix", b"mif1", b"heim", b"heis"})
_LONGEST_NAME = 80


def kind_of(content: bytes) -> FileKind | None:
    """Return what a file begins like; None for everything that is not taken."""
    if content.startswith(b"\xff\xd8\xff"):
        return FileKind.JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return FileKind.PNG
    if content.startswith(b"%PDF-"):
        return FileKind.PDF
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS:
        return FileKind.HEIC
    return None


def safe_name(claimed: str, kind: FileKind) -> str:
    """Return a name without a path or anything that a system reads as more than a name."""
    last = re.split(r"[/\\]", claimed)[-1]
    plain = unicodedata.normalize("NFC", last)
    kept = "".join(c if c.isalnum() or c in " -_." else "_" for c in plain)
    stem = kept.rpartition(".")[0] or kept
    stem = " ".join(stem.split()).strip(". ")[:_LONGEST_NAME] or "document"
    return f"{stem}.{kind.ending}"


def size_words(size: int) -> str:
    """Return `812 KB` or `1.4 MB`."""
    if size < 1_000_000:
        return f"{max(size // 1000, 1)} KB"
    return f"{size / 1_000_000:.1f} MB"

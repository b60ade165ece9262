"""PDFs as a screen reader meets them: their structure, and the text in its order."""

import io
import re
from pathlib import Path
from typing import Any

import pikepdf
from pdfua import Severity, validate
from pypdf import PdfReader


def text_of(pdf: bytes) -> str:
    """Return the words of all pages, with single spaces."""
    pages = PdfReader(io.BytesIO(pdf)).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


def assert_tagged(pdf: bytes, title: str, folder: Path) -> dict[str, int]:
    """Hold a PDF against what PDF/UA-1 lets a machine judge; return how often each tag occurs."""
    kept = folder / "printed.pdf"
    kept.write_bytes(pdf)
    findings = [one for outcome in validate(str(kept)).outcomes for one in outcome.findings]
    errors = [one for one in findings if one.severity is Severity.ERROR]
    assert errors == [], errors
    with pikepdf.open(kept) as document:
        root = document.Root
        assert root.MarkInfo.Marked
        assert str(root.Lang) == "en"
        assert root.ViewerPreferences.DisplayDocTitle
        assert str(document.docinfo.Title) == title
        with document.open_metadata() as told:
            assert str(told["pdfuaid:part"]) == "1"
        found: dict[str, int] = {}
        headers: set[str] = set()
        cells: list[list[str]] = []
        for element in _elements(root.StructTreeRoot):
            kind = str(element.S).removeprefix("/")
            found[kind] = found.get(kind, 0) + 1
            if kind == "TH":
                headers.add(str(element.ID))
            if kind == "TD":
                cells.append([str(one) for one in element.A.Headers])
        # A cell of a table names the headers that it belongs to.
        assert all(named and set(named) <= headers for named in cells), cells
        return found


def _elements(element: Any) -> Any:
    """Walk the structure's elements; what is no element is a mark on a page."""
    kids = element.get("/K", [])
    for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            yield kid
            yield from _elements(kid)

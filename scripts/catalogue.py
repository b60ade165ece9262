"""Gather what can be translated, and bring each catalogue up to it: `python -m scripts.catalogue`.

Sentences stand in templates as `_("…")` and in code as `say("…")` or `mark("…")`. A catalogue
keeps what it knows; what is new waits in it without a translation, and is said in English.
"""

import io
import sys
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from api.web.pages import TEMPLATES
from runtime.catalogue import FOLDER

ROOT = Path(__file__).resolve().parents[1]
_CODE = ("domain", "api", "activities")
_KEYWORDS: dict[str, Any] = {"say": None, "mark": None}


def gathered() -> Catalog:
    """Return every sentence that can be translated, with the files that say it."""
    found = Catalog(charset="utf-8")
    for room in _CODE:
        method_map = [("**.py", "python")]
        for name, _, message, _, _ in extract_from_dir(
            ROOT / room, method_map=method_map, keywords=_KEYWORDS, strip_comment_tags=True
        ):
            found.add(message, locations=[(f"{room}/{name}", 1)])
    extraction: Any = TEMPLATES
    for name in sorted(TEMPLATES.list_templates(extensions=["html"])):
        assert TEMPLATES.loader is not None
        source = TEMPLATES.loader.get_source(TEMPLATES, name)[0]
        for _, _, message in extraction.extract_translations(source):
            found.add(message, locations=[(f"api/web/templates/{name}", 1)])
    return found


def updated(language: str, template: Catalog) -> bytes:
    """Return a catalogue with everything that can be said, keeping what it knows."""
    path = FOLDER / f"{language}.po"
    known = Catalog(language)
    if path.exists():
        known = read_po(io.BytesIO(path.read_bytes()), locale=language)
    fresh = Catalog(locale=language, charset="utf-8", header_comment=f"# {language}")
    for message in template:
        if message.id:
            before = known.get(message.id)
            kept = before.string if before is not None else ""
            fresh.add(message.id, kept, locations=message.locations)
    written = io.BytesIO()
    write_po(written, fresh, sort_output=True, omit_header=True, width=100, include_lineno=False)
    return written.getvalue()


def main() -> None:
    template = gathered()
    wanted = sys.argv[1:] or sorted(path.stem for path in FOLDER.glob("*.po"))
    for language in wanted:
        (FOLDER / f"{language}.po").write_bytes(updated(language, template))
        print(f"{language}: {len(template)} sentences")


if __name__ == "__main__":
    main()

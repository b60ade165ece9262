"""The languages that we speak: one catalogue each, beside the English that stands in the code.

A catalogue may know only part of the sentences; what it does not know is said in English.
"""

import io
from functools import cache
from pathlib import Path

from babel.core import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

FOLDER = Path(__file__).parent / "locale"
ENGLISH = "en"


@cache
def languages() -> tuple[str, ...]:
    """Return the languages that can be chosen, English first."""
    return (ENGLISH, *sorted(path.stem for path in FOLDER.glob("*.po")))


def language_of(name: str | None) -> str:
    """Return which of our languages serves somebody who asks for this one."""
    wanted = (name or ENGLISH).replace("-", "_")
    for known in (wanted, wanted.partition("_")[0]):
        if known in languages():
            return known
    return ENGLISH


@cache
def translations(language: str) -> NullTranslations:
    """Return the catalogue of a language; the empty one where there is none."""
    path = FOLDER / f"{language}.po"
    if language not in languages() or not path.exists():
        return NullTranslations()
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    # Read as it is written: nothing has to be compiled before the first start.
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def direction(language: str) -> str:
    """Return where lines begin: ltr or rtl."""
    try:
        return str(Locale.parse(language.replace("-", "_")).text_direction)
    except (UnknownLocaleError, ValueError):
        return "ltr"

"""The languages that we speak: one catalogue each, beside the English that stands in the code.

A catalogue may know only part of the sentences. `python -m scripts.catalogue` brings it up to
what is said; a file is read as it is written, nothing has to be compiled.
"""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from babel.core import Locale, UnknownLocaleError
from babel.messages.pofile import read_po

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
def phrases(language: str) -> Mapping[str, str]:
    """Return what a catalogue knows, by the English."""
    if language == ENGLISH or language not in languages():
        return {}
    with (FOLDER / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    return {
        message.id: message.string
        for message in catalogue
        if isinstance(message.id, str) and isinstance(message.string, str) and message.string
    }


def translator(language: str) -> Callable[[str], str | None] | None:
    """Return what translates a sentence, or knows none; nothing for English."""
    return None if language == ENGLISH else phrases(language).get


def direction(language: str) -> str:
    """Return where lines begin: ltr or rtl."""
    try:
        return str(Locale.parse(language.replace("-", "_")).text_direction)
    except (UnknownLocaleError, ValueError):
        return "ltr"

"""The language of a page: its reader's, where the catalogue knows all of it; English otherwise.

A page in two languages would be read out wrongly, so one is spoken as a whole or not at all.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from jinja2 import Environment

from api.web.visits import Visit
from domain.words import Words
from runtime.catalogue import ENGLISH, direction, language_of, phrases, translator

_spoken: ContextVar[str] = ContextVar("spoken", default=ENGLISH)
_PARTS = re.compile(r'{%-? *(?:extends|import|include|from) "([^"]+)"')


def spoken() -> str:
    """Return the language of the page that is being made."""
    return _spoken.get()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def install(environment: Environment) -> None:
    """Let templates say `_("…")` and know which language they speak."""
    environment.add_extension("jinja2.ext.i18n")
    made: Any = environment  # the extension adds its methods when it is added
    made.install_gettext_callables(_gettext, _ngettext, newstyle=True)
    environment.globals["language"] = spoken
    environment.globals["direction"] = lambda: direction(spoken())


def wanted_by(visit: Visit) -> str:
    """Return the language that a visitor chose, or that a stranger's browser asks for first."""
    if visit.visitor is not None:
        return language_of(visit.visitor.locale)
    asked = visit.request.headers.get("accept-language", "")
    return language_of(asked.partition(",")[0].partition(";")[0].strip())


def language_for(environment: Environment, template: str, wanted: str) -> str:
    """Return the language in which a template can be spoken as a whole."""
    return wanted if wanted == ENGLISH or _knows(environment, template, wanted) else ENGLISH


def say_for(environment: Environment, visit: Visit, template: str) -> Words:
    """Return how sentences are put that a page takes from elsewhere."""
    language = language_for(environment, template, wanted_by(visit))
    zone = visit.visitor.time_zone if visit.visitor else "UTC"
    return Words(language, zone, translator(language))


@cache
def _knows(environment: Environment, template: str, language: str) -> bool:
    known = phrases(language)
    own = _messages(environment, template)
    others = [_messages(environment, part) for part in _parts(environment, template)]
    return bool(own) and own.union(*others) <= set(known)


def _messages(environment: Environment, template: str) -> set[str]:
    made: Any = environment
    found: set[str] = set()
    for _, _, message in made.extract_translations(_source(environment, template)):
        found.update([message] if isinstance(message, str) else filter(None, message))
    return found


def _parts(environment: Environment, template: str) -> set[str]:
    """Return every template that a page is put together from, besides itself."""
    found: set[str] = set()
    waiting = [template]
    while waiting:
        for part in _PARTS.findall(_source(environment, waiting.pop())):
            if part not in found:
                found.add(part)
                waiting.append(part)
    return found


def _source(environment: Environment, template: str) -> str:
    assert environment.loader is not None
    return environment.loader.get_source(environment, template)[0]


def _gettext(message: str) -> str:
    return phrases(spoken()).get(message, message)


def _ngettext(one: str, many: str, number: int) -> str:
    # Plurals are sentences of their own here, so that each language may have as many as it needs.
    return _gettext(one if number == 1 else many)

"""The airline that a text means, by its two-character code or by the name that people use."""

import re
from functools import cache

from rapidfuzz import fuzz, process

from domain.airlines import Airline, airline, airline_names
from domain.places import plain_words

_CODE = re.compile(r"[A-Z][A-Z0-9]|[0-9][A-Z]")
_LIKE_ENOUGH = 82


def search_airlines(text: str, limit: int = 8) -> tuple[Airline, ...]:
    """Find airlines by code or name, the likeliest first; forgives small typos."""
    wanted = plain_words(text)
    if not wanted:
        return ()
    code = text.strip().upper()
    names = _plain_names()
    found = [code] if code in names else []
    found += [c for c, name in names.items() if name.startswith(wanted)]
    found += [c for c, name in names.items() if f" {wanted}" in f" {name}"]
    if not found and len(wanted) >= 3:
        hits = process.extract(
            wanted, names, scorer=fuzz.WRatio, limit=limit, score_cutoff=_LIKE_ENOUGH
        )
        found = [c for _, _, c in hits]
    return tuple(airline(c) for c in list(dict.fromkeys(found))[:limit])


def resolve_airline(text: str) -> str | tuple[Airline, ...]:
    """Return the code that a text means beyond doubt, else what it may mean.

    A code stands for itself, known here or not; so does a text that ends in one in brackets,
    which is how choices are written into a field.
    """
    written = text.strip()
    bracketed = re.fullmatch(r".*\(([A-Za-z0-9]{2})\)", written)
    code = (bracketed[1] if bracketed else written).upper()
    if _CODE.fullmatch(code):
        return code
    found = search_airlines(written)
    wanted = plain_words(written)
    exact = [a for a in found if plain_words(a.name) == wanted]
    begun = [a for a in found if plain_words(a.name).startswith(wanted)]
    if len(exact) == 1 or (not exact and len(begun) == len(found) == 1):
        return (exact or begun)[0].code
    return found


@cache
def _plain_names() -> dict[str, str]:
    return {code: plain_words(name) for code, name in airline_names().items()}

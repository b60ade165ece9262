"""People's own words for things (a wish, a traveller, a key): sealed in tables, read as they are.

A column of type `OwnWords` holds a sealed text. Reading opens it, writing seals it, with the key of
whoever owns the row: a text that goes to the database carries its owner along (`OwnedWords`), and
one without is refused rather than written in clear. Sessions see to that for rows that they write;
statements of one's own use `dump`.

How a database knows the keys: `Database(..., words=...)` leaves a book with its engine. Without one
(tests of something else, migrations) words are written and read as they stand.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol, Self
from uuid import UUID

from sqlalchemy import String, inspect
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

SEALED = "o1."
_BOOK = "parker_words"


class Book(Protocol):
    """What seals and opens; `db.vault` makes one."""

    def seal(self, owner: UUID, subject: UUID, place: str, text: str) -> str: ...

    def open(self, token: str, place: str) -> "tuple[UUID, UUID, str] | None":
        """Return whose words these are and what they say; None where they stay sealed."""
        ...


class Owned:
    """Whose a value is: the account, and who of it can be forgotten alone."""

    owner: UUID
    subject: UUID
    token: str | None = None
    """As it was read; the same words are written again as the same sealed text."""

    def of(self, owner: UUID, subject: UUID, token: str | None = None) -> Self:
        self.owner, self.subject, self.token = owner, subject, token
        return self


class OwnedWords(Owned, str):  # noqa: SLOT000 - it holds whose it is
    """A text that knows whose it is, and is read like any other."""


class StillSealed(str):
    """What was read where words are not opened; it is written again as it is."""

    __slots__ = ()


class OwnedJson(Owned, dict[str, Any]):
    """The same for what was typed into several fields."""


def leave_book(dialect: Dialect, book: Book | None) -> None:
    setattr(dialect, _BOOK, book)


class OwnWords(TypeDecorator[str]):
    """A sealed text. `place` binds it to its column; `subject` names who can be forgotten alone.

    `arrives_sealed`: the words come through Temporal, sealed by whoever took them in.
    """

    impl = String
    cache_ok = True

    def __init__(
        self, place: str, subject: str = "user_id", *, arrives_sealed: bool = False
    ) -> None:
        super().__init__()
        self.place, self.subject, self.arrives_sealed = place, subject, arrives_sealed

    def is_sealed(self, value: object) -> bool:
        if isinstance(value, StillSealed):
            return True
        return self.arrives_sealed and type(value) is str and value.startswith(SEALED)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if not value or self.is_sealed(value):
            return value
        return _sealed(value, str(value), self.place, dialect)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or not value.startswith(SEALED):
            return value
        opened = _opened(value, self.place, dialect)
        return (
            StillSealed(value) if opened is None else OwnedWords(opened[2]).of(*opened[:2], value)
        )


class OwnAnswers(TypeDecorator[dict[str, Any]]):
    """A sealed JSON object."""

    impl = String
    cache_ok = True

    def __init__(self, place: str, subject: str = "user_id") -> None:
        super().__init__()
        self.place, self.subject = place, subject

    def is_sealed(self, value: object) -> bool:
        del value
        return False

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> str | None:
        # Where nothing was typed yet there is nothing to seal.
        if not value:
            return None if value is None else json.dumps(value)
        return _sealed(value, json.dumps(value), self.place, dialect)

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, Any] | None:
        if value is None:
            return None
        if not value.startswith(SEALED):
            found: dict[str, Any] = json.loads(value)
            return found
        opened = _opened(value, self.place, dialect)
        if opened is None:
            return {}
        return OwnedJson(json.loads(opened[2] or "{}")).of(*opened[:2])


def own(row: SQLModel) -> None:
    """Let the own words of a row that is about to be written know whose they are."""
    for name, kind in _columns(type(row)).items():
        value = getattr(row, name)
        if value and not isinstance(value, Owned) and not kind.is_sealed(value):
            ids = row.model_dump(include={"user_id", kind.subject})
            setattr(row, name, _owned(value, ids, kind))


def sealed_now(dialect: Dialect, owner: UUID, place: str, text: str) -> StillSealed:
    """Return a text as it is stored, sealed with the key of an account.

    Raises:
        runtime.key_store.KeyDestroyed: the account was erased.
    """
    book: Book | None = getattr(dialect, _BOOK, None)
    return StillSealed(text if book is None else book.seal(owner, owner, place, text))


def dump(row: SQLModel) -> dict[str, Any]:
    """Return a row's values for a statement of one's own."""
    own(row)
    values = row.model_dump()
    return values | {name: getattr(row, name) for name in _columns(type(row))}


def _owned(value: Any, ids: Mapping[str, UUID], kind: OwnWords | OwnAnswers) -> Owned:
    wrapped = OwnedWords(value) if isinstance(value, str) else OwnedJson(value)
    return wrapped.of(ids["user_id"], ids[kind.subject])


@cache
def _columns(kind: type[SQLModel]) -> dict[str, OwnWords | OwnAnswers]:
    return {
        attribute.key: attribute.columns[0].type
        for attribute in inspect(kind).column_attrs
        if isinstance(attribute.columns[0].type, OwnWords | OwnAnswers)
    }


def _sealed(value: object, text: str, place: str, dialect: Dialect) -> str:
    book: Book | None = getattr(dialect, _BOOK, None)
    if book is None:
        return text
    if not isinstance(value, Owned):
        raise TypeError(f"somebody's own words for {place} do not say whose they are")
    return value.token or book.seal(value.owner, value.subject, place, text)


def _opened(token: str, place: str, dialect: Dialect) -> tuple[UUID, UUID, str] | None:
    book: Book | None = getattr(dialect, _BOOK, None)
    return None if book is None else book.open(token, place)

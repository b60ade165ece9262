"""What lists of the console are asked for, as it stands in their addresses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Self
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query

from db.queries.console.lists import Narrow

CursorQuery = Annotated[str | None, Query(max_length=200)]
_LONGEST = 60


@dataclass(frozen=True)
class Asked:
    """The words of a filter; each list adds its own."""

    person: str = ""
    made_from: str = ""
    made_until: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        known = {one.name for one in fields(cls)}
        found = {name: text.strip()[:_LONGEST] for name, text in query.items() if name in known}
        return cls(**found)

    @property
    def narrows(self) -> bool:
        return self != type(self)()

    def path(self, base: str, **more: str) -> str:
        """Return the address that asks for this again."""
        plain = type(self)()
        words = {
            one.name: str(getattr(self, one.name))
            for one in fields(self)
            if getattr(self, one.name) != getattr(plain, one.name)
        } | more
        return f"{base}?{urlencode(words)}" if words else base

    def narrow(self, **words: list[str]) -> Narrow:
        """Return what is looked for, with words of columns that are not empty."""
        columns: dict[str, list[object]] = {
            name: [word for word in wanted if word] for name, wanted in words.items()
        }
        if self.person:
            columns["user_id"] = [id_in(self.person)]
        until = _day(self.made_until)
        return Narrow(
            words=columns,
            since=_day(self.made_from),
            before=until + timedelta(days=1) if until else None,
        )


def choices(words: Sequence[str], all_of_them: str = "All") -> list[tuple[str, str]]:
    """Return what a filter offers."""
    return [("", all_of_them), *((word, word.replace("_", " ")) for word in words)]


def id_in(text: str) -> UUID:
    """Return an id that somebody has typed; what is none leads nowhere."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def _day(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        return None

"""Keyset paging: a page begins where the last one ended, whatever was added meanwhile."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

LARGEST_PAGE = 100

Row = TypeVar("Row")


class BadCursor(ValueError):
    """The cursor is none that we gave out for this kind of list."""

    def __init__(self) -> None:
        super().__init__("This cursor is not one of ours; start again without it.")


class BadLimit(ValueError):
    def __init__(self, limit: int) -> None:
        super().__init__(f"A page holds 1 to {LARGEST_PAGE} entries, not {limit}.")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Newest first. `next_cursor` None: this was the last page."""

    rows: tuple[Row, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class Position:
    """The last row of a page: its instant and its id."""

    at: datetime
    id: str

    def uuid(self) -> UUID:
        """Return the id of a list whose ids are UUIDs, or raise BadCursor."""
        try:
            return UUID(self.id)
        except ValueError as error:
            raise BadCursor from error

    def number(self) -> int:
        """Return the id of a list whose ids are numbers, or raise BadCursor."""
        if not self.id.isascii() or not self.id.isdigit() or len(self.id) > 18:
            raise BadCursor
        return int(self.id)


def encode_cursor(at: datetime, row_id: UUID | int) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()}~{row_id}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> Position:
    """Read a cursor of `encode_cursor`.

    Raises:
        BadCursor: anything else.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        instant, separator, row_id = base64.b64decode(padded, b"-_", True).decode().partition("~")
        at = datetime.fromisoformat(instant)
    except (ValueError, binascii.Error) as error:
        raise BadCursor from error
    if not separator or not row_id or at.tzinfo is None:
        raise BadCursor
    return Position(at, row_id)


def check_limit(limit: int) -> int:
    """Return the limit, or raise BadLimit."""
    if not 1 <= limit <= LARGEST_PAGE:
        raise BadLimit(limit)
    return limit


def page_of(
    rows: Sequence[Row], limit: int, key: Callable[[Row], tuple[datetime, UUID | int]]
) -> Page[Row]:
    """Cut a page from rows of which one more than `limit` was asked for."""
    shown = tuple(rows[:limit])
    more = len(rows) > limit
    return Page(shown, encode_cursor(*key(shown[-1])) if more else None)

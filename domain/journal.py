"""What is written down apart from the database: whatever an older backup must not bring back."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.values import Value


class Act(StrEnum):
    """What was done; each can be done again to a database that has forgotten it."""

    REVOKED = "revoked"  # a session, a key, a link, a consent: `revoked_at` of the row
    REMOVED = "removed"  # a second factor, an identity: the row went
    ROLE = "role"  # what somebody is to the installation; `value` is the new one
    PASSWORD = "password"  # noqa: S105 - the word, not one; what was typed before opens no more
    WISH = "wish"  # stopped, ended or watching again; `value` says which
    ERASED = "erased"  # a person; or one of their travellers, then `row` is that one


class Entry(Value):
    """One line. `row` is the row's id in `table`, `owner` whose it is."""

    act: Act
    table: str
    row: UUID
    owner: UUID
    value: str = ""
    at: datetime

"""Refusals of the database layer.

DataRefused
├── StaleRow      somebody changed the row after it was read
├── InUse         campaigns that have not ended need it
└── EmailTaken    another account has this address
"""

from collections.abc import Sequence
from uuid import UUID


class DataRefused(Exception):
    """Something that the rows do not allow at this moment."""


class StaleRow(DataRefused):
    def __init__(self, table: str, row_id: UUID) -> None:
        super().__init__(f"{table} {row_id} was changed meanwhile; read it again")
        self.table, self.row_id = table, row_id


class InUse(DataRefused):
    """`campaign_ids` are the owner's campaigns that still need it."""

    def __init__(self, what: str, campaign_ids: Sequence[UUID]) -> None:
        super().__init__(f"{what} is needed by {len(campaign_ids)} campaign(s)")
        self.what, self.campaign_ids = what, tuple(campaign_ids)


class EmailTaken(DataRefused):
    def __init__(self) -> None:
        super().__init__("this address has an account already")

"""What the pages of second factors and keys show."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from db.models.passkey import PasskeyRow


@dataclass(frozen=True)
class PasskeyShown:
    """A passkey as its owner knows it."""

    id: UUID
    name: str
    backed_up: bool
    made_at: datetime
    used_at: datetime | None

    @classmethod
    def of(cls, row: PasskeyRow, name: str) -> Self:
        return cls(
            id=row.id,
            name=name,
            backed_up=row.backed_up,
            made_at=row.created_at,
            used_at=row.last_used_at,
        )

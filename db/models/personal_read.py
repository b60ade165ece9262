from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from db.models.columns import Instant


class PersonalReadRow(SQLModel, table=True):
    """An operator's look at one person's data, written down before it.

    Points at no row of `users`: it may precede the account, and it outlives the account's erasure.
    """

    __tablename__ = "personal_reads"
    __table_args__ = (Index("personal_reads_by_user", "user_id", "at"),)

    id: UUID = Field(primary_key=True)
    user_id: UUID
    operator: str
    what: str
    why_encrypted: str
    at: Instant

from sqlmodel import Field, SQLModel

from db.models.columns import Instant


class ThrottleRow(SQLModel, table=True):
    """How full a bucket of tries is. `key` is a keyed hash: it names no network and no person."""

    __tablename__ = "throttles"

    key: str = Field(primary_key=True)
    empty_at: Instant = Field(index=True)

from datetime import date
from typing import Annotated
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from db.models.columns import Instant, text_enum
from domain.retention import Record


class RetainedRecordRow(SQLModel, table=True):
    """What the law makes us keep of somebody who was erased, under a key that ends with its term.

    `sealed` opens with the key of the year of `keep_until`; nobody's own key opens it.
    """

    __tablename__ = "retained_records"
    __table_args__ = (UniqueConstraint("record", "subject_id"),)

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    record: Annotated[Record, Field(sa_type=text_enum(Record))]
    subject_id: UUID
    sealed: str
    keep_until: date = Field(index=True)
    created_at: Instant

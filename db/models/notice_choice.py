"""What a person chose to be told, where, and at which hours."""

from datetime import time
from typing import Annotated
from uuid import UUID

from sqlalchemy import Time
from sqlmodel import Field, SQLModel

from db.models.columns import Instant, text_enum
from domain.telling import Channel, Choice, Kind

_OptionalTime = Annotated[time | None, Field(sa_type=Time)]


class NoticePreferenceRow(SQLModel, table=True):
    """One cell of a person's matrix; a cell without a row is told at once."""

    __tablename__ = "notice_preferences"

    user_id: UUID = Field(primary_key=True, foreign_key="users.id")
    kind: Annotated[Kind, Field(sa_type=text_enum(Kind), primary_key=True)]
    channel: Annotated[Channel, Field(sa_type=text_enum(Channel), primary_key=True)]
    choice: Annotated[Choice, Field(sa_type=text_enum(Choice))]
    updated_at: Instant


class NoticeSettingsRow(SQLModel, table=True):
    """A person's quiet hours, on the clock of the account's time zone, and what counts as news."""

    __tablename__ = "notice_settings"

    user_id: UUID = Field(primary_key=True, foreign_key="users.id")
    quiet_begins: _OptionalTime = None
    quiet_ends: _OptionalTime = None
    least_change_percent: int
    updated_at: Instant

"""The column types that the tables share, so that each fact is stored in one way."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import CHAR, BigInteger, DateTime, Enum, String
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlmodel import Field

Instant = Annotated[datetime, Field(sa_type=DateTime(timezone=True))]
OptionalInstant = Annotated[datetime | None, Field(sa_type=DateTime(timezone=True))]
Json = Annotated[dict[str, Any], Field(sa_type=JSONB)]
# none_as_null: an absent value is SQL NULL, never the JSON word null.
OptionalJson = Annotated[dict[str, Any] | None, Field(sa_type=JSONB(none_as_null=True))]
JsonList = Annotated[list[Any], Field(sa_type=JSONB)]
Minor = Annotated[int, Field(sa_type=BigInteger)]
OptionalMinor = Annotated[int | None, Field(sa_type=BigInteger)]
Currency = Annotated[str, Field(sa_type=CHAR(3))]
OptionalCurrency = Annotated[str | None, Field(sa_type=CHAR(3))]
Words = Annotated[list[str], Field(sa_type=ARRAY(String))]
Ids = Annotated[list[UUID], Field(sa_type=ARRAY(PG_UUID(as_uuid=True)))]


def text_enum(words: type[StrEnum]) -> Enum:
    """Store the words of an enum as text, so that adding one needs no ALTER TYPE."""
    return Enum(words, native_enum=False, length=40, values_callable=_values)


def native_enum(words: type[StrEnum], name: str) -> Enum:
    """Store the words as a Postgres enum, for the tables that the mission names so."""
    return Enum(words, name=name, values_callable=_values)


def _values(words: type[StrEnum]) -> list[str]:
    return [word.value for word in words]

from datetime import date
from typing import Annotated

from sqlalchemy import CHAR
from sqlmodel import Field, SQLModel

from db.models.columns import Minor


class SpendingRow(SQLModel, table=True):
    """What was committed on one day in one currency, held against the daily cap."""

    __tablename__ = "spending"

    day: date = Field(primary_key=True)
    currency: Annotated[str, Field(primary_key=True, sa_type=CHAR(3))]
    minor: Minor = 0

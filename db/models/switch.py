from sqlmodel import Field, SQLModel

from db.models.columns import Instant, Json


class SwitchRow(SQLModel, table=True):
    """Something an operator may turn while the product runs."""

    __tablename__ = "switches"

    name: str = Field(primary_key=True)
    value: Json
    changed_at: Instant
    changed_by: str

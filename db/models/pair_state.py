from sqlmodel import Field, SQLModel

from db.models.columns import Instant, OptionalCurrency, OptionalMinor


class PairStateRow(SQLModel, table=True):
    """What is known of a date pair; the planner decides from it when to look again."""

    __tablename__ = "pair_states"

    seller: str = Field(primary_key=True)
    pair_key: str = Field(primary_key=True)
    last_look_at: Instant
    best_minor: OptionalMinor = None
    currency: OptionalCurrency = None
    volatility: float = 0
    looks: int = 0

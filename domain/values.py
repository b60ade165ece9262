"""The base of every value in the domain: frozen, strict about unknown fields."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A value: compared by content, never changed, no surplus fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

"""What the daily run that clears away says and is asked."""

from uuid import UUID

from pydantic import Field

from domain.retention import Sweep
from domain.values import Value

RETENTION_ID = "keep-retention"


class RetentionInput(Value):
    """Which kinds are cleared away; all of them as a rule."""

    sweeps: tuple[Sweep, ...] = tuple(Sweep)


class Cleared(Value):
    """How many rows of each kind went, and whose erasure was seen to."""

    rows: dict[Sweep, int] = Field(default_factory=dict)
    erasures: tuple[UUID, ...] = ()
    forgotten_again: int = 0

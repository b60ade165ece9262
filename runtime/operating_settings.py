"""How operators work on this installation: one group of the settings."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import NoDecode

from runtime.policy import amounts


def _none_if_empty(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


class OperatingSettings(BaseModel):
    """Environment variables `PARKER_OPERATING_<NAME>`. Frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checkpoints_dir: Annotated[Path | None, BeforeValidator(_none_if_empty)] = None
    """Where checkpoints of the audit log go, outside the database; see `folder`."""
    refund_alone: Annotated[
        dict[str, Annotated[Decimal, Field(ge=0)]], NoDecode, BeforeValidator(amounts)
    ] = Field(default_factory=lambda: {"USD": Decimal(200)})
    """The most one operator refunds alone, for a booking and a day; any of another currency takes
    two. Until two admins agree on another limit."""
    decide_hours: Annotated[int, Field(ge=1, le=168)] = 24
    """How long what takes two waits for the second."""
    begin_hours: Annotated[int, Field(ge=1, le=168)] = 24
    """How long what was asked may still begin that could not begin at once."""

    rotate_days: Annotated[int, Field(ge=30, le=3650)] = 365
    """From when on the console asks for another key in place of one."""

    @property
    def rotate_after(self) -> timedelta:
        return timedelta(days=self.rotate_days)

    @property
    def begin_within(self) -> timedelta:
        return timedelta(hours=self.begin_hours)

    def folder(self, state_dir: Path) -> Path:
        """Return where checkpoints are; workers and `parker audit verify` need the same folder."""
        return self.checkpoints_dir or state_dir / "checkpoints"

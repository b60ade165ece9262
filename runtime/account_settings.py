"""How long a browser stays signed in, what a password's hash costs: one group of the settings."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class AccountSettings(BaseModel):
    """What holds for accounts and their sessions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    idle_hours: Annotated[int, Field(ge=1, le=24 * 30)] = 24 * 7
    """A browser that was not seen for so long has to sign in again."""
    session_days: Annotated[int, Field(ge=1, le=365)] = 30
    """After so long it has to in any case."""
    step_up_minutes: Annotated[int, Field(ge=1, le=60)] = 10
    """How long a passkey or a code counts before money can move."""

    password_memory_kib: Annotated[int, Field(ge=8, le=4 * 1024 * 1024)] = 64 * 1024
    password_rounds: Annotated[int, Field(ge=1, le=100)] = 3
    password_lanes: Annotated[int, Field(ge=1, le=64)] = 4
    """Of argon2id: RFC 9106's second choice. Hashes made with others are renewed at sign-in."""

    @property
    def idle(self) -> timedelta:
        return timedelta(hours=self.idle_hours)

    @property
    def session(self) -> timedelta:
        return timedelta(days=self.session_days)

    @property
    def step_up(self) -> timedelta:
        return timedelta(minutes=self.step_up_minutes)

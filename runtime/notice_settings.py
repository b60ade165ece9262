"""What people are told and how their own servers are called: one group of the settings."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import NoDecode


def _days(value: object) -> object:
    """Read `60,30,7`."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


_Marks = Annotated[
    tuple[Annotated[int, Field(ge=1, le=730)], ...], NoDecode, BeforeValidator(_days)
]


class NoticeSettings(BaseModel):
    """Environment variables `PARKER_NOTICES_<NAME>`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    passport_warning_days: _Marks = (180, 60, 30, 7)
    """How long before a passport expires its account is told, once each; empty for never."""
    enclose_pdfs: bool = True
    """Put itineraries and receipts into mails; they are linked either way."""
    webhooks_per_person: Annotated[int, Field(ge=0, le=50)] = 5
    webhook_seconds: Annotated[int, Field(ge=1, le=30)] = 10
    """How long a traveller's server may take to answer, from the look-up of its name on."""
    webhook_patience_days: Annotated[int, Field(ge=1, le=30)] = 3
    """A server that fails for so long is called no more until its owner switches it on."""
    webhook_loopback: bool = False
    """Let webhooks call this very machine, without TLS: for trying out. Refused in production."""

    @property
    def webhook_patience(self) -> timedelta:
        return timedelta(days=self.webhook_patience_days)

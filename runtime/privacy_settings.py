"""How an installation keeps what the law of its country asks for."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class PrivacySettings(BaseModel):
    """Each is PARKER_PRIVACY_... in the environment. Frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cool_off_days: Annotated[int, Field(ge=0, le=30)] = 7
    """How long an erasure can be taken back. A month is the longest that the law allows it."""
    receipts_years: Annotated[int, Field(ge=1, le=30)] = 10
    mandates_years: Annotated[int, Field(ge=1, le=30)] = 6
    backup_days: Annotated[int, Field(ge=1, le=365)] = 35
    """How long backups are kept, as the owner of the installation promises on the privacy page."""

"""What may be kept of documents, and who checks it: one group of the settings."""

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator


class DocumentSettings(BaseModel):
    """Limits of uploads; environment variables `PARKER_DOCUMENTS_<NAME>`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clamd: str | None = None
    """Where a clamd listens: host:port, or the path of its socket. Without one, files are kept
    unscanned and said to be so."""
    largest_kib: Annotated[int, Field(ge=64, le=16_384)] = 4096
    most_files: Annotated[int, Field(ge=1, le=50)] = 6
    """Scans a traveller."""

    @field_validator("clamd")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        text = (value or "").strip()
        if not text:
            return None
        if not re.fullmatch(r"/.+|[^\s:/]+:\d{1,5}", text):
            raise ValueError("expected host:port, or the path of a socket")
        return text

    @property
    def largest_bytes(self) -> int:
        return self.largest_kib * 1024

"""How this installation charges and gives back, as travellers are told it: one group of settings.

It is told, not decided, here: the name on a statement is set at the payment provider, and how long
a refund takes is up to the card's bank.
"""

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_settings import NoDecode


def _spans(value: object) -> object:
    """Read `US:5-7,PT:5-10`."""
    if not isinstance(value, str):
        return value
    spans: dict[str, tuple[int, int]] = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        found = re.fullmatch(r"([A-Za-z]{2}):(\d{1,2})-(\d{1,2})", part)
        if found is None:
            raise ValueError(f"{part!r} is not COUNTRY:FIRST-LAST, for example US:5-7")
        spans[found[1].upper()] = (int(found[2]), int(found[3]))
    return spans


def _days(value: object) -> object:
    if isinstance(value, str):
        return tuple(int(part) for part in value.split(",") if part.strip())
    return value


_Days = Annotated[int, Field(ge=0, le=90)]


class MoneySettings(BaseModel):
    """Names and spans of time; environment variables `PARKER_MONEY_<NAME>`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    merchant_name: Annotated[str, Field(min_length=1, max_length=80)] = "Parker Flight"
    """Who charges, as receipts and consent name it."""
    statement_descriptor: Annotated[str, Field(min_length=5, max_length=22)] = "PARKER FLIGHT"
    """What a card's statement shows: the same as in the payment provider's account."""
    receipt_contact: Annotated[str, Field(max_length=200)] = ""
    """How to reach the merchant, as receipts show it."""
    refund_days_first: _Days = 5
    refund_days_last: _Days = 10
    """Business days that banks usually take until a refund shows."""
    refund_days_in: Annotated[dict[str, tuple[_Days, _Days]], NoDecode, BeforeValidator(_spans)] = (
        Field(default_factory=dict)
    )
    """Another span where the trip begins in one of these countries."""
    card_warning_days: Annotated[
        tuple[Annotated[int, Field(ge=1, le=365)], ...], NoDecode, BeforeValidator(_days)
    ] = (60, 30, 7)
    """How long before a card ends its owner is warned, each time once."""

    @model_validator(mode="after")
    def _in_order(self) -> "MoneySettings":
        spans = [(self.refund_days_first, self.refund_days_last), *self.refund_days_in.values()]
        if any(first > last for first, last in spans):
            raise ValueError("a refund's first day must not come after its last")
        return self

    def refund_days(self, country: str | None) -> tuple[int, int]:
        """Return the span for a trip that begins in this country."""
        return self.refund_days_in.get(
            country or "", (self.refund_days_first, self.refund_days_last)
        )

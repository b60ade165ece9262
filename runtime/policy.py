"""The rules of the house that an installation may tune: one group of the settings.

Workflows never read these; the values reach them inside inputs and activity results.
"""

import re
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_settings import NoDecode


class MonitorMode(StrEnum):
    BUDGETED = "budgeted"  # looks go where a booking is likeliest
    FIXED = "fixed"  # every date pair each `monitor_interval_seconds`


class SearchStrategy(StrEnum):
    DUFFEL_ONLY = "duffel_only"


class FallbackProvider(StrEnum):
    NONE = "none"


class ManualSearchProvider(StrEnum):
    DUFFEL = "duffel"


class ChargeMode(StrEnum):
    AUTHORIZE_THEN_CAPTURE = "authorize_then_capture"  # hold, order, take


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip().upper() for part in value.split(",") if part.strip())
    return value


def amounts(value: object) -> object:
    """Read `USD:50000,EUR:40000`."""
    if not isinstance(value, str):
        return value
    amounts: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        currency, _, amount = part.partition(":")
        if not re.fullmatch(r"[A-Za-z]{3}", currency) or not amount:
            raise ValueError(f"{part!r} is not CURRENCY:AMOUNT, for example USD:50000")
        amounts[currency.upper()] = amount
    return amounts


def _limit(value: object) -> object:
    return None if value in ("", "none", "None") else value


_Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
_Weight = Annotated[float, Field(ge=0, le=1)]


class Policy(BaseModel):
    """Limits, paces and choices; environment variables `PARKER_POLICY_<NAME>`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # What may be booked
    price_tolerance_percent: Annotated[Decimal, Field(ge=0, le=20)] = Decimal(2)
    """How far above the matched price an attempt may book; never above budget or mandate."""
    allow_once_minutes: Annotated[int, Field(ge=5, le=60)] = 15
    """How long flights that were allowed once, above the budget, may still be booked."""
    proposal_ttl_minutes: Annotated[int, Field(ge=5, le=10_080)] = 120
    """How long an ask-me-first proposal waits for its answer."""
    authentication_hours: Annotated[int, Field(ge=1, le=72)] = 24
    """How long the link to the bank stays good."""
    spending_cap_daily: Annotated[
        dict[_Currency, Annotated[Decimal, Field(gt=0)]], NoDecode, BeforeValidator(amounts)
    ] = Field(default_factory=lambda: {"USD": Decimal(50_000)})
    """The most this installation books a day, by currency; others are not booked at all."""
    seller_currencies: Annotated[
        tuple[_Currency, ...], NoDecode, BeforeValidator(_split), Field(min_length=1)
    ] = ("USD",)
    """Currencies that the seller prices in; a budget must be in one of them."""
    charge_mode: ChargeMode = ChargeMode.AUTHORIZE_THEN_CAPTURE
    fallback_provider: FallbackProvider = FallbackProvider.NONE

    # Campaigns
    cancel_undo_seconds: Annotated[int, Field(ge=5, le=3600)] = 60
    """How long a wish that was cancelled on its page can be taken back."""
    campaign_months: Annotated[int, Field(ge=1, le=12)] = 12
    minimum_notice_days: Annotated[int, Field(ge=0, le=60)] = 1
    """A departure must be at least this far away to be booked without anybody watching."""
    expiring_soon_days: Annotated[int, Field(ge=1, le=60)] = 14
    """How long before its end a campaign tells its traveller."""
    payment_methods_max_per_user: Annotated[
        Annotated[int, Field(ge=1)] | None, BeforeValidator(_limit)
    ] = None

    # Searching
    search_strategy: SearchStrategy = SearchStrategy.DUFFEL_ONLY
    manual_search_provider: ManualSearchProvider = ManualSearchProvider.DUFFEL
    monitor_mode: MonitorMode = MonitorMode.BUDGETED
    monitor_interval_seconds: Annotated[int, Field(ge=60, le=86_400)] = 600
    horizon_days: Annotated[int, Field(ge=30, le=365)] = 331
    """How far ahead airlines sell; a wish beyond it sleeps until its dates open."""
    searches_per_minute: Annotated[int, Field(ge=1, le=6000)] = 108
    """The queue's quota: 1.8 a second keeps every 60 seconds under Duffel's 120."""
    look_pairs_per_campaign: Annotated[int, Field(ge=1, le=500)] = 3
    """At most so many date pairs a campaign a check."""
    max_looks_per_round: Annotated[int, Field(ge=1, le=5000)] = 60
    looks_per_booking: Annotated[int, Field(ge=1)] = 1500
    """Searches that the seller includes for each booking."""

    # Orders whose outcome is unknown, tickets that do not come
    unknown_order_settle_hours: Annotated[int, Field(ge=1, le=72)] = 3
    """The longest a provider takes to create an order that it did not answer about."""
    ticketing_deadline_hours: Annotated[int, Field(ge=1, le=168)] = 24
    authorisations_per_card: Annotated[int, Field(ge=1, le=15)] = 4
    authorisations_window_days: Annotated[int, Field(ge=1, le=90)] = 30

    # How offers that satisfy a wish are ranked where the wish does not say; relative to one another
    weight_price: _Weight = 0.5
    weight_stops: _Weight = 0.2
    weight_duration: _Weight = 0.15
    weight_airline: _Weight = 0.1
    weight_times: _Weight = 0.05

    @model_validator(mode="after")
    def _weights_count(self) -> "Policy":
        if self.weight_price <= 0:
            raise ValueError("weight_price must be above 0: the cheaper of two equal offers wins")
        return self

    @property
    def price_tolerance(self) -> Decimal:
        """The tolerance as a fraction: 2 percent is 0.02."""
        return self.price_tolerance_percent / 100

    @property
    def searches_per_second(self) -> float:
        return round(self.searches_per_minute / 60, 4)

    @property
    def proposal_ttl(self) -> timedelta:
        return timedelta(minutes=self.proposal_ttl_minutes)

    @property
    def cancel_undo(self) -> timedelta:
        return timedelta(seconds=self.cancel_undo_seconds)

    @property
    def monitor_interval(self) -> timedelta:
        return timedelta(seconds=self.monitor_interval_seconds)

    @property
    def unknown_order_settle(self) -> timedelta:
        return timedelta(hours=self.unknown_order_settle_hours)

    @property
    def ticketing_deadline(self) -> timedelta:
        return timedelta(hours=self.ticketing_deadline_hours)

    @property
    def authentication_time(self) -> timedelta:
        return timedelta(hours=self.authentication_hours)

    @property
    def authorisations_window(self) -> timedelta:
        return timedelta(days=self.authorisations_window_days)

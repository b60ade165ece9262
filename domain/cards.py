"""How a saved card stands: usable, ending soon, ended, or in need of its owner."""

from datetime import date, timedelta
from enum import StrEnum

from domain.travelers import add_months
from domain.values import Value

_BRANDS = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}


class CardStanding(StrEnum):
    ACTIVE = "active"
    ENDS_SOON = "ends_soon"
    EXPIRED = "expired"
    NEEDS_ATTENTION = "needs_attention"


class CardState(Value):
    """`days_left` counts to the last day on which the card works; negative once it is over."""

    standing: CardStanding
    valid_until: date
    days_left: int
    warned_at: int | None = None  # the warning that this many days call for: 60, 30 or 7


def valid_until(exp_year: int, exp_month: int) -> date:
    """Return the last day of the month that is printed on the card."""
    return add_months(date(exp_year, exp_month, 1), 1) - timedelta(days=1)


def card_state(
    exp_year: int, exp_month: int, *, usable: bool, today: date, warning_days: tuple[int, ...]
) -> CardState:
    ends = valid_until(exp_year, exp_month)
    left = (ends - today).days
    step = due_warning(left, warning_days)
    if left < 0:
        standing = CardStanding.EXPIRED
    elif not usable:
        standing = CardStanding.NEEDS_ATTENTION
    elif step is not None:
        standing = CardStanding.ENDS_SOON
    else:
        standing = CardStanding.ACTIVE
    return CardState(standing=standing, valid_until=ends, days_left=left, warned_at=step)


def due_warning(days_left: int, warning_days: tuple[int, ...]) -> int | None:
    """Return the nearest warning that is due; None while the card has long to go, or is over."""
    if days_left < 0:
        return None
    return min((step for step in warning_days if days_left <= step), default=None)


def brand_name(brand: str) -> str:
    return _BRANDS.get(brand, brand.replace("_", " ").title())


def card_name(brand: str, last4: str) -> str:
    """Return `Visa ending 4242`."""
    return f"{brand_name(brand)} ending {last4}"

"""Saved cards as their page shows them: a state by its name, and the wishes that they pay for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import assert_never
from uuid import UUID

from babel.dates import format_date

from api.web.views.booking_parts import StateView
from db.models.payment_method import PaymentMethodRow, PaymentMethodStatus
from domain.cards import CardStanding, CardState, brand_name, card_name, card_state

_STATES = {
    CardStanding.ACTIVE: StateView("Active", "good", "✓"),
    CardStanding.ENDS_SOON: StateView("Ends soon", "wait", "◷"),
    CardStanding.EXPIRED: StateView("Expired", "bad", "✕"),
    CardStanding.NEEDS_ATTENTION: StateView("Needs attention", "bad", "⚠"),
}
Wish = tuple[UUID, str]


@dataclass(frozen=True)
class CardView:
    id: UUID
    name: str
    brand: str
    last4: str
    expires: str
    is_default: bool
    state: StateView
    standing: CardStanding
    warning: str | None
    wishes: tuple[Wish, ...]

    @property
    def usable(self) -> bool:
        return self.standing in {CardStanding.ACTIVE, CardStanding.ENDS_SOON}


def card_views(
    rows: Iterable[PaymentMethodRow],
    wishes: Mapping[UUID | None, list[Wish]],
    today: date,
    warning_days: tuple[int, ...],
) -> list[CardView]:
    return [card_view(row, wishes, today, warning_days) for row in rows]


def card_view(
    row: PaymentMethodRow,
    wishes: Mapping[UUID | None, list[Wish]],
    today: date,
    warning_days: tuple[int, ...],
) -> CardView:
    state = card_state(
        row.exp_year,
        row.exp_month,
        usable=row.status is PaymentMethodStatus.USABLE,
        today=today,
        warning_days=warning_days,
    )
    paid_for = [*wishes.get(row.id, []), *(wishes.get(None, []) if row.is_default else [])]
    return CardView(
        id=row.id,
        name=card_name(row.brand, row.last4),
        brand=brand_name(row.brand),
        last4=row.last4,
        expires=f"{row.exp_month:02d}/{row.exp_year}",
        is_default=row.is_default,
        state=_STATES[state.standing],
        standing=state.standing,
        warning=_warning(state, len(paid_for)),
        wishes=tuple(paid_for),
    )


def cards_sentence(cards: list[CardView]) -> str:
    """Say which card is charged, and whether something is wrong with it."""
    chosen = next((card for card in cards if card.is_default), None)
    if chosen is None:
        return "No card is chosen. Nothing can be booked until you choose one."
    if chosen.usable:
        return (
            f"Wishes are paid with {chosen.name}, unless a wish names another card. Nothing is"
            " charged before seats are yours."
        )
    return (
        f"{chosen.name} cannot be charged: choose or add another card. Until then nothing is"
        " booked, and nothing is charged."
    )


def _warning(state: CardState, wishes: int) -> str | None:
    ends = format_date(state.valid_until, "d MMMM yyyy", locale="en")
    match state.standing:
        case CardStanding.ACTIVE:
            return None
        case CardStanding.ENDS_SOON:
            days = "today" if state.days_left == 0 else _days(state.days_left)
            affected = f" {_wishes(wishes)} paid with it." if wishes else ""
            return f"It ends {days}, on {ends}.{affected} Add the new card when it comes."
        case CardStanding.EXPIRED:
            affected = f" {_wishes(wishes)} waiting for another." if wishes else ""
            return f"It ended on {ends} and cannot be charged.{affected}"
        case CardStanding.NEEDS_ATTENTION:
            return "Its bank refused it. Add another card, or ask the bank, then add it anew."
    assert_never(state.standing)


def _days(count: int) -> str:
    return f"in {count} day{'' if count == 1 else 's'}"


def _wishes(count: int) -> str:
    return "1 wish is" if count == 1 else f"{count} wishes are"

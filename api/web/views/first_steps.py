"""What somebody new still has to do, and what can be tried out in a sandbox."""

from dataclasses import dataclass
from datetime import date, timedelta
from math import sin

from api.web.charts import DayPrice, PriceChart, price_chart
from domain.money import Money
from domain.samples import SAMPLES, sample_wish
from domain.wish_words import nights_words, route_words, window_words


@dataclass(frozen=True)
class Known:
    """How far an account has come."""

    confirmed: bool
    second_factor: bool
    travellers: int
    cards: int
    wishes: int


@dataclass(frozen=True)
class Task:
    """One step of setting an account up; `why` says what it is for."""

    words: str
    why: str
    path: str
    done: bool


@dataclass(frozen=True)
class SampleCard:
    name: str
    route: str
    words: str
    budget: Money


def tasks_of(known: Known) -> tuple[Task, ...]:
    """Return the steps in their order; the first that is not done is the one to do."""
    return (
        Task(
            "Confirm your e-mail address",
            "so that word of a booking reaches you",
            "/account/confirm",
            known.confirmed,
        ),
        Task(
            "Set up a second factor",
            "a passkey or an app, asked for before money can move",
            "/account/security",
            known.second_factor,
        ),
        Task(
            "Add a traveller",
            "named as in the passport",
            "/travelers/new",
            known.travellers > 0,
        ),
        Task(
            "Save a card",
            "on the payment provider's page; nothing is charged by that",
            "/payment-methods",
            known.cards > 0,
        ),
        Task("Make a wish", "where, when, and for how much", "/auto-booking/new", known.wishes > 0),
    )


def samples_of(today: date, currencies: tuple[str, ...]) -> tuple[SampleCard, ...]:
    """Return the sample wishes that this installation can price."""
    found = []
    for sample in SAMPLES.values():
        wish = sample_wish(sample.name, today)
        if wish is None or sample.budget.currency not in currencies:
            continue
        words = f"{window_words(wish, today)}, {nights_words(wish)}"
        found.append(SampleCard(sample.name, route_words(wish), words, sample.budget))
    return tuple(found)


def example_of(today: date) -> PriceChart | None:
    """Draw a wish as it goes: fares that rise and fall above a budget, until one is within it."""
    past = ((ago, 54_500 + 260 * ago + 2_600 * (1 + sin(ago / 4))) for ago in range(45, 0, -1))
    prices = [DayPrice(today - timedelta(days=ago), round(minor)) for ago, minor in past]
    budget = Money(minor=52_000, currency="USD")
    return price_chart([*prices, DayPrice(today, 48_700)], budget, today)

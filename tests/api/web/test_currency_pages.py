"""The currency that somebody chose for new wishes is the one in which they begin."""

import re
from datetime import timedelta
from typing import Any

import pytest
from browsing import Site

from runtime.clock import system_now
from runtime.settings import Settings


@pytest.fixture
def settings(make_settings: Any) -> Settings:
    made: Settings = make_settings(PARKER_POLICY_SELLER_CURRENCIES="USD,EUR")
    return made


async def _begins_in(pages: Site) -> str:
    """Begin a wish, and return the currency in which its budget is asked for."""
    day = (system_now().date() + timedelta(days=42)).isoformat()
    typed = {
        "origins_text": "New York", "destinations_text": "Lisbon", "trip": "oneway",
        "departure_from": day, "departure_until": day, "go": "next",
    }  # fmt: skip
    begun = await pages.submit("/auto-booking/new", typed)
    found = re.search(r"/auto-booking/new/[0-9a-f-]{36}", begun.path)
    assert found, begun.path
    budget = await pages.get(f"{found[0]}/budget")
    first = budget.soup.select_one("#currency option")
    assert first is not None, budget.text
    return first.get_text()


async def test_new_wishes_begin_in_the_chosen_currency(pages: Site) -> None:
    assert await _begins_in(pages) == "USD"
    chosen = {"language": "en", "time_zone": "UTC", "currency": "EUR"}
    await pages.submit("/account/settings", chosen, action="/account/settings")
    assert await _begins_in(pages) == "EUR"

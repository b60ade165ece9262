"""Every vendor has a breaker: silence in a row opens it, a no does not."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.breakers import FAILURES, PAUSE, Breaker
from providers.breaker import LEFT_ALONE, CircuitBreaker
from providers.errors import ProviderError, ProviderUnavailable
from providers.ports import OutgoingMail
from providers.registry import build_providers
from runtime.clock import system_now
from tests.providers.test_provider_registry import FakeSettings

NOW = datetime(2027, 3, 1, 12, 0)  # noqa: DTZ001
_NOBODY = "http://127.0.0.1:1"


@given(calls=st.lists(st.tuples(st.booleans(), st.integers(0, 90)), max_size=40))
def test_it_opens_after_silence_in_a_row_and_lets_one_call_try(calls: Any) -> None:
    found, now, silent = Breaker(), NOW, 0
    for answers, seconds in calls:
        now += timedelta(seconds=seconds)
        tried = found.tried(now)
        if tried is None:
            assert silent >= FAILURES
            assert found.retry_at is not None
            assert now < found.retry_at <= now + PAUSE
            continue
        assert tried.retry_at is None or tried.tried(now) is None, "only one tries"
        found = Breaker() if answers else tried.failed(now)
        silent = 0 if answers else silent + 1
        assert (found.retry_at is not None) is (silent >= FAILURES)


async def test_no_vendor_is_asked_on_and_on_while_it_is_away() -> None:
    told: list[str] = []

    def breaker(vendor: str) -> CircuitBreaker:
        return CircuitBreaker(vendor, lambda name, _: told.append(name), clock=system_now)

    built = await build_providers(FakeSettings(_NOBODY, _NOBODY, 1), breaker=breaker)
    mail = OutgoingMail(to="ana@example.com", subject="x", text="x", html=None, message_id="1@x")
    asks = {
        "duffel": lambda: built.orders.get("ord_1"),
        "stripe": lambda: built.payments.get("pi_1"),
        "smtp": lambda: built.mail.send(mail),
    }
    for vendor, ask in asks.items():
        codes = []
        for _ in range(FAILURES + 1):
            with pytest.raises(ProviderUnavailable) as failed:
                await ask()
            codes.append(failed.value.code)
        assert LEFT_ALONE not in codes[:-1]
        assert codes[-1] == LEFT_ALONE, vendor
    assert told == list(asks)
    await built.aclose()


async def test_a_no_is_an_answer(scripted: Any) -> None:
    scripted.answers(404, {"errors": [{"type": "invalid_request_error", "code": "not_found"}]})
    told: list[Breaker] = []
    built = await build_providers(
        FakeSettings(scripted.url, scripted.url, 1),
        breaker=lambda vendor: CircuitBreaker(vendor, lambda _, found: told.append(found)),
    )
    for _ in range(FAILURES + 2):
        for ask in (built.orders.get, built.payments.get):
            with pytest.raises(ProviderError) as failed:
                await ask("x")
            assert failed.value.code != LEFT_ALONE
    assert told == []
    await built.aclose()

"""One set of providers from one set of settings."""

from dataclasses import dataclass, fields
from typing import Any

import pytest

from providers.errors import ProviderUnavailable
from providers.registry import build_providers
from runtime.settings import ProviderMode, Vendor


@dataclass(frozen=True)
class FakeSettings:
    duffel_api_url: str
    stripe_api_url: str
    smtp_port: int
    duffel_api_token: str = "duffel_test_parker"
    stripe_secret_key: str = "sk_test_parker"
    smtp_host: str = "127.0.0.1"
    smtp_username: str | None = None
    smtp_password: str | None = None
    smtp_starttls: bool = False
    mail_from: str = "Parker Flight <travel@parker.example>"

    def provider_mode(self, vendor: Vendor) -> ProviderMode:
        return ProviderMode.LIVE if vendor == "smtp" else ProviderMode.SANDBOX


async def test_every_capability_has_a_name_and_a_mode(scripted: Any) -> None:
    built = await build_providers(FakeSettings(scripted.url, scripted.url, 25))
    try:
        capabilities = {field.name for field in fields(built)} - {"names", "modes", "connections"}
        assert set(built.names) == capabilities
        assert {built.modes[vendor] for vendor in built.names.values()} == {
            ProviderMode.SANDBOX,
            ProviderMode.LIVE,
        }
    finally:
        await built.aclose()


async def test_every_call_of_a_vendor_carries_the_extra_headers(scripted: Any) -> None:
    scripted.answers(500, {"error": {"type": "api_error"}})
    built = await build_providers(
        FakeSettings(scripted.url, scripted.url, 25), lambda: {"X-Sandbox-Now": "then"}
    )
    for call in (built.payments.get("pi_1"), built.orders.get("ord_1")):
        with pytest.raises(ProviderUnavailable):
            await call
    await built.aclose()

    assert [sent[1]["x-sandbox-now"] for sent in scripted.requests] == ["then", "then"]

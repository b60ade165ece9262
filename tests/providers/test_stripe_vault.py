"""Saving cards on the hosted page, over HTTP against Stripe's stand-in."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from providers.errors import CredentialsRefused, ProviderRefused
from providers.stripe.adapter import StripeCardPayments
from providers.stripe.client import StripeConnection, open_stripe
from providers.stripe.vault import StripeCardVault


@pytest.fixture
async def connection(sandbox: Any) -> AsyncIterator[StripeConnection]:
    opened = await open_stripe(
        "sk_test_parker", f"{sandbox.url}/stripe", timeout_seconds=10, extra_headers=dict
    )
    yield opened
    await opened.aclose()


@pytest.fixture
def vault(connection: StripeConnection) -> StripeCardVault:
    return StripeCardVault(connection)


async def test_a_card_is_saved_on_the_hosted_page(vault: StripeCardVault) -> None:
    customer = await vault.create_customer(key=str(uuid.uuid4()), user_reference="user-1")
    opened = await vault.start_setup(
        key=str(uuid.uuid4()),
        customer_ref=customer,
        currency="USD",
        success_url="https://parker.example/cards?session={CHECKOUT_SESSION_ID}",
        cancel_url="https://parker.example/cards",
    )
    assert opened.status == "open"
    assert opened.url is not None
    assert opened.card is None

    async with httpx.AsyncClient() as browser:
        assert (await browser.get(opened.url)).is_success
        done = await browser.post(opened.url, data={"card": "4242424242424242"})
    assert done.status_code == 303
    assert done.headers["location"].endswith(f"session={opened.setup_ref}")

    finished = await vault.get_setup(opened.setup_ref)
    assert finished.status == "complete"
    assert finished.url is None
    assert finished.card is not None
    assert (finished.card.brand, finished.card.last4) == ("visa", "4242")
    assert await vault.get_card(finished.card.method_ref) == finished.card


async def test_a_customer_is_created_once_for_a_key(vault: StripeCardVault) -> None:
    key = str(uuid.uuid4())

    first = await vault.create_customer(key=key, user_reference="user-1")

    assert await vault.create_customer(key=key, user_reference="user-1") == first


async def test_forgetting_a_card_twice_is_harmless(
    connection: StripeConnection, vault: StripeCardVault
) -> None:
    customer = await vault.create_customer(key=str(uuid.uuid4()), user_reference="user-1")
    method = await connection.api.payment_methods.attach_async(
        "pm_card_visa", {"customer": customer}
    )

    await vault.detach(method.id)
    await vault.detach(method.id)

    kept = await connection.api.customers.payment_methods.list_async(customer)
    assert kept.data == []


async def test_forgetting_a_card_that_never_was_is_our_mistake(vault: StripeCardVault) -> None:
    with pytest.raises(ProviderRefused, match="resource_missing"):
        await vault.detach("pm_unknown")


async def test_a_wrong_key_is_named(sandbox: Any) -> None:
    opened = await open_stripe(
        "sk_live_of_somebody",
        f"{sandbox.url}/stripe",
        timeout_seconds=10,
        extra_headers=dict,
    )
    try:
        with pytest.raises(CredentialsRefused) as caught:
            await StripeCardPayments(opened).get("pi_1")
    finally:
        await opened.aclose()
    assert "sk_live" not in str(caught.value)

"""The pages of cards: saved on the provider's page, chosen, warned of, and removed with care."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from browsing import Site
from sqlalchemy import update
from sqlmodel import col

from db.models.campaign import CampaignRow
from db.models.payment_method import PaymentMethodRow
from db.models.web_session import WebSessionRow
from db.queries.campaigns import insert_campaign
from domain.campaigns import BookingMode
from domain.criteria import Criteria
from domain.ids import CampaignId
from domain.messages.campaign import Consent, NewCampaign
from domain.money import Money
from domain.offers import Party
from runtime.clock import system_now

PATH = "/payment-methods"


async def add_card(site: Site, number: str = "4242424242424242") -> Any:
    """Go to the provider's page from ours, type a card, and come back."""
    left = await site.submit(f"{PATH}/add", follow=False)
    assert left.status == 303, left.text
    async with httpx2.AsyncClient(timeout=30) as browser:
        typed = await browser.post(left.headers["location"], data={"card": number})
        assert typed.status_code == 303, typed.text
    return await site.get(typed.headers["location"])


@pytest.fixture
def wish_for(database: Any, ana: Any) -> Any:
    """Return a way to let Ana wish for something, paid with a card or the default."""

    async def made(name: str, card: UUID | None = None) -> CampaignRow:
        now = system_now()
        day = now.date() + timedelta(days=60)
        budget = Money(minor=50_000, currency="USD")
        new = NewCampaign(
            campaign_id=CampaignId(uuid4()), owner_id=ana.user_id, name=name,
            criteria=Criteria(origins=("JFK",), destinations=("LIS",), departure_from=day,
                              departure_until=day, budget=budget),
            mode=BookingMode.AUTO, traveler_ids=(uuid4(),), party=Party(),
            consent=Consent(text_version="1", cap=budget, consented_at=now), body_hmac="-",
            payment_method_id=card, created_at=now, expires_at=now + timedelta(days=365),
            ends_at=now + timedelta(days=60),
        )  # fmt: skip
        async with database.transaction(ana.user_id) as session:
            row, _ = await insert_campaign(session, new, now)
        return row

    return made


async def test_a_card_is_added_chosen_and_removed(
    pages: Site, other_pages: Site, wish_for: Any
) -> None:
    empty = await pages.get(PATH)
    assert "No card yet" in empty.text
    asking = await pages.get(f"{PATH}/add")
    assert "Its number never reaches us" in asking.text
    assert "127.0.0.1" in asking.headers["content-security-policy"]
    back = await add_card(pages)
    assert back.path == PATH
    assert "Visa ending 4242 is saved. Nothing was charged." in back.text
    await add_card(pages, "5555555555554444")
    await wish_for("Lisbon in spring")

    shown = await pages.get(PATH)
    assert "Wishes are paid with Visa ending 4242" in shown.text
    assert "Pays for Lisbon in spring" in shown.text
    assert shown.text.count("Active") == 2
    assert "4242424242424242" not in shown.html
    (choose,) = shown.soup.select("main form[action$='/default']")
    chosen = await pages.submit(shown, action=str(choose["action"]))
    assert "now paid with Mastercard ending 4444" in chosen.text
    assert (await other_pages.get(PATH)).text.startswith("Cards No card yet")

    (mastercard, visa) = [str(a["href"]) for a in chosen.soup.select("main a[href$='/remove']")]
    assert (await other_pages.get(mastercard)).status == 404
    removing = await pages.get(mastercard)
    assert "1 wish is paid with it. From then on Visa ending 4242" in removing.text
    assert "The card is removed" in (await pages.submit(removing)).text
    stuck = await pages.get(visa)
    assert "1 wish needs it, and you have no other card" in stuck.text
    assert stuck.soup.select_one("main form") is None
    refused = await pages.post(visa, {"form_token": _token(removing)})
    assert refused.status == 409
    assert "Nothing was changed." in refused.problems()[0]


async def test_a_card_that_ends_is_warned_of_and_one_that_ended_is_said(
    pages: Site, database: Any, ana: Any, card_saver: Any, wish_for: Any
) -> None:
    card = await card_saver(ana)
    await wish_for("Lisbon in spring")
    today = system_now().date()

    async def ends(day: Any) -> str:
        async with database.transaction(ana.user_id) as session:
            await session.execute(
                update(PaymentMethodRow)
                .where(col(PaymentMethodRow.id) == UUID(str(card["id"])))
                .values(exp_year=day.year, exp_month=day.month)
            )
        return (await pages.get(PATH)).text

    soon = await ends(today)
    assert "Ends soon" in soon
    assert "1 wish is paid with it. Add the new card when it comes." in soon
    over = await ends(today.replace(day=1) - timedelta(days=1))
    assert "Expired" in over
    assert "Visa ending 4242 cannot be charged: choose or add another card." in over
    assert "1 wish is waiting for another" in over


async def test_changing_cards_asks_for_a_second_factor(
    pages: Site, database: Any, ana: Any, card_saver: Any
) -> None:
    card = await card_saver(ana)
    shown = await pages.get(f"{PATH}/{card['id']}/remove")
    async with database.transaction(ana.user_id) as session:
        await session.execute(
            update(WebSessionRow)
            .where(col(WebSessionRow.user_id) == ana.user_id)
            .values(stepped_up_at=None)
        )
    token = {"form_token": _token(shown)}
    for path, back in (
        (f"{PATH}/add", f"{PATH}/add"),
        (f"{PATH}/{card['id']}/default", PATH),
        (f"{PATH}/{card['id']}/remove", f"{PATH}/{card['id']}/remove"),
    ):
        led = await pages.post(path, token, follow=False)
        assert led.status == 303
        assert led.headers["location"] == f"/step-up?next={back.replace('/', '%2F')}"
    assert "Visa ending 4242" in (await pages.get(PATH)).text


def _token(shown: Any) -> str:
    return str(shown.soup.select_one("main input[name=form_token]")["value"])

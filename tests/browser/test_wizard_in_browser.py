"""The wizard in a real browser: by keyboard, with its suggestions, without scripts, signed."""

import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID, uuid4

import httpx
import pytest
from authenticator import Authenticator
from chromium import held_back
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from house import eventually
from playwright.async_api import Page, expect
from watched import Watched

from api.web import cookies
from db.accounts import ensure_account, issue_api_key
from db.models.passkey import PasskeyRow
from db.queries.web_sessions import add_session
from db.session import WORKER_ROLE, Database, SystemActor
from db.vault import vault_of
from domain.ids import UserId
from domain.offers import Party
from runtime.clock import system_now
from runtime.web_tokens import new_token, session_hash

TESTS = SystemActor("tests")
MOVING = "document.getAnimations().length"
_TRAVELLER = {
    "label": "Ana", "given_name": "Ana", "family_name": "Souza", "born_on": "1990-04-12",
    "gender": "f", "title": "ms", "email": "ana@example.com", "phone": "+351912345678",
}  # fmt: skip


class Guest:
    """Somebody signed in and stepped up at the running product, with a traveller and a card."""

    def __init__(self, live_site: Any) -> None:
        self.url, self.settings = live_site.url, live_site.stack.settings
        self.user_id, self.traveller = UserId(uuid4()), uuid4()
        self.database = Database(
            self.settings.database_for("worker"), role=WORKER_ROLE, pool_size=2
        )

    async def open(self) -> None:
        pepper, now = self.settings.api_key_pepper, system_now()
        async with self.database.transaction(TESTS) as session:
            self.user_id = await ensure_account(
                session, vault_of(self.settings), email=f"{uuid4().hex}@example.com",
                pepper=pepper, now=now,
            )  # fmt: skip
            _, key = await issue_api_key(
                session, self.user_id, name="tests", pepper=pepper, now=now
            )
        async with httpx.AsyncClient(base_url=self.url) as http:
            made = await http.post(
                "/api/autobooking/traveler",
                json=_TRAVELLER,
                headers={"Authorization": f"Bearer {key}"},
            )
        assert made.status_code == 201, made.text
        self.traveller = UUID(made.json()["id"])

    async def enter(self, page: Page) -> None:
        token, now = new_token(), system_now()
        async with self.database.transaction(self.user_id) as session:
            await add_session(
                session, session_id=uuid4(), user_id=self.user_id,
                token_hash=session_hash(self.settings.api_key_pepper, token), device="A test",
                now=now, lasts=self.settings.accounts.session, stepped_up_at=now,
            )  # fmt: skip
        await page.context.add_cookies(
            [
                {
                    "name": cookies.SESSION,
                    "value": token,
                    "url": "https://localhost/",
                    "secure": True,
                    "httpOnly": True,
                }
            ]
        )

    async def waiting_wish(self) -> Any:
        """Make a wish that waits for consent, and the card that it would be charged to."""
        async with self.database.transaction(TESTS) as session:
            make = Watched(session, self.user_id, system_now())
            await make.card()
            return await make.campaign(
                consented=False, traveler_ids=(self.traveller,), party=Party()
            )

    async def passkey(self, page: Page) -> None:
        """Give the browser a passkey that the account knows."""
        device = Authenticator(self.url, user_handle=self.user_id.bytes)
        async with self.database.transaction(TESTS) as session:
            known = PasskeyRow(
                id=uuid4(), user_id=self.user_id, credential_id=device.credential_id,
                public_key=device.public_key, transports=[], backed_up=False,
                name_encrypted="-", created_at=system_now(),
            )  # fmt: skip
            session.add(known)
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
            "hasUserVerification": True, "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }  # fmt: skip
        made = await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        secret = device.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        credential = {
            "credentialId": _text(device.credential_id), "isResidentCredential": True,
            "rpId": "localhost", "privateKey": _text(secret),
            "userHandle": _text(self.user_id.bytes), "signCount": 1,
        }  # fmt: skip
        await devtools.send(
            "WebAuthn.addCredential",
            {"authenticatorId": made["authenticatorId"], "credential": credential},
        )


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.fixture
async def guest(live_site: Any) -> AsyncIterator[Guest]:
    made = Guest(live_site)
    await made.open()
    yield made
    await made.database.close()


def _day(ahead: int) -> str:
    return (system_now().date() + timedelta(days=ahead)).isoformat()


async def test_where_and_when_is_told_by_keyboard_alone_and_saves_itself(
    new_page: Any, accessible: Any, guest: Guest
) -> None:
    page: Page = await new_page()
    await guest.enter(page)
    await page.goto("/")
    await expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
    await accessible(page)
    await page.goto("/auto-booking/new")
    await page.keyboard.press("Tab")
    origins = page.get_by_role("combobox").first
    await origins.focus()
    await page.keyboard.type("new yor")
    options = page.get_by_role("option")
    await expect(options.first).to_contain_text("New York, all airports (NYC)")
    await accessible(page)
    drawn = await held_back(page, "**/auto-booking/new/map*")
    await page.keyboard.press("ArrowDown")
    await expect(options.first).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Enter")
    await expect(page.locator('input[name="origins"][value="NYC"]')).to_be_checked()
    await expect(origins).to_be_focused()
    # What is slow has a place that says so, which moves only where motion is welcome.
    await expect(page.locator("[data-map][aria-busy=true]")).to_be_visible()
    assert await page.evaluate(MOVING) == 0
    await page.emulate_media(reduced_motion="no-preference")
    assert await page.evaluate(MOVING) > 0
    await page.emulate_media(reduced_motion="reduce")
    drawn.set()
    await expect(page.locator("[data-map] svg")).to_be_visible()
    await expect(page.locator("[aria-busy]")).to_have_count(0)
    await page.keyboard.type("bost")
    await expect(options.first).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(options.first).to_be_hidden()
    await origins.fill("")
    await page.get_by_role("combobox").nth(1).focus()
    await page.keyboard.type("lisb")
    await expect(options.first).to_contain_text("(LIS)")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-map] .pin.destination")).to_have_count(1)

    await page.context.grant_permissions(["geolocation"])
    await page.context.set_geolocation({"latitude": 41.15, "longitude": -8.61})
    await page.get_by_role("button", name="Airports near me").click()
    await expect(options.first).to_contain_text("(OPO)")
    await page.keyboard.press("Escape")

    await origins.fill("London")
    await origins.press("Escape")
    await page.get_by_role("button", name="Add to: From").click()
    await expect(page.get_by_text("can mean more than one place").first).to_be_visible()
    await accessible(page)
    await page.get_by_role("combobox").first.fill("")
    await page.get_by_label("No, one way").check()
    await expect(page.locator("#nights_min")).to_be_hidden()
    await page.get_by_role("button", name="Continue", exact=True).last.click()
    summary = page.get_by_role("alert").filter(has_text="Something needs to be corrected")
    await expect(summary).to_be_focused()
    await expect(summary).to_contain_text("Give the first day")
    await accessible(page)
    await page.locator("#departure_from").fill(_day(50))
    await page.get_by_role("link", name="Wishes").first.click()
    await page.wait_for_url("**/auto-booking/dashboard")

    async def kept() -> bool:
        # What is saved by leaving may arrive after the page that comes next.
        await page.goto("/auto-booking/new")
        await page.get_by_role("link", name="Go on with New York").click()
        return await page.locator("#departure_from").input_value() == _day(50)

    await eventually(kept)
    await page.locator("#departure_from").press("Enter")
    await expect(page.get_by_role("heading", name="Who travels", exact=True)).to_be_visible()
    await page.get_by_label("Ana").check()
    await page.get_by_role("button", name="Continue", exact=True).last.click()
    await page.get_by_role("button", name="Continue", exact=True).last.click()
    await page.locator("#budget").fill("700")
    await expect(page.locator("[data-past]")).to_contain_text("No history yet")
    await page.get_by_label("Only tell me").check()
    await page.get_by_role("button", name="Continue", exact=True).last.click()
    await expect(page.get_by_role("button", name="Watch, and tell me")).to_be_visible()
    await page.get_by_role("button", name="Keep in mind only").click()
    await expect(page.get_by_role("heading", name="Have it booked for you")).to_be_visible()
    await accessible(page)


async def test_without_scripts_a_name_is_asked_back_and_a_trip_is_kept(
    new_page: Any, guest: Guest
) -> None:
    page: Page = await new_page(scripts=False, narrow=True)
    await page.goto("/")
    await expect(page.get_by_text("This is a SANDBOX")).to_be_visible()
    await guest.enter(page)
    await page.goto("/auto-booking/new")
    await page.locator("#origins_text").fill("London")
    await page.locator("#destinations_text").fill("Lisbon")
    await page.locator("#departure_from").fill(_day(50))
    await page.get_by_label("No, one way").check()
    await page.get_by_role("button", name="Continue", exact=True).last.click()
    await expect(page.get_by_text("can mean more than one place").first).to_be_visible()
    await page.get_by_label("London, all airports (LON)").check()
    await page.get_by_role("button", name="Continue", exact=True).last.click()
    await page.get_by_label("Ana").check()
    await page.get_by_role("button", name="Continue", exact=True).last.click()
    await page.get_by_role("button", name="Continue", exact=True).last.click()
    await page.locator("#budget").fill("300")
    await page.get_by_label("Only tell me").check()
    await page.get_by_role("button", name="Continue", exact=True).last.click()
    await expect(page.get_by_role("button", name="Watch, and tell me")).to_be_visible()
    await page.get_by_role("button", name="Keep in mind only").click()
    await expect(page.get_by_role("heading", name="Have it booked for you")).to_be_visible()


async def test_a_passkey_signs_the_consent_that_is_shown(
    new_page: Any, accessible: Any, guest: Guest
) -> None:
    page: Page = await new_page()
    await guest.enter(page)
    await guest.passkey(page)
    wish = await guest.waiting_wish()
    await page.goto(f"/auto-booking/wishes/{wish.id}/consent")
    await accessible(page)
    await page.locator("#consent").check()
    # No process runs for a wish that was only written down: what counts is what was sent.
    async with page.expect_request(
        lambda request: request.method == "POST" and request.url.endswith("/consent")
    ) as sending:
        await page.get_by_role("button", name="Order with obligation to pay").click()
    sent = parse_qs((await sending.value).post_data or "")
    assert "signature" in sent["passkey"][0]

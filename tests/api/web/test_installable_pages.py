"""The app that can be installed: what it is, what it keeps, and for how long."""

import json
import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from booked import give_booking
from browsing import Site

from db.vault import vault_of
from domain.orders import BookingState
from runtime.clock import system_now
from scripts.icons import FOLDER, ICONS, png


def test_the_icons_are_those_that_the_script_draws():
    for icon in ICONS[:2] + ICONS[3:]:
        assert (FOLDER / icon.name).read_bytes() == png(icon), "run python -m scripts.icons"


async def test_the_app_can_be_installed(stranger: Site) -> None:
    page = await stranger.get("/sign-in")
    link = page.soup.find("link", rel="manifest")
    manifest = json.loads((await stranger.get(str(link["href"]))).html)  # type: ignore[index]
    assert (manifest["display"], manifest["scope"]) == ("standalone", "/")
    sizes = {(one["sizes"], one["purpose"]) for one in manifest["icons"]}
    assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")} == sizes
    for one in manifest["icons"]:
        icon = await stranger.get(one["src"])
        assert (icon.status, icon.headers["content-type"]) == (200, "image/png")
    worker = await stranger.get("/service-worker.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.headers["cache-control"] == "no-cache"
    assert "addAll" not in worker.html, "it keeps nothing by itself"
    offline = await stranger.get("/offline")
    assert "nothing is lost" in offline.text
    assert offline.headers["cache-control"] == "no-store"


async def test_an_itinerary_to_keep_names_its_end_and_its_account(
    pages: Site, other_pages: Site, database: Any, settings: Any, ana: Any
) -> None:
    vault, now = vault_of(settings), system_now()
    booked = await give_booking(database, vault, ana.user_id, now)
    path = f"/bookings/{booked.booking_id}"
    shown = await pages.get(path)
    box = shown.soup.select_one("[data-offline]")
    assert box is not None
    assert box["data-offline"] == path
    assert box.has_attr("hidden"), "without scripts it is not offered"

    kept = await pages.get(f"{path}/offline")
    assert kept.headers["cache-control"] == "no-store", "only the button keeps it"
    for words in ("RZPNX8", "Heathrow Airport (LHR)", "terminal 2", "Ada Example", "Ticket"):
        assert words in kept.text, words
    for words in ("USD", "Visa", "Sign out"):
        assert words not in kept.html, words
    assert "Kept on this device" in kept.text
    until = datetime.fromisoformat(kept.headers["x-kept-until"])
    assert timedelta(days=42) < until - now < timedelta(days=45)
    assert unquote(kept.headers["x-title"]).startswith("London → New York, ")
    tags = [_account(one) for one in (shown, await other_pages.get("/auto-booking/history"))]
    assert kept.headers["x-account"] == tags[0]
    assert tags[0] != tags[1]
    assert str(ana.user_id).replace("-", "") not in tags[0]

    assert (await other_pages.get(f"{path}/offline")).status == 404
    assert '<meta name="account"' not in (await pages.get("/nothing/here")).html
    over = await give_booking(database, vault, ana.user_id, now, state=BookingState.FLOWN)
    assert (await pages.get(f"/bookings/{over.booking_id}/offline")).status == 409
    assert "data-offline" not in (await pages.get(f"/bookings/{over.booking_id}")).html


async def test_signing_out_clears_what_the_browser_has(pages: Site) -> None:
    shown = await pages.get("/auto-booking/history")
    form = shown.soup.select_one("form[action='/sign-out'] input")
    assert form is not None
    left = await pages.post("/sign-out", {"form_token": str(form["value"])}, follow=False)
    assert '"storage"' in left.headers["clear-site-data"]
    assert _account(await pages.get("/sign-in")) == ""


def _account(shown: Any) -> str:
    found = re.search(r'<meta name="account" content="([0-9a-f]*)">', shown.html)
    assert found is not None
    return found[1]

"""The pages of travellers: names as in the passport, documents masked, scans sealed."""

import re
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from booked import give_booking
from browsing import Site

from db.vault import vault_of
from runtime.clock import system_now

NAME = {
    "given_name": "Maya Rose",
    "family_name": "Souza",
    "born_on": "1990-06-03",
    "gender": "f",
    "title": "miss",
    "label": "Maya",
}
PASSPORT = {
    "kind": "passport",
    "number": "ca 123456",
    "issuing_country": "PT",
    "expires_on": "2036-08-01",
}


async def add(site: Site, **changes: str) -> str:
    """Make a traveller by the name alone; return the page of the contact, which comes next."""
    made = await site.submit("/travelers/new", NAME | changes)
    assert made.path.endswith("/contact"), made.text
    return made.path


async def test_a_profile_is_made_step_by_step_and_goes_on_later(
    pages: Site, other_pages: Site
) -> None:
    assert "Nobody here yet" in (await pages.get("/travelers")).text
    wrong = await pages.submit("/travelers/new", NAME | {"born_on": "soon", "title": "mr"})
    assert wrong.status == 422
    assert wrong.problems() == ["Write the date as year, month and day: 1990-04-12."]
    assert wrong.soup.find("input", {"name": "given_name"})["value"] == "Maya Rose"  # type: ignore[index]
    odd = await pages.submit("/travelers/new", NAME | {"title": "mr", "family_name": "Söuza≠"})
    assert len(odd.problems()) == 2

    contact = await add(pages)
    home = contact.removesuffix("/contact")
    begun = await pages.get(home)
    assert "50% complete" in begun.text
    assert "Nothing can be booked for this person" in begun.text
    assert begun.soup.select_one(f'a.btn.main[href="{contact}"]')
    asked = await pages.get(contact)
    offered = str(asked.soup.find("input", {"name": "email"})["value"])  # type: ignore[index]
    assert re.fullmatch(r"person\d+@example\.com", offered), "the account's own address"
    short = await pages.submit(asked, {"phone": "12345"})
    assert "full international telephone number" in short.problems()[0]
    done = await pages.submit(asked, {"phone": "+351 912-345 678"})
    assert "75% complete" in done.text
    assert "+351912345678" in done.text

    kept = await pages.submit(f"{home}/documents/new", PASSPORT)
    assert "100% complete" in kept.text
    assert "•••••456" in kept.text
    assert "CA123456" not in kept.html
    assert "Portugal" in kept.text
    unknown = await pages.submit(f"{home}/loyalty", {"airline-0": "Nimbus", "number-0": "1"})
    assert "We do not know this airline" in unknown.problems()[0]
    flyer = await pages.submit(
        f"{home}/loyalty", {"airline-0": "tap air portugal", "number-0": "5"}
    )
    assert "TAP Air Portugal 5" in flyer.text

    listed = await pages.get("/travelers")
    assert "Everybody here can be booked" in listed.text
    assert "100% complete" in listed.text
    for path in (home, contact, f"{home}/documents/new", f"{home}/remove"):
        assert (await other_pages.get(path)).status == 404


async def test_sending_the_name_twice_makes_one_traveller_and_leads_on(pages: Site) -> None:
    shown = await pages.get("/travelers/new?next=/auto-booking/new")
    first = await pages.submit(shown, NAME)
    second = await pages.submit(shown, NAME)
    assert first.path == second.path
    assert first.path.endswith("/contact?next=%2Fauto-booking%2Fnew")
    led = await pages.submit(first, {"phone": "+351912345678"}, follow=False)
    assert led.headers["location"] == "/auto-booking/new"
    assert len((await pages.get("/travelers")).soup.select("main .cardlist > li")) == 1


async def test_documents_are_replaced_and_forgotten(pages: Site, ana: Any) -> None:
    home = (await add(pages)).removesuffix("/contact")
    bad = await pages.submit(f"{home}/documents/new", PASSPORT | {"expires_on": "2001-01-01"})
    assert "expired on 2001-01-01" in bad.problems()[0]
    shown = await pages.submit(f"{home}/documents/new", PASSPORT)
    replace = str(shown.soup.select_one("a[href$='/replace']")["href"])  # type: ignore[index]
    asking = await pages.get(replace)
    assert asking.soup.select_one("option[value=PT][selected]")
    assert asking.soup.find("input", {"name": "number"})["value"] == ""  # type: ignore[index]
    renewed = await pages.submit(asking, {"number": "ZZ987654", "expires_on": "2038-01-01"})
    assert "•••••654" in renewed.text
    assert "•••••456" not in renewed.text
    again = await pages.submit(asking, {"number": "ZZ987654", "expires_on": "2038-01-01"})
    assert again.status == 404, "what was to be replaced is gone"
    forget = renewed.soup.select_one("form[action$='/delete']")
    assert forget is not None
    gone = await pages.submit(renewed, action=str(forget["action"]))
    assert "The document is forgotten." in gone.text
    person = (await ana.http.get("/api/autobooking/traveler")).json()["items"][0]
    assert (person["documents"], person["given_name"]) == ([], "Maya Rose")


async def test_a_trip_says_the_age_on_it_and_whether_the_passport_lasts(
    pages: Site, database: Any, settings: Any, ana: Any
) -> None:
    today = system_now().date()
    twelve = (today + timedelta(days=30)).replace(year=today.year - 12 + (today.month > 11))
    home = (await add(pages, born_on=twelve.isoformat())).removesuffix("/contact")
    soon = today + timedelta(days=100)
    await pages.submit(f"{home}/documents/new", PASSPORT | {"expires_on": soon.isoformat()})
    await give_booking(
        database, vault_of(settings), ana.user_id, system_now(),
        traveler_ids=(UUID(home.rpartition("/")[2]),),
    )  # fmt: skip
    shown = await pages.get(home)
    assert re.search(r"1[12] years old: (child|adult)'s fare", shown.text)
    assert "less than 6 months after the trip" in shown.text
    assert "London → New York" in shown.text
    listed = await pages.get("/travelers")
    assert "many countries turn that away" in listed.text
    assert isinstance(twelve, date)


async def test_a_traveller_is_forgotten_unless_a_wish_needs_them(
    pages: Site, ana: Any, database_url: str
) -> None:
    home = (await add(pages)).removesuffix("/contact")
    await upload(pages, home, b"%PDF-1.7 my passport")
    removed = await pages.submit(f"{home}/remove")
    assert "The traveller is removed, with documents and scans." in removed.text
    assert (await pages.get(home)).status == 404
    assert (await ana.http.get("/api/autobooking/traveler")).json()["items"] == []
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        left = await connection.execute("SELECT count(*) FROM traveler_files")
        assert (await left.fetchone()) == (0,)


async def upload(site: Site, home: str, content: bytes, name: str = "../pass port.PDF") -> Any:
    shown = await site.get(home)
    token = str(shown.soup.select_one("form[action$='/files'] input")["value"])  # type: ignore[index]
    return await site.post(
        f"{home}/files", {"form_token": token}, files={"scan": (name, content, "text/html")}
    )


async def test_a_scan_is_sealed_and_leaves_only_as_a_download(
    pages: Site, other_pages: Site, database_url: str
) -> None:
    home = (await add(pages)).removesuffix("/contact")
    content = b"%PDF-1.7 <script>alert(1)</script>" + bytes(2_000_000)
    kept = await upload(pages, home, content)
    assert "pass port.pdf" in kept.text
    assert "2.0 MB, not scanned" in kept.text
    assert "This installation has no virus scanner" in kept.text
    link = str(kept.soup.select_one("a[download]")["href"])
    got = await pages.get(link)
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-disposition"] == "attachment; filename*=UTF-8''pass%20port.pdf"
    assert "sandbox" in got.headers["content-security-policy"]
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.html.startswith("%PDF-1.7 <script>")
    assert (await other_pages.get(link)).status == 404
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        rows = await connection.execute("SELECT name_encrypted, content_encrypted, media_type FROM"
                                        " traveler_files")  # fmt: skip
        ((name, sealed, kind),) = await rows.fetchall()
    assert b"%PDF" not in bytes(sealed)
    assert "pass" not in name
    assert kind == "application/pdf"

    page = await upload(pages, home, b"<html>not a picture", "scan.jpg")
    assert page.status == 422
    assert page.problems() == ["It is neither a picture (JPEG, PNG, HEIC) nor a PDF."]
    assert (await upload(pages, home, b"")).status == 422
    large = await upload(pages, home, b"%PDF-" + bytes(4096 * 1024))
    assert large.status == 422
    assert (await upload(pages, home, b"%PDF-" + bytes(5 * 1024 * 1024))).status == 413
    shown = await pages.get(home)
    forget = shown.soup.select_one("form[action*='/files/']")
    assert forget is not None
    gone = await pages.submit(shown, action=str(forget["action"]))
    assert "The scan is forgotten." in gone.text


@pytest.fixture
def settings(make_settings: Any) -> Any:
    """Return settings with Temporal away; nobody scans."""
    return make_settings()


async def test_a_scanner_that_does_not_answer_keeps_nothing(
    make_settings: Any, database: Any, make_site: Any, api_serving: Any
) -> None:
    # Port 1 of this machine: nobody listens there.
    chosen = make_settings(PARKER_DOCUMENTS_CLAMD="127.0.0.1:1")
    async with api_serving(chosen, database) as make:
        person = await make()
        site = await make_site(chosen.base_url, chosen, person)
        home = (await add(site)).removesuffix("/contact")
        refused = await upload(site, home, b"%PDF-1.7")
        assert refused.status == 503
        assert "could not be checked for viruses" in refused.problems()[0]
        assert "not scanned" not in (await site.get(home)).text

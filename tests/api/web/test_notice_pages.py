"""The pages of notices, choices, webhooks and settings."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from browsing import Site
from bs4 import Tag
from sqlalchemy import update
from watched import Watched

from db.models.notice import NoticeRow, NoticeState
from db.models.webhook import DeliveryState, EndpointState
from db.queries.notice_choices import preferences_of
from db.queries.notices import NewNotice, add_notices
from db.queries.webhooks import get_delivery, get_endpoint, list_deliveries, log_try
from db.session import Database, SystemActor
from domain.telling import Channel, Choice, Kind
from runtime.clock import system_now

TESTS = SystemActor("tests")
HOOKS = "/account/webhooks"


async def tell(database: Database, person: Any, *events: str) -> None:
    now = system_now() - timedelta(minutes=5)
    data = {"booking_reference": "RZPNX8", "refund_minor": 12_345, "currency": "USD"}
    async with database.transaction(TESTS) as session:
        for number, event in enumerate(events):
            told = NewNotice(event=event, subject_id=uuid4(), user_id=person.user_id, data=data)
            await add_notices(session, [told], now + timedelta(seconds=number))


def badge(site_page: Any) -> str:
    found = site_page.soup.select_one(".badge")
    return " ".join(found.get_text(" ").split()) if found else ""


async def test_an_inbox_fills_is_read_and_is_turned_over(
    pages: Site, database: Database, ana: Any
) -> None:
    empty = await pages.get("/notices")
    assert "Nothing was told to you yet." in empty.text
    assert badge(empty) == ""
    await tell(database, ana, *["refunded"] * 21, "schedule_changed")
    first = await pages.get("/notices")
    assert "22 notices are new." in first.text
    assert badge(first) == "22 unread"
    newest = first.soup.select_one(".notices li h2")
    assert newest
    assert newest.get_text() == "The airline changed your flights: RZPNX8"
    assert "123.45 USD" in first.text
    assert "SANDBOX" not in newest.get_text()
    # One at a time, and back.
    item = first.soup.select_one(".notices li")
    assert isinstance(item, Tag)
    read = await pages.submit(first, action=f"/notices/{item['id']}/read")
    assert badge(read) == "21 unread"
    unread = await pages.get("/notices?unread=yes")
    assert "The airline changed" not in unread.text
    again = await pages.submit(read, action=f"/notices/{item['id']}/unread")
    assert badge(again) == "22 unread"
    # The rest is on the next page.
    older = first.soup.select_one('a[rel="next"]')
    assert isinstance(older, Tag)
    second = await pages.get(str(older["href"]))
    assert len(second.soup.select(".notices li.sheet")) == 2
    done = await pages.submit(second.path.partition("?")[0], action="/notices/read")
    assert "You have seen everything." in done.text
    assert badge(done) == ""


async def test_what_came_while_one_read_is_not_marked(
    pages: Site, database: Database, ana: Any
) -> None:
    await tell(database, ana, "refunded")
    page = await pages.get("/notices")
    async with database.transaction(TESTS) as session:
        told = NewNotice(event="password_changed", subject_id=uuid4(), user_id=ana.user_id)
        await add_notices(session, [told], system_now() + timedelta(seconds=1))
    after = await pages.submit(page, action="/notices/read")
    assert badge(after) == "1 unread"


async def test_nobody_marks_what_is_anothers(
    pages: Site, other_pages: Site, database: Database, ana: Any
) -> None:
    await tell(database, ana, "refunded")
    item = (await pages.get("/notices")).soup.select_one(".notices li")
    assert isinstance(item, Tag)
    token = (await other_pages.get("/account/notices")).form()
    field = token.find("input", {"name": "form_token"})
    assert isinstance(field, Tag)
    answer = await other_pages.post(
        f"/notices/{item['id']}/read", {"form_token": field["value"]}, follow=False
    )
    assert answer.status == 404
    assert badge(await pages.get("/notices")) == "1 unread"


async def test_a_refused_address_is_said_where_it_can_be_read(
    pages: Site, database: Database, ana: Any
) -> None:
    await tell(database, ana, "refunded")
    async with database.transaction(TESTS) as session:
        await session.execute(
            update(NoticeRow)
            .where(NoticeRow.channel == Channel.EMAIL)  # type: ignore[arg-type]
            .values(state=NoticeState.FAILED, tries=1)
        )
    page = await pages.get("/notices")
    assert "Our mail does not reach you." in page.text
    assert page.soup.select_one('.banner a[href="/account/email"]')
    # It is one of the things that only the traveller can do, wherever those are shown: once for all
    # wishes in their list, and on each wish's own page.
    async with database.transaction(TESTS) as session:
        make = Watched(session, ana.user_id, system_now())
        wishes = [await make.campaign() for _ in range(2)]
    for path in ("/auto-booking/dashboard", f"/auto-booking/wishes/{wishes[0].id}"):
        shown = await pages.get(path)
        assert len(shown.soup.select('.need a[href="/account/email"]')) == 1, path
        assert "Our messages to you come back undelivered." in shown.text


async def test_choices_are_kept_and_wrong_ones_stay_in_the_form(
    pages: Site, database: Database, ana: Any
) -> None:
    page = await pages.get("/account/notices")
    assert page.soup.find("select", {"name": "booked-email"}) is None
    assert page.soup.find("select", {"name": "refunds-email"})
    wrong = await pages.submit(
        page,
        {"refunds-email": "off", "quiet": "yes", "quiet_begins": "25:00", "quiet_ends": "07:00",
         "least_change_percent": "0"},
        action="/account/notices",
    )  # fmt: skip
    assert wrong.status == 422
    assert len(wrong.problems()) == 2
    kept = wrong.soup.select_one('select[name="refunds-email"] option[selected]')
    assert kept
    assert kept["value"] == "off"
    field = wrong.soup.find("input", {"name": "quiet_begins"})
    assert isinstance(field, Tag)
    assert (field["value"], field["aria-invalid"]) == ("25:00", "true")
    good = await pages.submit(
        wrong,
        {"quiet_begins": "22:30", "least_change_percent": "10", "fares-webhook": "off",
         "tickets-email": "daily", "booked-email": "off"},
        action="/account/notices",
    )  # fmt: skip
    assert "What you are told is saved." in good.text
    async with database.transaction(TESTS) as session:
        chosen = await preferences_of(session, ana.user_id)
    assert dict(chosen.choices) == {
        (Kind.REFUNDS, Channel.EMAIL): Choice.OFF,
        (Kind.TICKETS, Channel.EMAIL): Choice.DAILY,
        (Kind.FARES, Channel.WEBHOOK): Choice.OFF,
    }
    assert chosen.quiet
    assert f"{chosen.quiet.begins:%H:%M}-{chosen.quiet.ends:%H:%M}" == "22:30-07:00"
    assert chosen.least_change_percent == 10


async def test_a_webhook_lives_on_its_pages(
    pages: Site, other_pages: Site, database: Database, ana: Any
) -> None:
    empty = await pages.get(HOOKS)
    assert "You have no webhook." in empty.text
    refused = await pages.submit(empty, {"url": "http://hooks.example.org"}, action=HOOKS)
    assert refused.status == 422
    assert "must begin with https://" in refused.problems()[0]
    good = {"url": "https://hooks.example.org/x"}
    added = await pages.submit(refused, good, action=HOOKS)
    secret = added.soup.select_one(".copyable code")
    assert secret
    assert secret.get_text().startswith("whsec_")
    assert added.headers["cache-control"] == "no-store"
    # The form sent again adds nothing and tells nothing.
    again = await pages.submit(refused, good, action=HOOKS)
    assert "whsec_" not in again.html
    link = added.soup.select_one(f'a[href^="{HOOKS}/"].main')
    assert isinstance(link, Tag)
    path = str(link["href"])
    assert (await other_pages.get(path)).status == 404
    shown = await pages.submit(path, action=f"{path}/test")
    assert "A test event is on its way." in shown.text
    assert "On its way test" in shown.text
    await _fail(database, ana, path)
    log = await pages.get(path)
    assert "Switched off" in log.text
    assert "answered with 500, after 12 ms" in log.text
    assert "the name leads to no address of the public internet" in log.text
    on = await pages.submit(log, action=f"{path}/enable")
    assert "The webhook is called again from now on." in on.text
    resent = await pages.submit(on, action=f"{path}/resend")
    assert "Given up" not in resent.text
    fresh = await pages.submit(path, action=f"{path}/secret")
    assert "The secret before signs along until" in fresh.text
    assert fresh.html.count("whsec_") == 2  # shown, and to be copied
    gone = await pages.submit(f"{path}/remove", action=f"{path}/remove")
    assert "The webhook is removed" in gone.text
    assert (await pages.get(path)).status == 404


async def _fail(database: Database, ana: Any, path: str) -> None:
    """Let what was sent fail, and the endpoint be given up."""
    endpoint_id, now = UUID(path.rpartition("/")[2]), system_now()
    async with database.transaction(TESTS) as session:
        row = await get_endpoint(session, ana.user_id, endpoint_id)
        assert row
        for delivery in (await list_deliveries(session, endpoint_id)).rows:
            found = await get_delivery(session, endpoint_id, delivery.id)
            assert found
            found.state, found.next_try_at = DeliveryState.FAILED, None
            log_try(session, found, at=now, status=500, code="answered", milliseconds=12)
            log_try(
                session, found, at=now - timedelta(seconds=5), status=None,
                code="address_not_allowed", milliseconds=1,
            )  # fmt: skip
        row.state, row.state_reason = EndpointState.DISABLED, "failing"


async def test_settings_change_how_pages_and_letters_speak(
    pages: Site, database: Database, ana: Any
) -> None:
    page = await pages.get("/account/settings")
    assert page.soup.select_one("html")["lang"] == "en"  # type: ignore[index]
    wrong = await pages.submit(
        page, {"language": "xx", "time_zone": "Atlantis", "currency": "XXX"},
        action="/account/settings",
    )  # fmt: skip
    assert len(wrong.problems()) == 3
    saved = await pages.submit(
        page, {"language": "de", "time_zone": "Europe/Lisbon", "currency": "USD"},
        action="/account/settings",
    )  # fmt: skip
    assert saved.soup.select_one("html")["lang"] == "de"  # type: ignore[index]
    assert "Zeiten stehen nach der Uhr Ihrer Zeitzone" in saved.text
    await tell(database, ana, "refunded", "password_changed")
    inbox = await pages.get("/notices")
    assert "2 Nachrichten sind neu." in inbox.text
    assert "Wir haben 123,45 USD auf Ihre Karte zurückgegeben." in inbox.text
    # What nobody has translated is in English, and says so to those who hear it.
    english = inbox.soup.select_one('.notices [lang="en"]')
    assert english
    assert "The password of your account was changed" in english.get_text()
    # A page that the catalogue does not know stays English as a whole.
    account = await pages.get("/account")
    assert account.soup.select_one("html")["lang"] == "en"  # type: ignore[index]
    assert "Wünsche" not in account.html


async def test_a_stranger_is_led_to_the_door(stranger: Site) -> None:
    for path in ("/notices", "/account/notices", "/account/settings", HOOKS):
        answer = await stranger.get(path, follow=False)
        assert answer.status == 303
        assert answer.headers["location"].startswith("/sign-in?next=")


@pytest.mark.parametrize("when", ["nonsense", "2999-01-01T00:00:00+00:00", "2026-01-01"])
async def test_no_text_in_the_form_marks_what_is_to_come(
    pages: Site, database: Database, ana: Any, when: str
) -> None:
    await tell(database, ana, "refunded")
    page = await pages.get("/notices")
    after = await pages.submit(page, {"until": when}, action="/notices/read")
    assert after.status == 200

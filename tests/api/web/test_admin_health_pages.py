"""The console's first page, its bookings and attempts: what they say, and to whom."""

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from belongings import give_belongings
from booked import give_booking
from browsing import Shown, Site
from sqlalchemy import update

from api.web.admin.position import temporal_page
from db.models import AttemptRow, BookingRow, PaymentRow, RefundRow
from db.models.provider_call import CallState
from db.models.web_session import WebSessionRow
from db.queries.attempts import open_task
from db.queries.calls import begin_call, settle
from db.queries.switches import set_provider, stop_booking
from db.session import Database, SystemActor
from db.vault import vault_of
from domain.attempts import AttemptState
from domain.breakers import Breaker
from domain.orders import BookingState
from runtime.clock import system_now

TESTS = SystemActor("tests")


def gauges(shown: Shown) -> dict[str, str]:
    return {
        " ".join(one.select_one("dt").get_text().split()): " ".join(
            one.select_one("dd strong").get_text(" ").split()
        )
        for one in shown.soup.select(".gauge")
    }


@pytest.fixture
def give(database: Any, settings: Any, ana: Any) -> Any:
    async def made(**parts: Any) -> Any:
        vault = vault_of(settings)
        return await give_booking(database, vault, ana.user_id, system_now(), **parts)

    return made


async def test_a_quiet_house_says_so_and_money_agrees(
    admin: Site, give: Any, database: Database
) -> None:
    shown = await admin.get("/admin")
    # Temporal is away in these tests.
    assert "1 thing needs somebody: temporal: away." in shown.text
    assert "No money has moved yet." in shown.text
    await give()
    await give(state=BookingState.CANCELLED, refund="succeeded")
    shown = await admin.get("/admin")
    figures = gauges(shown)
    assert figures["Money without a booking"] == "0"
    assert figures["Bookings without money"] == "0"
    # Twice 232.45 was taken, once it went back.
    assert (
        "USD 464.90 USD 232.45 USD 0.00 USD 1: 232.45 USD 0.00 USD 0.00 USD 0.00 USD" in shown.text
    )


async def test_what_needs_somebody_is_counted_and_listed(
    admin: Site, give: Any, database: Database, settings: Any, ana: Any
) -> None:
    lost, unpaid = await give(), await give()
    own = await give_belongings(database, vault_of(settings), ana.user_id, system_now())
    old = system_now() - timedelta(hours=3)
    async with database.transaction(TESTS) as session:
        cancelled = update(BookingRow).where(BookingRow.id == lost.booking_id)  # type: ignore[arg-type]
        await session.execute(cancelled.values(state=BookingState.CANCELLED))
        nothing = update(PaymentRow).where(PaymentRow.id == unpaid.payment_id)  # type: ignore[arg-type]
        await session.execute(nothing.values(captured_minor=0))
        stuck = update(AttemptRow).where(AttemptRow.id == own.attempt_id)  # type: ignore[arg-type]
        await session.execute(stuck.values(state=AttemptState.ORDER_UNKNOWN, updated_at=old))
        for number, state in enumerate((CallState.UNKNOWN, CallState.ANSWERED, CallState.REFUSED)):
            call, _ = await begin_call(
                session, key=f"k{number}", kind="create_order", provider="duffel", now=old,
                user_id=ana.user_id, facts={"total_minor": 1}, attempt_id=own.attempt_id,
            )  # fmt: skip
            settle(call, state, old + timedelta(seconds=number), {"mail": "ana@example.com"})
        attempt = await session.get(AttemptRow, own.attempt_id)
        await open_task(session, "t", "late_order", "A late order.", old, attempt)
        await stop_booking(session, "low balance", "eve", old)
        rests = Breaker(failures=5, retry_at=system_now() + timedelta(seconds=30))
        await set_provider(session, "smtp", rests, old)
    shown = await admin.get("/admin")
    figures = gauges(shown)
    assert figures["Money without a booking"] == "⚠ 1"
    assert figures["Bookings without money"] == "⚠ 1"
    assert figures["Stuck attempts"] == "⚠ 1"
    assert figures["Calls without an answer"] == "⚠ 1"
    assert figures["Open tasks"] == "⚠ 1"
    assert "Booking is stopped for everybody." in shown.text
    assert "low balance" in shown.text
    assert "duffel sandbox" in shown.text
    assert "smtp sandbox ● left alone" in shown.text
    assert "3, 1 refused 33.3% (1)" in shown.text
    assert shown.soup.select_one(f'a[href="/admin/attempts/{own.attempt_id}"]')

    page = await admin.get(f"/admin/attempts/{own.attempt_id}")
    assert "The order's answer was lost; the seller is asked." in page.text
    assert "Nothing has moved for 3 hours." in page.text
    assert "A person was asked: late order" in page.text
    assert "Temporal does not answer" in page.text
    assert "ana@example.com" not in page.html
    assert '"total_minor": 1' in page.html.replace("&#34;", '"')
    ui = f"/namespaces/default/workflows/attempt%3A{own.attempt_id}"
    assert any(ui in str(a["href"]) for a in page.soup.select("a[href]"))
    assert (await admin.get(f"/admin/attempts/{uuid4()}")).status == 404
    found = await admin.get("/admin/attempts?state=order_unknown")
    assert "1 attempt under way, 1 of them with an order whose answer was lost" in found.text
    assert f"/admin/attempts/{own.attempt_id}" in found.html
    none = await admin.get("/admin/attempts?state=compensating")
    assert "Nothing is like that" in none.text


def test_temporals_pages_are_where_the_setting_says(make_settings: Any) -> None:
    there = "namespaces/default/workflows/attempt%3A1"
    assert temporal_page(make_settings(), "attempt:1") == f"http://127.0.0.1:8233/{there}"
    moved = make_settings(PARKER_TEMPORAL_UI_URL="https://temporal.example/ui/")
    assert temporal_page(moved, "attempt:1") == f"https://temporal.example/ui/{there}"


async def test_money_on_its_way_back_is_no_gap(admin: Site, give: Any, database: Database) -> None:
    gone = await give(state=BookingState.CANCELLED, refund="pending")
    figures = gauges(await admin.get("/admin"))
    assert figures["Money without a booking"] == "0"
    async with database.transaction(TESTS) as session:
        failed = update(RefundRow).where(RefundRow.booking_id == gone.booking_id)  # type: ignore[arg-type]
        await session.execute(failed.values(status="failed"))
    figures = gauges(await admin.get("/admin"))
    assert figures["Money without a booking"] == "⚠ 1"


async def test_bookings_are_found_by_what_operators_know_and_name_nobody(
    admin: Site, give: Any, make_operator: Any, ana: Any
) -> None:
    def other(row: BookingRow, _order: Any) -> None:
        row.booking_reference = "QWERTY"

    kept, gone = await give(), await give(state=BookingState.CANCELLED, change=other)
    sales = await make_operator("sales")
    shown = await sales.get("/admin/bookings")
    assert "2 bookings in all: 1 cancelled, 1 ticketed." in shown.text
    for word in ("RZPNX8", "QWERTY", "New York", "Souza", ana.email):
        assert word not in shown.html
    # Support and admin are led on to attempts, sales is not.
    assert "/admin/attempts" not in shown.html
    assert "/admin/attempts/" in (await admin.get("/admin/bookings")).html

    for query, ids in (
        ("reference=qwerty", [gone.booking_id]),
        ("reference=NOBODY", []),
        ("state=ticketed", [kept.booking_id]),
        ("provider=amadeus", []),
        (f"person={ana.user_id}", [gone.booking_id, kept.booking_id]),
        ("person=ana", []),
        ("made_until=2020-01-01", []),
    ):
        file = await admin.get(f"/admin/bookings.csv?{query}")
        rows = list(csv.DictReader(io.StringIO(file.html)))
        assert [row["id"] for row in rows] == [str(one) for one in ids], query
    assert rows == []
    file = await admin.get("/admin/bookings.csv?state=ticketed")
    [row] = csv.DictReader(io.StringIO(file.html))
    assert (row["price"], row["currency"], row["state"]) == ("232.45", "USD", "ticketed")
    assert "attachment" in file.headers["content-disposition"]
    assert "RZPNX8" not in file.html


async def test_the_console_is_no_place_for_travellers_and_wants_a_second_factor(
    pages: Site, stranger: Site, support: Site, make_operator: Any, database: Database
) -> None:
    shown = await stranger.get("/admin", follow=False)
    assert shown.headers["location"].startswith("/sign-in?next=")
    assert (await pages.get("/admin")).status == 404
    assert "Console" not in (await pages.get("/account")).html
    assert 'href="/admin"' in (await support.get("/account")).html
    sales = await make_operator("sales")
    refused = await sales.get("/admin/attempts")
    assert refused.status == 403
    assert "The role sales does not open this page" in refused.text
    async with database.transaction(TESTS) as session:
        mine = update(WebSessionRow).where(WebSessionRow.user_id == support.person.user_id)  # type: ignore[arg-type]
        await session.execute(mine.values(stepped_up_at=None))
    led = await support.get("/admin/bookings?state=flown", follow=False)
    assert led.headers["location"] == "/step-up?next=%2Fadmin%2Fbookings%3Fstate%3Dflown"

"""Live pages: news within two seconds, nothing twice, closed with the session, asked for without."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2
from booked import give_booking
from browsing import Site
from watched import Watched

from api.web import cookies
from db.models import BookingRow, PaymentRow
from db.models.booking import BookingStatus
from db.queries.bookings import publish_status
from db.queries.fares import add_fares
from db.queries.transitions import append_event, change_state
from db.queries.web_sessions import list_sessions, revoke_sessions
from db.session import Database, SystemActor
from db.vault import vault_of
from domain.campaigns import CampaignState
from domain.orders import BookingState
from domain.payments import PaymentState
from runtime.clock import system_now

TESTS = SystemActor("tests")
S = CampaignState


class _Ear:
    """What arrives on a stream, event by event."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[tuple[str, Any, str]] = asyncio.Queue()
        self.ended = asyncio.Event()

    async def next(self, kind: str, seconds: float = 10) -> tuple[Any, str]:
        async with asyncio.timeout(seconds):
            while True:
                event, data, number = await self.events.get()
                if event == kind:
                    return data, number


@asynccontextmanager
async def listening(site: Site, path: str, **headers: str) -> AsyncIterator[_Ear]:
    ear = _Ear()
    sent = {
        "Accept": "text/event-stream",
        "Cookie": f"{cookies.SESSION}={site.jar[cookies.SESSION]}",
        **headers,
    }

    async def hear() -> None:
        try:
            async with (
                httpx2.AsyncClient(timeout=60) as http,
                http.stream("GET", site.url + path, headers=sent) as answer,
            ):
                assert answer.headers["content-type"].startswith("text/event-stream")
                assert answer.headers["cache-control"] == "no-store"
                told: dict[str, str] = {}
                async for line in answer.aiter_lines():
                    name, _, value = line.partition(": ")
                    if line:
                        told[name] = value
                    elif "data" in told:
                        await ear.events.put(
                            (told["event"], json.loads(told["data"]), told.get("id", ""))
                        )
                        told = {}
        finally:
            ear.ended.set()

    task = asyncio.create_task(hear())
    try:
        yield ear
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _wish(database: Database, owner: Any) -> Any:
    async with database.transaction(TESTS) as session:
        make = Watched(session, owner, system_now())
        await make.card()
        return await make.campaign()


async def _change(database: Database, wish: Any, state: CampaignState) -> None:
    async with database.transaction(TESTS) as session:
        row = await session.get(type(wish), wish.id)
        await change_state(session, row, state, now=system_now(), event=f"campaign.{state.value}")


async def test_news_arrive_at_once_and_only_once(pages: Site, database: Database, ana: Any) -> None:
    wish = await _wish(database, ana.user_id)
    path = f"/auto-booking/wishes/{wish.id}/events"
    async with (
        listening(pages, path) as ear,
        listening(pages, "/auto-booking/dashboard/events") as list_ear,
    ):
        first, version = await ear.next("page")
        assert first["version"] == version
        assert set(first["parts"]) == {
            f"live-{n}" for n in ("now", "steps", "chart", "why", "story")
        }
        assert "<script" not in json.dumps(first)
        overall, _ = await list_ear.next("page")
        assert f"wish-{wish.id}" in overall["parts"]["live-list"]

        await _change(database, wish, S.PAUSED)
        paused, version = await ear.next("page")  # a page is read again when its change is told
        assert paused["code"] == "paused"
        assert paused["say"].startswith("Paused.")
        assert "You paused the wish." in paused["parts"]["live-story"]
        overall, _ = await list_ear.next("page", 2)
        assert "Paused" in overall["parts"]["live-list"]

        # A look is news too, and says nothing aloud: the state is the same.
        async with database.transaction(TESTS) as session:
            make = Watched(session, ana.user_id, system_now())
            await add_fares(session, [make.fare(wish, make.now, 99_900)])
        looked, newest = await ear.next("page", 2)
        assert looked["say"] == ""
        assert "999 USD" in looked["parts"]["live-now"]

    async with listening(pages, path, **{"Last-Event-ID": newest}) as again:
        await asyncio.sleep(0.5)
        assert again.events.empty(), "what somebody has is not sent again"
        await _change(database, wish, S.ACTIVE)
        resumed, _ = await again.next("page", 2)
        assert resumed["code"] == "watching"
    async with listening(pages, path, **{"Last-Event-ID": version}) as late:
        caught_up, _ = await late.next("page")
        assert caught_up["code"] == "watching", "the present, not all that was missed"
        await _change(database, wish, S.CANCELLED)
        await late.next("page", 2)
        end, _ = await late.next("end", 2)
        assert end == {"why": "over"}


async def test_a_stream_closes_with_its_session(
    pages: Site, other_pages: Site, database: Database, ana: Any
) -> None:
    wish = await _wish(database, ana.user_id)
    path = f"/auto-booking/wishes/{wish.id}/events"
    async with (
        listening(pages, path) as ear,
        listening(pages, "/auto-booking/dashboard/events") as b,
    ):
        await ear.next("page")
        await b.next("page")
        async with database.transaction(ana.user_id) as session:
            await revoke_sessions(session, ana.user_id, system_now())
        for one in (ear, b):
            end, _ = await one.next("end", 5)
            assert end == {"why": "signed_out"}
            async with asyncio.timeout(5):
                await one.ended.wait()
    refused = await pages.get(path, follow=False)
    assert refused.status == 303
    assert refused.headers["location"].startswith("/sign-in")
    assert (await other_pages.get(path)).status == 404


async def test_an_ended_session_is_noticed_where_nobody_tells_of_it(
    pages: Site, database: Database, ana: Any, monkeypatch: Any
) -> None:
    from api.live import LiveFeed

    wish = await _wish(database, ana.user_id)
    # The connection that listens is lost and does not come back.
    monkeypatch.setattr(LiveFeed, "_hand_on", lambda *_: None)
    monkeypatch.setattr(
        LiveFeed, "listening", property(lambda _: False, lambda *_: None), raising=False
    )
    async with listening(pages, f"/auto-booking/wishes/{wish.id}/events") as ear:
        await ear.next("page")
        async with database.transaction(ana.user_id) as session:
            (row,) = await list_sessions(session, ana.user_id)
            row.expires_at = system_now() - timedelta(seconds=1)
        end, _ = await ear.next("end", 5)
        assert end == {"why": "signed_out"}


async def test_without_a_stream_the_page_is_asked_for(
    pages: Site, database: Database, ana: Any
) -> None:
    wish = await _wish(database, ana.user_id)
    path = f"/auto-booking/wishes/{wish.id}/events"
    first = await pages.get(path, Accept="application/json")
    assert first.status == 200
    etag = first.headers["etag"]
    assert json.loads(first.html)["parts"].keys() >= {"live-now", "live-chart"}
    same = await pages.get(path, **{"Accept": "application/json", "If-None-Match": etag})
    assert (same.status, same.html) == (304, "")
    await _change(database, wish, S.PAUSED)
    changed = await pages.get(path, **{"Accept": "application/json", "If-None-Match": etag})
    assert changed.status == 200
    assert changed.headers["etag"] != etag
    assert json.loads(changed.html)["code"] == "paused"
    overall = await pages.get("/auto-booking/dashboard/events", Accept="application/json")
    etag = overall.headers["etag"]
    again = {"Accept": "application/json", "If-None-Match": etag}
    assert (await pages.get("/auto-booking/dashboard/events", **again)).status == 304


async def test_a_bookings_page_follows_its_tickets_its_cancelling_and_its_money(
    pages: Site, other_pages: Site, database: Database, settings: Any, ana: Any
) -> None:
    booked = await give_booking(
        database, vault_of(settings), ana.user_id, system_now(), state=BookingState.TICKETING
    )
    page = f"/bookings/{booked.booking_id}"
    path = f"{page}/events"

    async def move(state: BookingState) -> None:
        async with database.transaction(TESTS) as session:
            row = await session.get_one(BookingRow, booked.booking_id)
            row.cancelled_by = "airline"
            await change_state(session, row, state, now=system_now(), event=f"booking.{state}")

    shown = await pages.get(page)
    assert shown.soup.select_one("[data-stage=ticket][aria-current=step]")
    assert shown.soup.find(attrs={"data-live": path})
    assert shown.soup.select_one("noscript meta[http-equiv=refresh]")
    assert (await other_pages.get(path)).status == 404

    async with listening(pages, path) as ear:
        first, _ = await ear.next("page")
        assert set(first["parts"]) == {one["id"] for one in shown.soup.select("[id^=live-]")}
        assert "Issuing ticket" in first["parts"]["live-now"]
        await move(BookingState.TICKETED)
        ticketed, _ = await ear.next("page", 2)
        assert ticketed["say"].startswith("You are booked and your tickets are issued.")
        assert "Issuing ticket" not in ticketed["parts"]["live-now"]
        assert "Your tickets are issued." in ticketed["parts"]["live-story"]
        await move(BookingState.CANCELLING)
        cancelling, _ = await ear.next("page", 2)
        assert "The airline confirms" in cancelling["parts"]["live-news"]
        await move(BookingState.CANCELLED)
        cancelled, newest = await ear.next("page", 2)
        assert "and are giving it back to your card now" in cancelled["parts"]["live-news"]
        assert "Cancel, or see" not in cancelled["parts"]["live-terms"]

    # A step of the money's that changes no state is news as well.
    poll = {"Accept": "application/json", "If-None-Match": f'"{newest}"'}
    assert (await pages.get(path, **poll)).status == 304
    async with listening(pages, path, **{"Last-Event-ID": newest}) as ear:
        async with database.transaction(TESTS) as session:
            told = {"amount_minor": 23_245, "currency": "USD"}
            await append_event(
                session, booked.campaign_id, "payment.refund_begun", told, system_now()
            )
        begun, _ = await ear.next("page", 2)
        assert "We are giving 232.45 USD back" in begun["parts"]["live-story"]
        async with database.transaction(TESTS) as session:
            payment = await session.get_one(PaymentRow, booked.payment_id)
            row = await session.get_one(BookingRow, booked.booking_id)
            payment.refunded_minor = payment.captured_minor
            await publish_status(session, row, BookingStatus.REFUNDED)
            await change_state(
                session, payment, PaymentState.REFUNDED, now=system_now(), event="payment.refunded"
            )
        refunded, _ = await ear.next("page", 2)
        assert "Cancelled and refunded" in refunded["parts"]["live-now"]
        assert (await ear.next("end", 2))[0] == {"why": "over"}
    assert "data-live" not in (await pages.get(page)).html

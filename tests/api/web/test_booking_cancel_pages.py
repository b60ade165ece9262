"""Cancelling on the pages: the quote first, the word typed where money is lost, the money back."""

from datetime import timedelta
from typing import Any

import pytest
from asking import until
from booked import give_booking
from browsing import Site
from sqlalchemy import update
from sqlmodel import col

from db.models.booking import BookingRow
from db.models.web_session import WebSessionRow
from db.vault import vault_of
from domain.orders import BookingState
from runtime.clock import system_now


async def test_a_booking_is_quoted_cancelled_and_refunded(
    running: Any, cast: tuple[Any, Any], make_site: Any
) -> None:
    person, body = cast
    body["criteria"]["refundable_only"] = True
    made = await person.http.post(
        "/api/autobooking/campaigns", json=body, headers={"Idempotency-Key": "there-and-back"}
    )
    assert made.status_code == 201, made.text
    site = await make_site(running.url, running.settings, person)

    async def history() -> str:
        return (await site.get("/auto-booking/history")).html

    await until(history, lambda html: "Ticketed" in html)
    link = (await site.get("/auto-booking/history")).soup.select_one("main tbody a")
    assert link is not None
    path = str(link["href"])
    shown = await site.get(path)
    assert "Check-in opens" in shown.text
    assert "The airline keeps 40.00 USD until departure; the rest comes back." in shown.text

    asking = await site.get(f"{path}/cancel")
    assert "Nothing is cancelled yet" in asking.text
    quoted = await site.submit(asking)
    assert quoted.path == f"{path}/cancel"
    assert "comes back and you lose 40 USD, which the airline keeps." in quoted.text
    assert "Visa ending 4242" in quoted.text
    reference = str(shown.soup.select_one(".reference code").get_text())  # type: ignore[union-attr]
    assert "We are telling the airline" in (await site.submit(quoted, {"typed": reference})).text

    async def booking() -> str:
        return (await site.get(path)).text

    settled = await until(booking, lambda text: "Cancelled and refunded" in text)
    assert "Who has the money now: your card's bank" in settled
    assert "You cancelled the booking." in settled
    again = await site.get(f"{path}/cancel")
    assert "cancelled already" in again.text
    assert again.soup.find("form", {"method": "post", "action": f"{path}/cancel"}) is None
    refused = await site.post(f"{path}/cancel/quote", {"form_token": _token(asking)}, follow=False)
    assert refused.status == 409
    assert "This booking is cancelled already." in refused.problems()


def quote(refund_minor: int | None, *, refund_to: str = "balance", minutes: int = 60) -> Any:
    def given(row: BookingRow, _order: dict[str, Any]) -> None:
        row.quote = {
            "quote_id": "ore_1",
            "refund_minor": refund_minor,
            "currency": "USD" if refund_minor is not None else None,
            "refund_to": refund_to,
            "expires_at": (system_now() + timedelta(minutes=minutes)).isoformat(),
        }

    return given


def _token(shown: Any) -> str:
    found = shown.soup.select_one("main input[name=form_token]")
    return str(found["value"])


@pytest.fixture
def give(database: Any, settings: Any, ana: Any) -> Any:
    """Return a way to give Ana a booking; Temporal is away."""
    vault = vault_of(settings)

    async def made(**parts: Any) -> str:
        booked = await give_booking(database, vault, ana.user_id, system_now(), **parts)
        return f"/bookings/{booked.booking_id}/cancel"

    return made


async def test_what_is_lost_is_said_proved_and_typed(
    pages: Site, give: Any, database: Any, ana: Any
) -> None:
    path = await give(change=quote(19_245))
    shown = await pages.get(path)
    assert "192.45 USD comes back and you lose 40 USD" in shown.text
    assert "usually within 5 to 10 business days" in shown.text
    assert "extra bag of up to 23 kg" in shown.text
    assert "Change the flights instead. For 40.00 USD" in shown.text
    wrong = await pages.submit(shown, {"typed": "QWERTY"})
    assert wrong.status == 422
    assert wrong.problems() == ["Type RZPNX8 to say that you mean this booking."]
    # Typed well, it goes on to the engine, which is away: nothing is claimed.
    away = await pages.submit(shown, {"typed": "rzpnx8"})
    assert away.status == 503
    assert "Nothing is done twice" in away.problems()[0]

    async with database.transaction(ana.user_id) as session:
        await session.execute(
            update(WebSessionRow)
            .where(col(WebSessionRow.user_id) == ana.user_id)
            .values(stepped_up_at=None)
        )
    unproved = await pages.get(path)
    assert "make sure that it is you" in unproved.text
    assert unproved.soup.find("input", {"name": "typed"}) is None
    fields = {"form_token": _token(shown), "quote_id": "ore_1", "typed": "RZPNX8"}
    led = await pages.post(path, fields, follow=False)
    assert led.status == 303
    assert led.headers["location"].startswith("/step-up?next=%2Fbookings%2F")


async def test_nothing_is_typed_where_nothing_is_lost(
    pages: Site, other_pages: Site, give: Any
) -> None:
    path = await give(change=quote(23_245))
    shown = await pages.get(path)
    assert "Cancel and get 232.45 USD back" in shown.text
    assert shown.soup.find("input", {"name": "typed"}) is None
    assert (await other_pages.get(path)).status == 404
    stale = await pages.submit(shown, {"quote_id": "ore_0"})
    assert stale.status == 412
    assert "this is the new one" in stale.problems()[0]


async def test_where_nothing_comes_back_nothing_is_said_to_go_anywhere(
    pages: Site, give: Any
) -> None:
    shown = await pages.get(await give(change=quote(0)))
    assert "nothing comes back" in shown.text
    assert "Shown by your bank" not in shown.text
    assert "0 USD back" not in shown.text


async def test_what_the_airline_does_not_say_is_said(pages: Site, give: Any) -> None:
    voucher = await pages.get(await give(change=quote(19_245, refund_to="voucher")))
    assert "you may lose up to 232.45 USD" in voucher.text
    assert "a voucher" in voucher.text
    assert voucher.soup.find("input", {"name": "typed"})
    expired = await pages.get(await give(change=quote(19_245, minutes=-1)))
    assert "First we ask the airline" in expired.text
    asked = await pages.submit(expired)
    assert asked.status == 503
    assert "did not answer in time" in asked.problems()[0]
    for state, said in (
        (BookingState.FLOWN, "has been flown"),
        (BookingState.CANCELLING, "is being cancelled already"),
    ):
        over = await pages.get(await give(state=state))
        assert said in over.text
        assert over.soup.select_one("main form") is None

"""Billing: every hold, charge and refund with who took it, and receipts that add up."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from booked import give_booking
from browsing import Site

from db.models.booking import BookingRow
from db.models.dispute import DisputeRow
from db.models.payment import PaymentRow
from db.session import Database, SystemActor
from db.vault import vault_of
from domain.disputes import DisputeStatus, words_of
from domain.money import Money
from domain.orders import BookingState
from domain.payments import PaymentState
from runtime.clock import system_now


async def test_money_is_told_with_its_receipts(
    pages: Site, other_pages: Site, database: Any, settings: Any, ana: Any
) -> None:
    assert "Nothing was ever charged" in (await pages.get("/billing")).text

    def cancelled(row: BookingRow, _order: dict[str, Any]) -> None:
        row.booking_reference, row.cancelled_by, row.penalty_minor = "QWERTY", "traveller", 4_000

    vault, now = vault_of(settings), system_now()
    kept = await give_booking(database, vault, ana.user_id, now)
    gone = await give_booking(
        database, vault, ana.user_id, now,
        state=BookingState.CANCELLED, change=cancelled, refund="succeeded",
    )  # fmt: skip
    hold = PaymentRow(
        id=uuid4(), user_id=ana.user_id, rail="stripe", payment_method_id=kept.card_id,
        campaign_id=kept.campaign_id, state=PaymentState.AUTHORISED, amount_minor=9_900,
        authorised_minor=9_900, currency="USD", created_at=now, updated_at=now,
    )  # fmt: skip
    async with database.transaction(ana.user_id) as session:
        session.add(hold)

    shown = await pages.get("/billing")
    assert (
        "464.90 USD charged in all, 192.45 USD of it given back; 99 USD is held now" in shown.text
    )
    for words in ("Held, not charged", "Charged", "Partly given back", "“PARKER FLIGHT”"):
        assert words in shown.text, words
    receipts = [str(one["href"]) for one in shown.soup.select("main td a[href^='/billing/']")]
    assert sorted(receipts) == sorted(f"/billing/{one.payment_id}" for one in (kept, gone))

    receipt = await pages.get(f"/billing/{kept.payment_id}")
    for words in (
        "Receipt PF-",
        "232.45 USD was charged, once.",
        "Charged by Parker Flight",
        "Visa ending 4242",
        "Booking reference RZPNX8",
        "Ada Example",
        "SANDBOX.",
    ):
        assert words in receipt.text, words
    # Fare, taxes and a bag are 232.45 in all; the recorded order has the bag within its total.
    rows = [one.get_text(" ", strip=True) for one in receipt.soup.select("main td.num")]
    assert rows == ["180.04 USD", "32.41 USD", "20.00 USD", "232.45 USD"]
    partly = await pages.get(f"/billing/{gone.payment_id}")
    assert "Paid in the end 40.00 USD" in partly.text
    for path in (f"/billing/{hold.id}", f"/billing/{uuid4()}"):
        assert (await pages.get(path)).status == 404
    assert (await other_pages.get(f"/billing/{kept.payment_id}")).status == 404
    assert "Nothing was ever charged" in (await other_pages.get("/billing")).text


async def test_what_a_bank_asks_back_is_told_with_the_money_and_the_dates(
    pages: Site, other_pages: Site, database: Database, settings: Any, ana: Any
) -> None:
    now = system_now()
    made = await give_booking(database, vault_of(settings), ana.user_id, now)
    booking, receipt = f"/bookings/{made.booking_id}", f"/billing/{made.payment_id}"
    assert "bank asks" not in (await pages.get(booking)).text
    row = DisputeRow(
        id=uuid4(), dispute_ref="dp_1", payment_id=made.payment_id, booking_id=made.booking_id,
        campaign_id=made.campaign_id, user_id=ana.user_id, status=DisputeStatus.NEEDS_RESPONSE,
        reason="product_not_received", amount_minor=20_000, withdrawn_minor=20_000,
        currency="USD", answer_by=now + timedelta(days=9), opened_at=now - timedelta(days=2),
        updated_at=now,
    )  # fmt: skip
    async with database.transaction(SystemActor("tests")) as session:
        session.add(row)
    shown = await pages.get(booking)
    for words in (
        "Your bank disputes this charge 200 USD",
        "has taken 200.00 USD of this charge back from us and says that what it paid for never came",
        "Who has the money now: your card's bank",
        "We answer the bank by then",
        "nothing more is charged",
    ):
        assert words in shown.text, words
    assert "product_not_received" not in shown.html
    assert len(shown.soup.select(".refund time")) == 3
    listed = await pages.get("/billing")
    assert "232.45 USD charged in all, 200 USD of it taken back by your bank." in listed.text
    assert "Your bank disputes this charge, " in listed.text
    assert "has taken 200.00 USD of this charge back" in (await pages.get(receipt)).text

    async with database.transaction(SystemActor("tests")) as session:
        kept = await session.get_one(DisputeRow, row.id)
        kept.status, kept.answer_by = DisputeStatus.LOST, None
    over = await pages.get(booking)
    assert "the 200.00 USD are yours" in over.text
    assert "We answer the bank" not in over.text
    ended = await pages.get(receipt)
    assert "Given back by your card's bank \N{MINUS SIGN}200.00 USD" in ended.text
    assert "Paid in the end 32.45 USD" in ended.text
    assert (await other_pages.get(booking)).status == 404


def test_every_state_of_a_dispute_says_who_has_the_money_and_names_no_code() -> None:
    amount = Money(minor=1_000, currency="USD")
    told = {status: words_of(status, amount, "fraudulent") for status in DisputeStatus}
    for status, words in told.items():
        assert "10.00 USD" in words.sentence
        assert status.value not in f"{words.title}{words.sentence}{words.next}"
        # Before it is over a dispute has the bank hold the money, and an inquiry moves none.
        asks = status.value.startswith("warning") or status is DisputeStatus.PREVENTED
        assert (words.holder == "your card's bank") is (not asks and not status.is_over)
    assert told[DisputeStatus.LOST].holder == "you"
    assert "and says" not in words_of(DisputeStatus.NEEDS_RESPONSE, amount, "general").sentence

"""Billing: every hold, charge and refund with who took it, and receipts that add up."""

from typing import Any
from uuid import uuid4

from booked import give_booking
from browsing import Site

from db.models.booking import BookingRow
from db.models.payment import PaymentRow
from db.vault import vault_of
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

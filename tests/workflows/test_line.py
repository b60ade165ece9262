"""The line: a wish, a look, an attempt, money held, an order, money taken, a ticket, a mail."""

from house import House, eventually


async def test_a_campaign_books_itself(house: House) -> None:
    user, traveler = await house.someone()
    new = house.new_campaign(user, (traveler,))
    answer = await house.create(new)
    assert answer.code == "done"
    await house.until(new.campaign_id, "booked")

    bookings = await house.rows("SELECT * FROM bookings")
    assert [b["state"] for b in bookings] in (["ticketing"], ["ticketed"])
    ledger = house.sandbox.ledger()
    assert len(ledger["duffel"]["orders"]) == 1
    assert [p["status"] for p in ledger["stripe"]["payment_intents"]] == ["succeeded"]

    async def ticketed() -> bool:
        rows = await house.rows("SELECT state FROM bookings")
        return rows[0]["state"] == "ticketed"

    await eventually(ticketed)

    async def mails() -> list[str]:
        found = [m["subject"] for m in house.sandbox.ledger()["mail"]["messages"]]
        return found if len(found) >= 2 else []

    subjects = await eventually(mails)
    assert any("Booked" in s for s in subjects)

"""A bank takes back what was charged: found, put before a person, counted, and shown allowed."""

import json
import os
from datetime import timedelta
from typing import Any

from activity_desk import Desk
from house import TESTS
from sqlalchemy import text

from cli.operator import Operator
from db.session import OPERATOR_ROLE, Database
from domain.mandate_document import SignedMandate, verified
from domain.messages.attempt import AttemptInput, CaptureStatus
from domain.messages.disputes import DisputesSeen


async def paid(desk: Desk) -> tuple[AttemptInput, str]:
    """Book and charge; return the attempt and the payment's name at the processor."""
    attempt, offer = await desk.ready_to_order()
    await desk.order(attempt, offer)
    assert (await desk.capture(attempt, offer.total)).status is CaptureStatus.CAPTURED
    (payment,) = await desk.house.rows("SELECT intent_ref FROM payments")
    return attempt, str(payment["intent_ref"])


def dispute(desk: Desk, intent: str, **how: object) -> str:
    path = f"/stripe/payment_intents/{intent}/dispute"
    return str(desk.house.sandbox.control("POST", path, dict(how))["id"])


def decide(desk: Desk, reference: str, *, won: bool) -> None:
    desk.house.sandbox.control("POST", f"/stripe/disputes/{reference}/end", {"won": won})


async def follow(desk: Desk, after: timedelta = timedelta(0)) -> DisputesSeen:
    seen: DisputesSeen = await desk.take(desk.all.disputes.follow_disputes, after=after)
    return seen


async def tasks(desk: Desk) -> list[tuple[str, str]]:
    rows = await desk.house.rows("SELECT state, detail FROM operator_tasks ORDER BY created_at")
    return [(r["state"], r["detail"]) for r in rows]


async def test_a_dispute_is_followed_to_its_end(desk: Desk) -> None:
    attempt, intent = await paid(desk)
    assert await follow(desk) == DisputesSeen()
    reference = dispute(desk, intent, reason="product_not_received")
    assert await follow(desk) == DisputesSeen(seen=1, changed=1)
    assert await follow(desk) == DisputesSeen(seen=1, changed=0)
    (row,) = await desk.house.rows("SELECT * FROM disputes")
    (payment,) = await desk.house.rows("SELECT * FROM payments")
    assert (row["status"], row["reason"]) == ("needs_response", "product_not_received")
    assert (row["booking_id"], row["payment_id"]) == (attempt.booking_id, payment["id"])
    assert row["amount_minor"] == row["withdrawn_minor"] == payment["captured_minor"]
    ((state, words),) = await tasks(desk)
    assert state == "open"
    assert f"{row['answer_by']:%Y-%m-%d}" in words
    await desk.house.in_order()

    # What the bank did since and nobody was told of shows: the money is not where a row says.
    decide(desk, reference, won=True)
    async with desk.house.database.transaction(TESTS) as session:
        from cli.invariants import check, load_rows

        broken = check(desk.house.sandbox.ledger(), await load_rows(session))
    assert [v.code for v in broken] == ["dispute_not_followed"]
    # An open one is followed however long ago it was opened.
    assert (await follow(desk, after=timedelta(days=90))).changed == 1
    (row,) = await desk.house.rows("SELECT status, withdrawn_minor FROM disputes")
    assert row == {"status": "won", "withdrawn_minor": 0}
    assert [state for state, _ in await tasks(desk)] == ["done"]
    await desk.house.in_order()


async def test_an_inquiry_takes_nothing_and_a_loss_keeps_it(desk: Desk) -> None:
    _, intent = await paid(desk)
    asked, lost = dispute(desk, intent, reason="inquiry"), dispute(desk, intent, amount=100)
    await follow(desk)
    decide(desk, asked, won=False)
    decide(desk, lost, won=False)
    await follow(desk)
    rows = await desk.house.rows("SELECT status, withdrawn_minor FROM disputes ORDER BY 2")
    assert [(r["status"], r["withdrawn_minor"]) for r in rows] == [
        ("warning_closed", 0),
        ("lost", 100),
    ]
    await desk.house.in_order()


async def test_a_dispute_over_a_payment_that_is_not_ours_goes_to_a_person(desk: Desk) -> None:
    _, intent = await paid(desk)
    dispute(desk, intent)
    async with desk.house.database.transaction(TESTS) as session:
        await session.execute(text("UPDATE payments SET intent_ref = 'pi_other'"))
    assert await follow(desk) == DisputesSeen(seen=1, changed=0)
    ((_, words),) = await tasks(desk)
    assert "in none of our rows" in words
    assert await desk.house.rows("SELECT 1 FROM disputes") == []


async def test_the_evidence_shows_that_the_charge_was_allowed(
    desk: Desk, database_url: str
) -> None:
    attempt, intent = await paid(desk)
    reference = dispute(desk, intent)
    await follow(desk)
    database = Database(database_url, role=OPERATOR_ROLE, pool_size=2)
    operator = Operator(desk.house.settings, database)
    (listed,) = await operator.disputes.all(only_open=True)
    assert (listed["dispute"], listed["booking"]) == (reference, str(attempt.booking_id))
    assert await operator.disputes.evidence("dp_nobodys", "a test") is None
    assert await desk.house.rows("SELECT 1 FROM personal_reads") == []

    pack = await operator.disputes.evidence(reference, "the bank asks")
    await database.close()
    assert pack is not None
    (look,) = await desk.house.rows("SELECT what FROM personal_reads")
    assert look["what"] == "Evidence for a dispute"
    files: dict[str, Any] = json.loads(json.dumps(pack.files, default=str))
    signed = SignedMandate.model_validate(files["mandate.json"]["mandate"])
    assert verified(signed, desk.house.settings.mandate_signing).campaign_id == attempt.campaign_id
    charge, booked = files["charge.json"], files["offer-and-booking.json"]
    assert charge["payment"]["intent_ref"] == intent
    assert charge["use_of_the_mandate"]["amount_minor"] == charge["payment"]["captured_minor"]
    assert booked["booking"]["price_minor"] == charge["payment"]["captured_minor"]
    assert booked["offer"]["limit_minor"] >= booked["offer"]["matched_minor"]
    fields = files["stripe-fields.json"]
    assert fields["customer_email_address"].endswith("@example.com")
    assert fields["service_date"] == booked["booking"]["departs_at"][:10]
    assert "consented to a charge of at most" in fields["uncategorized_text"]
    kinds = {call["kind"] for call in files["timeline.json"]}
    assert {"create_order", "payment.captured"} <= kinds
    assert "_encrypted" not in str(files)
    assert os.sep not in "".join(files)

"""The inbox of what providers tell us: how each was signed, what was kept, and working on it again."""

import json
import time
from typing import Any
from uuid import UUID

import pytest
from browsing import Site
from sqlalchemy import func, select, text
from stripe import WebhookSignature

from api.web.forms import TOKEN_FIELD
from db.models.operator_action import OperatorActionRow
from db.models.provider_event import ProviderEventRow
from db.queries.audit import list_audit
from db.session import Database, SystemActor
from domain.audit import Action
from domain.ids import derive
from domain.provider_events import Teller

TESTS = SystemActor("tests")
WHY = {"reason": "The engine was away"}
PATH = "/admin/webhooks"
INTENT = {
    "id": "evt_1Nabc",
    "object": "event",
    "type": "payment_intent.payment_failed",
    "created": 1_795_000_000,
    "livemode": False,
    "data": {
        "object": {
            "id": "pi_3Nabc",
            "object": "payment_intent",
            "receipt_email": "ana@example.com",
            "shipping": {"name": "Ana Souza", "phone": "+351912345678"},
        }
    },
}


@pytest.fixture
async def told(nobody: Any, settings: Any) -> str:
    """Let Stripe tell us of a card that said no, and somebody else forge it; return its page."""
    body = json.dumps(INTENT)
    for secret, status in ((settings.stripe_webhook_secret, 204), ("whsec_other", 400)):
        header = WebhookSignature.generate_signature_header(
            body, secret, timestamp=int(time.time())
        )
        headers = {"Stripe-Signature": str(header)}
        answer = await nobody.post("/api/webhooks/stripe", content=body, headers=headers)
        assert answer.status_code == status
    return f"{PATH}/{derive('provider event', Teller.STRIPE, 'evt_1Nabc')}"


async def change(database: Database, **values: Any) -> None:
    words = ", ".join(f"{name} = :{name}" for name in values)
    async with database.transaction(TESTS) as session:
        await session.execute(
            text(f"UPDATE provider_events SET {words} WHERE signature = 'good'"), values
        )


async def test_events_are_found_by_what_they_are_and_shown_without_people(
    support: Site, told: str, make_operator: Any, database: Database
) -> None:
    whole = await support.get(PATH)
    assert "1 waiting" in whole.text
    assert "1 hour with some that were refused" in whole.text
    for query, found, other in (
        ("provider=stripe&state=pending", "payment_intent.payment_failed", None),
        ("signature=bad_signature", "bad signature", "payment_intent.payment_failed"),
        ("kind=payment_intent.payment_failed", "pi_3Nabc", "bad signature"),
        ("about=pi_3Nabc", "payment_intent.payment_failed", "bad signature"),
        ("about=evt_1Nabc", "payment_intent.payment_failed", "bad signature"),
        ("about=pi_4", "Nothing is like that", "payment_intent.payment_failed"),
        ("provider=duffel", "Nothing is like that", "payment_intent.payment_failed"),
        ("made_until=2026-01-01", "Nothing is like that", "payment_intent.payment_failed"),
        ("state=nonsense&person=x", "payment_intent.payment_failed", None),
    ):
        shown = await support.get(f"{PATH}?{query}")
        assert shown.status == 200, query
        rows = shown.soup.select_one("main table")
        said = rows.get_text(" ") if rows else shown.text
        assert found in said, (query, said)
        assert other is None or other not in said, (query, said)

    page = await support.get(told)
    for word in ("signature: good", "evt_1Nabc", "It waits to be worked on.", '"pi_3Nabc"'):
        assert word in page.text, word
    for word in ("ana@example.com", "Souza", "912345678"):
        assert word not in page.html, word
    async with database.transaction(TESTS) as session:
        rows = list(await session.scalars(select(ProviderEventRow)))
    assert "ana@example.com" not in str([row.model_dump() for row in rows])
    [refused] = [row for row in rows if row.event_ref is None]
    forged = await support.get(f"{PATH}/{refused.id}")
    assert "not signed as they must be" in forged.text
    assert "Replay" not in forged.text
    sales = await make_operator("sales")
    assert (await sales.get(told)).status == 403
    # What waits already, and what was not kept, is worked on by no form that somebody makes up.
    assert "Replay" not in page.text
    token = page.soup.select_one(f"input[name={TOKEN_FIELD}]")["value"]
    for event_id, state in ((told.rpartition("/")[2], "pending"), (refused.id, "refused")):
        made_up = {"reason": "again", "expected": f"{state}|0", TOKEN_FIELD: token}
        sent = await support.post(f"{PATH}/{event_id}/replay", made_up)
        assert sent.status == 409, sent.text
        assert "That is not possible now" in sent.text


async def test_a_dead_letter_is_counted_and_worked_on_again_once_under_a_reason(
    support: Site, admin: Site, told: str, database: Database
) -> None:
    await change(database, state="dead", tries=8, outcome="order: unavailable", next_try_at=None)
    async with database.transaction(TESTS) as session:
        await session.execute(text("UPDATE provider_events SET finished_at = received_at"))
    assert "1 given up in a day" in (await support.get("/admin")).text
    assert "1 dead letter" in (await support.get(PATH)).text
    first, second = await support.get(told), await admin.get(told)
    assert "It was given up" in first.text
    refused = await support.submit(first, {"reason": " "}, action=f"{told}/replay")
    assert (refused.status, "Say why" in refused.text) == (422, True)
    for _ in range(2):  # the same form again does nothing again
        done = await support.submit(first, WHY, action=f"{told}/replay")
        assert (done.status, done.path) == (200, told)
    assert "It waits to be worked on." in done.text
    late = await admin.submit(second, WHY, action=f"{told}/replay")
    assert late.status == 409
    assert "support" in late.text
    async with database.transaction(TESTS) as session:
        rows = await list_audit(session, action=Action.OPERATOR_ACTED)
        row = await session.get_one(ProviderEventRow, UUID(told.rpartition("/")[2]))
        actions = await session.scalar(select(func.count()).select_from(OperatorActionRow))
    assert (row.state, row.tries, row.outcome) == ("pending", 0, "")
    [one] = rows
    assert (one.object_kind, one.object_id, one.role) == ("provider event", str(row.id), "support")
    assert one.before == {"state": "dead", "tries": 8}
    assert WHY["reason"] in (await admin.get("/admin/audit")).text
    assert actions == 2

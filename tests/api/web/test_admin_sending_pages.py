"""Letters and calls that operators send again: under a reason, once, and shown to whose they are."""

from typing import Any
from uuid import UUID

import pytest
from belongings import give_belongings
from browsing import Site
from sqlalchemy import select, update
from sqlmodel import col

from db.models.notice import NoticeRow, NoticeState
from db.models.webhook import DeliveryState, WebhookDeliveryRow
from db.queries.audit import list_audit
from db.queries.notices import NewNotice, add_notices
from db.session import Database, SystemActor
from db.vault import vault_of
from domain.audit import Action
from runtime.clock import system_now

TESTS = SystemActor("tests")
WHY = {"reason": "The receiver was down"}


@pytest.fixture
async def own(database: Database, settings: Any, ana: Any) -> Any:
    return await give_belongings(database, vault_of(settings), ana.user_id, system_now())


@pytest.fixture
async def letter(database: Database, ana: Any, own: Any) -> UUID:
    """Return a letter of Ana's that was given up."""
    told = NewNotice(event="booking_confirmed", subject_id=own.booking_id, user_id=ana.user_id)
    async with database.transaction(TESTS) as session:
        await add_notices(session, [told], system_now())
        row = await session.get_one(NoticeRow, told.id)
        row.state, row.tries = NoticeState.FAILED, 3
    return told.id


@pytest.mark.parametrize("what", ["letter", "call"])
async def test_what_was_given_up_is_sent_again_once_under_a_reason(
    support: Site, pages: Site, database: Database, own: Any, letter: UUID, ana: Any, what: str
) -> None:
    page, action, kind = f"/admin/notices/{letter}", "resend", "notice"
    if what == "call":
        page, action, kind = f"/admin/deliveries/{own.delivery_id}", "replay", "delivery"
        async with database.transaction(TESTS) as session:
            gone = update(WebhookDeliveryRow).where(col(WebhookDeliveryRow.id) == own.delivery_id)
            await session.execute(gone.values(state=DeliveryState.FAILED, tries=3))
    first, second = await support.get(page), await support.get(page)
    assert "It was given up after 3 tries." in first.text
    refused = await support.submit(first, {"reason": " "}, action=f"{page}/{action}")
    assert refused.status == 422
    assert "Nothing was sent." in refused.text
    done = await support.submit(first, WHY, action=f"{page}/{action}")
    assert done.status == 200
    assert "again" in done.text
    assert "waits to be" in done.text
    # The second one saw what is not so any more.
    late = await support.submit(second, WHY, action=f"{page}/{action}")
    assert late.status == 409
    assert "It is pending by now" in late.text
    async with database.transaction(TESTS) as session:
        rows = await list_audit(session, action=Action.OPERATOR_ACTED)
        states = [
            (await session.scalars(select(table.state).where(table.id == row_id))).one()
            for table, row_id in ((NoticeRow, letter), (WebhookDeliveryRow, own.delivery_id))
        ]
    assert "pending" in {state.value for state in states}
    [row] = rows
    assert (row.object_kind, row.user_id, row.role) == (kind, ana.user_id, "support")
    assert (row.before, row.after) == ({"state": "failed", "tries": 3}, {"state": "pending"})
    read = (await pages.get("/account/privacy")).text
    assert WHY["reason"] in read
    assert "sent again" in read or "made again" in read


async def test_only_letters_are_resent_and_not_by_sales(
    support: Site, own: Any, make_operator: Any, letter: UUID
) -> None:
    shown = await support.get(f"/admin/notices/{own.notice_id}")
    assert "Send the letter again" not in shown.text
    sales = await make_operator("sales")
    assert (await sales.get(f"/admin/notices/{letter}")).status == 403
    assert (await support.get(f"/admin/deliveries/{letter}")).status == 404

"""Forgetting a person: taken back in time, waiting for what is live, and then nothing is left."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from house import TESTS, House, eventually
from temporalio.client import RPCError, WorkflowHandle
from temporalio.service import RPCStatusCode

from db.queries.erasures import add_erasure
from db.retained import open_retained
from domain.erasures import ErasureState
from domain.ids import TravelerId, UserId
from domain.messages.erasure import ErasureFacts, ErasureInput, erasure_workflow_id
from domain.messages.order import CancellationOffer, ConfirmAnswer, ConfirmCancellation
from domain.messages.retention import Cleared, RetentionInput
from domain.money import Money
from domain.retention import Sweep
from runtime.key_store import KeyDestroyed
from runtime.temporal import MAIN_QUEUE


async def ask(
    house: House, owner: UserId, *, days: float = 0, traveler: UUID | None = None
) -> WorkflowHandle[Any, ErasureFacts]:
    """Ask as the API does: the row first, then the process."""
    erasure_id, now = uuid4(), datetime.now(UTC)
    async with house.database.transaction(TESTS) as session:
        await add_erasure(
            session,
            erasure_id=erasure_id,
            user_id=owner,
            traveler_id=TravelerId(traveler) if traveler else None,
            due_at=now + timedelta(days=days),
            now=now,
        )
    return await house.client.start_workflow(
        "ErasureWorkflow",
        ErasureInput(erasure_id=erasure_id),
        id=erasure_workflow_id(erasure_id),
        task_queue=MAIN_QUEUE,
        result_type=ErasureFacts,
    )


async def erasures(house: House) -> list[dict[str, Any]]:
    return await house.rows("SELECT * FROM erasures ORDER BY asked_at")


async def give_back(house: House, booking: dict[str, Any]) -> None:
    order = house.order(booking["id"])
    quote = await order.execute_update("quote_cancellation", result_type=CancellationOffer)
    await order.execute_update(
        "confirm_cancellation",
        ConfirmCancellation(booking_id=booking["id"], quote_id=str(quote.quote_id)),
        result_type=ConfirmAnswer,
    )

    async def refunded() -> bool:
        return bool(await house.rows("SELECT 1 FROM refunds WHERE status = 'succeeded'"))

    await eventually(refunded)


async def ticketed(house: House, **wish: Any) -> dict[str, Any]:
    new = await house.wish_of_someone(**wish)
    await house.until(new.campaign_id, "booked")

    async def found() -> dict[str, Any] | None:
        rows = await house.rows("SELECT * FROM bookings WHERE state = 'ticketed'")
        return rows[0] if rows else None

    return await eventually(found)


def mails(house: House, address: str) -> list[dict[str, Any]]:
    """Return what arrived at an address, the oldest first."""
    found = httpx.get(f"{house.sandbox.url}/mail/api/messages", params={"to": address}).json()
    return sorted(found["messages"], key=lambda mail: str(mail["received_at"]))


async def is_gone(house: House, workflow_id: str) -> bool:
    try:
        await house.client.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        return error.status is RPCStatusCode.NOT_FOUND
    return False


async def test_a_person_is_forgotten_once_nothing_of_theirs_is_live(house: House) -> None:
    booking = await ticketed(house, refundable_only=True)
    owner = UserId(booking["user_id"])
    (traveler,) = await house.rows("SELECT id FROM travelers")
    tight = house.wish(budget=Money(minor=1_000, currency="USD"))
    other = house.new_campaign(owner, (TravelerId(traveler["id"]),), tight)
    await house.create(other)
    handle = await ask(house, owner)

    async def waits() -> dict[str, Any] | None:
        (row,) = await erasures(house)
        return row if row["waits_for"] else None

    row = await eventually(waits)
    assert (row["state"], row["waits_for"]) == ("asked", ["trip"])
    assert row["due_at"] == booking["arrives_at"] + timedelta(days=1)
    assert await house.state(other.campaign_id) == "cancelled"

    await give_back(house, booking)
    await house.skip(handle, row["due_at"] - datetime.now(UTC) + timedelta(hours=1))
    facts = await handle.result()
    assert facts.state is ErasureState.DONE

    (user,) = await house.rows("SELECT * FROM users WHERE id = :id", id=owner)
    assert (user["email_encrypted"], user["email_hmac"]) == ("", f"erased:{owner}")
    assert user["erased_at"] is not None
    for table in ("travelers", "notices", "campaign_events", "offer_decisions", "mandate_salts"):
        assert await house.rows(f"SELECT 1 FROM {table}") == [], table
    async with house.database.transaction(TESTS) as session:
        with pytest.raises(KeyDestroyed):
            await house.vault.data_key(session, owner)
        ((_, receipt),) = await open_retained(session, house.vault, owner)
    assert receipt["buyer"] == f"{owner}@example.com"
    assert receipt["booking_reference"] == booking["booking_reference"]
    assert receipt["refunds"]
    assert house.calls("stripe", "detach_payment_method") == 1
    subjects = [mail["subject"] for mail in mails(house, f"{owner}@example.com")]
    assert any("has to wait" in subject for subject in subjects)
    assert "Your account is erased" in subjects[-1]
    for name in (f"campaign:{booking['campaign_id']}", f"order:{booking['id']}"):
        # The server deletes in its own time.
        await eventually(lambda name=name: is_gone(house, name), seconds=120)
    # The money's books are as true as before.
    await house.in_order()


async def test_it_can_be_taken_back_and_nothing_is_booked_meanwhile(house: House) -> None:
    tight = {"budget": Money(minor=1_000, currency="USD")}
    new = await house.wish_of_someone(**tight)
    handle = await ask(house, new.owner_id, days=7)
    await house.until(new.campaign_id, "paused")
    answer = await handle.execute_update("withdraw", result_type=ErasureFacts)
    assert answer.state is ErasureState.WITHDRAWN
    assert (await handle.result()).state is ErasureState.WITHDRAWN
    assert await house.state(new.campaign_id) == "paused"
    assert len(await house.rows("SELECT 1 FROM travelers")) == 1

    async def told() -> bool:
        rows = await house.rows("SELECT state FROM notices WHERE event = 'erasure_withdrawn'")
        return {row["state"] for row in rows} == {"sent"}

    await eventually(told)
    # Asked again, nobody takes it back this time.
    handle = await ask(house, new.owner_id, days=7)
    await house.skip(handle, timedelta(days=6))
    assert (await erasures(house))[-1]["state"] == "asked"
    await house.skip(handle, timedelta(days=2))
    assert (await handle.result()).state is ErasureState.DONE
    assert await house.rows("SELECT 1 FROM travelers") == []


async def test_a_traveller_is_forgotten_alone(house: House) -> None:
    owner, stays = await house.someone()
    goes = await house.traveler(owner, "Grace")
    handle = await ask(house, owner, traveler=goes)
    assert (await handle.result()).state is ErasureState.DONE
    async with house.database.transaction(TESTS) as session:
        assert (await house.vault.open_traveler(session, stays)).given_name == "Ada"
        with pytest.raises(KeyDestroyed):
            await house.vault.data_key(session, owner, goes)
    assert [row["id"] for row in await house.rows("SELECT id FROM travelers")] == [stays]
    assert house.calls("stripe", "detach_payment_method") == 0


async def test_the_daily_run_clears_away_and_finds_whose_process_never_began(house: House) -> None:
    owner, traveler = await house.someone()
    erasure_id, now = uuid4(), datetime.now(UTC)
    # Whoever wrote the row died before starting the process.
    async with house.database.transaction(TESTS) as session:
        await add_erasure(
            session, erasure_id=erasure_id, user_id=owner, traveler_id=traveler,
            due_at=now, now=now,
        )  # fmt: skip
    cleared = await house.client.execute_workflow(
        "RetentionWorkflow",
        RetentionInput(),
        id=f"retention-{erasure_id}",
        task_queue=MAIN_QUEUE,
        result_type=Cleared,
    )
    assert set(cleared.rows) == set(Sweep)
    assert cleared.erasures == (erasure_id,)
    handle = house.client.get_workflow_handle(
        erasure_workflow_id(erasure_id), result_type=ErasureFacts
    )
    assert (await handle.result()).state is ErasureState.DONE

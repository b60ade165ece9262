"""What providers have and the rows have lost, as after a restore: adopted, released, or asked about."""

from datetime import UTC, datetime, timedelta

import psycopg
from activity_desk import Desk
from house import TESTS

from cli.adoption import Adoption
from cli.invariants import check, load_rows, unsettled
from db.models.campaign import CampaignRow
from domain.campaigns import CampaignState
from domain.messages.attempt import AttemptInput, CaptureStatus, OrderStatus, ResolveInput

LOST = ("mandate_uses", "provider_calls", "payments", "bookings", "autobooking_results")
SINCE = datetime.now(UTC) - timedelta(minutes=5)


def lose(desk: Desk, attempt: AttemptInput, *, campaign_is: str = "active") -> None:
    """Let the rows be as they were before the attempt began."""
    with psycopg.connect(desk.house.settings.database_url) as connection:
        connection.execute("SET session_replication_role = replica")
        for table in LOST:
            connection.execute(f"DELETE FROM {table} WHERE attempt_id = %s", (attempt.attempt_id,))
        connection.execute("DELETE FROM booking_attempts WHERE id = %s", (attempt.attempt_id,))
        connection.execute(
            "UPDATE autobooking_campaigns SET status = %s WHERE id = %s",
            (campaign_is, attempt.campaign_id),
        )


def adoption(desk: Desk) -> Adoption:
    return Adoption(desk.house.database, desk.house.providers)


async def campaign_state(desk: Desk, attempt: AttemptInput) -> str:
    async with desk.house.database.transaction(TESTS) as session:
        return (await session.get_one(CampaignRow, attempt.campaign_id)).status


async def test_a_lost_order_gets_the_row_of_its_call_back_and_its_process_finds_the_rest(
    desk: Desk,
) -> None:
    attempt, offer = await desk.ready_to_order()
    assert (await desk.order(attempt, offer)).status is OrderStatus.PLACED
    assert (await desk.capture(attempt, offer.total)).status is CaptureStatus.CAPTURED
    lose(desk, attempt)

    found = await adoption(desk).look(SINCE)
    assert (found.orders, found.released, found.for_a_person) == (1, 0, [])
    assert await campaign_state(desk, attempt) == CampaignState.BOOKING
    # As the attempt's own process goes on from there.
    again = await desk.chosen(attempt)
    assert (again.offer_id, again.resumed_round) == (offer.offer_id, 1)
    assert (await desk.order(attempt, again)).status is OrderStatus.UNKNOWN
    resolve = ResolveInput(
        attempt_id=attempt.attempt_id,
        campaign_id=attempt.campaign_id,
        booking_id=attempt.booking_id,
        round=1,
    )
    placed = await desk.take(desk.all.orders.resolve_order, resolve)
    assert (placed.status, placed.total) == (OrderStatus.PLACED, offer.total)
    assert (await desk.capture(attempt, offer.total)).status is CaptureStatus.CAPTURED
    assert await campaign_state(desk, attempt) == CampaignState.BOOKED
    assert (await adoption(desk).look(SINCE)).orders == 0  # again is harmless
    async with desk.house.database.transaction(TESTS) as session:
        rows = await load_rows(session)
    assert not unsettled(rows)
    assert check(desk.house.sandbox.ledger(), rows, [attempt.campaign_id]) == ()


async def test_a_hold_without_an_order_is_released_and_its_attempts_number_is_used_up(
    desk: Desk,
) -> None:
    attempt, _ = await desk.ready_to_order()
    lose(desk, attempt)
    found = await adoption(desk).look(SINCE)
    assert (found.orders, found.payments, found.released) == (0, 1, 1)
    (intent,) = desk.house.sandbox.ledger()["stripe"]["payment_intents"]
    assert (intent["status"], intent["amount_capturable"]) == ("canceled", 0)
    assert await desk.state_of(attempt) == "failed"
    assert await campaign_state(desk, attempt) == CampaignState.ACTIVE
    assert (await adoption(desk).look(SINCE)).released == 0


async def test_what_no_rule_settles_waits_for_a_person_and_nothing_is_written(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    await desk.order(attempt, offer)
    lose(desk, attempt, campaign_is="paused")
    found = await adoption(desk).look(SINCE)
    (why,) = found.for_a_person
    assert "its wish was paused at the backup" in why
    assert found.orders == 0
    rows = await desk.house.rows("SELECT kind, detail FROM operator_tasks")
    assert [(row["kind"], row["detail"]) for row in rows] == [("late_order", why)]
    assert await desk.house.rows("SELECT id FROM booking_attempts") == []
    # A wish that was made after the backup is not there at all.
    with psycopg.connect(desk.house.settings.database_url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM autobooking_campaigns")
    (why,) = (await adoption(desk).look(SINCE)).for_a_person
    assert "made after the backup" in why

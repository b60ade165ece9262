"""What Prometheus is told of a booking: counted once, without the time that the bank took."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from house import TESTS, House, eventually, open_house
from sandbox import Sandbox, free_port
from temporalio.testing import WorkflowEnvironment

from db.queries.booking_time import booking_time
from db.queries.bookings import record_paid
from db.queries.transitions import lock_attempt
from domain.messages.attempt import CaptureInput
from domain.money import Money
from runtime.metrics import BOOKING_SECONDS, metrics_runtime
from runtime.temporal import connect
from worker import Activities, build_workers, simulated_clock
from workflows.schedules import ensure_search_runs

AT_THE_BANK = timedelta(hours=3)
Figures = Callable[[], Awaitable[str]]


@pytest.fixture
async def measured(
    temporal: WorkflowEnvironment, database_url: str, clean_sandbox: Sandbox, address: str
) -> AsyncIterator[tuple[House, Figures]]:
    """Return a house whose workers serve their figures, and a way to read them."""
    port = free_port()
    async with AsyncExitStack() as opened:
        house = await opened.enter_async_context(
            open_house(
                database_url, clean_sandbox, temporal.client, address,
                workers=False, extra_headers=simulated_clock,
            )
        )  # fmt: skip
        settings = house.settings.model_copy(update={"worker_metrics_port": port})
        client = await connect(settings, runtime=metrics_runtime(settings))
        activities = Activities(settings, house.database, house.providers)
        for worker in build_workers(client, settings, activities):
            await opened.enter_async_context(worker)
        await ensure_search_runs(client, "duffel")

        async def figures() -> str:
            async with httpx.AsyncClient() as http:
                return (await http.get(f"http://127.0.0.1:{port}/metrics")).text

        yield house, figures


def value(figures: str, name: str) -> float:
    found = re.search(rf"^{name}(?:{{.*}})? (\S+)$", figures, re.MULTILINE)
    return float(found[1]) if found else 0


async def test_a_booking_is_counted_once_though_its_answer_was_lost(
    measured: tuple[House, Figures],
) -> None:
    house, figures = measured
    house.fault("stripe", "capture_payment_intent", "close_after")
    new = await house.wish_of_someone()
    await house.until(new.campaign_id, "booked")
    await house.in_order()

    async def counted() -> str | None:
        told = await figures()
        return told if BOOKING_SECONDS in told else None

    told = await eventually(counted)
    assert value(told, f"{BOOKING_SECONDS}_count") == 1
    ours = "".join(re.findall(rf"^{BOOKING_SECONDS}_.*$", told, re.MULTILINE))
    assert 'le="30"' in ours
    assert set(re.findall(r'(\w+)="', ours)) == {"activity_type", "le", "namespace", "task_queue"}
    assert value(told, "temporal_worker_start")  # what Temporal tells of itself is there as well
    # Where the rows are ahead of Temporal, the step runs once more and has nothing to confirm.
    (attempt,) = await house.attempts(new.campaign_id)
    (booking,) = await house.rows("SELECT id, price_minor, currency FROM bookings")
    again = CaptureInput(
        attempt_id=attempt["id"],
        campaign_id=new.campaign_id,
        booking_id=booking["id"],
        round=1,
        amount=Money(minor=booking["price_minor"], currency=booking["currency"]),
    )
    async with house.database.transaction(TESTS) as session:
        assert await record_paid(session, again, datetime.now(UTC)) is None
    assert value(await figures(), f"{BOOKING_SECONDS}_count") == 1


async def test_the_wait_for_the_bank_is_not_counted(measured: tuple[House, Figures]) -> None:
    house, figures = measured
    house.fare("400.00")
    new = await house.wish_of_someone("pm_card_authenticationRequired")
    attempt = await house.attempt_in(new.campaign_id, "awaiting_authentication")
    await house.skip(house.attempt(attempt["id"]), AT_THE_BANK)
    # The market has moved meanwhile, and what costs more than was confirmed is confirmed again.
    house.fare("300.00")
    await house.at_the_bank(attempt["id"], "approve")
    await house.until(new.campaign_id, "booked")

    booked = await house.attempt_in(new.campaign_id, "captured")
    assert booked["finished_at"] - booked["started_at"] >= AT_THE_BANK
    took = await _took(house, attempt["id"])
    assert took < AT_THE_BANK

    async def counted() -> float:
        return value(await figures(), f"{BOOKING_SECONDS}_sum")

    assert await eventually(counted) == pytest.approx(took.total_seconds(), abs=0.002)
    await house.in_order()


async def _took(house: House, attempt_id: UUID) -> timedelta:
    async with house.database.transaction(TESTS) as session:
        attempt = await lock_attempt(session, attempt_id)
        assert attempt
        took = await booking_time(session, attempt)
    assert took is not None
    return took

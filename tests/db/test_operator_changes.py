"""What operators change in one transaction: by role, by two where it takes two, and written down."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from api.operating.actions import Details, Expected, Operator, Outcome, act_at, decide_at
from api.operating.desk import Desk
from db.models.user import Role
from db.queries.attempts import open_task
from db.queries.users import get_user
from db.session import OPERATOR_ROLE, Database, SystemActor
from db.vault import PersonalVault
from domain.audit import Actor, ActorKind, Channel
from domain.ids import derive
from domain.money import Money
from domain.operating import ActionState, OperatorAction, Refusal
from runtime.crypto import MasterKeys, new_master_key
from runtime.key_store import KeyStore
from runtime.operating_settings import OperatingSettings

TESTS = SystemActor("tests")
_A = OperatorAction
WHY = "they asked for it"
_NO_TEMPORAL: Any = None


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    vault = PersonalVault(MasterKeys.parse(new_master_key("k1")), KeyStore(tmp_path))
    operators = Database(database_url, role=OPERATOR_ROLE, pool_size=4, words=vault.words())
    yield Desk(operators, vault, _NO_TEMPORAL, OperatingSettings(), Clock())
    await operators.close()


async def account(database: Database, cast_: Any, role: Role) -> UUID:
    async with database.transaction(TESTS) as session:
        user_id: UUID = await cast_.person(session)
        user = await get_user(session, user_id)
        assert user is not None
        user.role, user.email_confirmed_at = role, datetime(2026, 11, 1, tzinfo=UTC)
    return user_id


def operator(user_id: UUID, role: Role) -> Operator:
    return Operator(Actor(ActorKind.PERSON, str(user_id), Channel.PAGES, role.value))


async def do(
    desk: Desk, who: Operator, action: OperatorAction, target: UUID | None, state: str, **more: Any
) -> Outcome:
    key = more.pop("key", str(uuid4()))
    return await act_at(
        desk, who, action, target,
        reason=WHY, key=key, expected=Expected(state), details=Details(**more),
    )  # fmt: skip


async def audited(database: Database, *actions: str) -> list[tuple[str, str, str]]:
    query = text(
        "SELECT action, actor, object_id FROM audit_log WHERE action = ANY(:actions) ORDER BY id"
    )
    async with database.transaction(TESTS) as session:
        found = await session.execute(query, {"actions": list(actions)})
        return [(row.action, row.actor, row.object_id) for row in found]


async def test_roles_take_two_admins_who_are_not_the_same(
    database: Database, desk: Desk, cast: Any
) -> None:
    ana = await account(database, cast, Role.ADMIN)
    eve = await account(database, cast, Role.TRAVELLER)
    admin = operator(ana, Role.ADMIN)
    support = operator(uuid4(), Role.SUPPORT)

    async def ask(who: Operator, **more: Any) -> Outcome:
        return await do(desk, who, _A.ROLE, eve, "traveller", role="support", **more)

    assert (await ask(support)).refusal is Refusal.NOT_ALLOWED
    assert (await ask(admin)).refusal is Refusal.ALONE
    ben = operator(await account(database, cast, Role.ADMIN), Role.ADMIN)
    asked, late = await ask(admin, key="k"), await ask(admin)
    assert (asked.state, (await ask(admin, key="k")).action_id) == (
        ActionState.WAITING, asked.action_id,
    )  # fmt: skip
    assert asked.action_id is not None
    assert late.action_id is not None
    own = await decide_at(desk, admin, asked.action_id, agree=True, reason=WHY)
    assert own.refusal is Refusal.OWN_REQUEST
    agreed = await decide_at(desk, ben, asked.action_id, agree=True, reason=WHY)
    assert agreed.done, agreed.sentence
    async with database.transaction(TESTS) as session:
        user = await get_user(session, eve)
        assert user is not None
        assert user.role is Role.SUPPORT
        reads = await session.execute(text("SELECT operator, what FROM personal_reads"))
        assert [tuple(row) for row in reads] == [(ben.actor.id, "The account: role")]
    # What waits for too long is over, and what was asked of another role has moved on.
    clock: Any = desk.clock
    clock.now += timedelta(hours=25)
    lapsed = await decide_at(desk, ben, late.action_id, agree=True, reason=WHY)
    assert lapsed.state is ActionState.LAPSED
    stale = await ask(admin)
    assert stale.action_id is not None
    moved = await decide_at(desk, ben, stale.action_id, agree=True, reason=WHY)
    assert moved.refusal is Refusal.MOVED_ON
    assert "did role at" in moved.sentence
    made = await audited(database, "role.given", "proposal.decided")
    assert made[:2] == [
        ("proposal.decided", ben.actor.id, str(eve)), ("role.given", ben.actor.id, str(eve)),
    ]  # fmt: skip


async def test_a_limit_that_two_agreed_on_is_the_limit(
    database: Database, desk: Desk, cast: Any
) -> None:
    from api.operating.alone import alone_up_to

    ana, ben = [operator(await account(database, cast, Role.ADMIN), Role.ADMIN) for _ in range(2)]
    euros = Money(minor=50_000, currency="EUR")
    asked, late = [await do(desk, ana, _A.LIMIT, None, "0.00", amount=euros) for _ in range(2)]
    assert asked.action_id is not None
    assert late.action_id is not None
    assert (await decide_at(desk, ben, asked.action_id, agree=True, reason=WHY)).done
    # What was asked when another limit held is not what was looked at any more.
    moved = await decide_at(desk, ben, late.action_id, agree=True, reason=WHY)
    assert moved.refusal is Refusal.MOVED_ON
    assert "the limit is 500.00 EUR" in moved.sentence
    async with desk.database.transaction(TESTS) as session:
        limits = [await alone_up_to(session, desk.limits, money) for money in ("EUR", "USD", "GBP")]
    assert [limit.minor for limit in limits] == [50_000, 20_000, 0]


async def test_a_task_is_closed_once_and_the_second_is_told_by_whom(
    database: Database, desk: Desk, cast: Any
) -> None:
    now = desk.clock()
    async with database.transaction(TESTS) as session:
        await open_task(session, "t", "void", "a hold stands", now)
    task = derive("task", "t")
    who = operator(await account(database, cast, Role.SUPPORT), Role.SUPPORT)
    other = operator(uuid4(), Role.ADMIN)
    sales = operator(uuid4(), Role.SALES)
    assert (await do(desk, sales, _A.CLOSE_TASK, task, "open")).refusal is Refusal.NOT_ALLOWED
    assert (await do(desk, who, _A.CLOSE_TASK, task, "open", key="k")).done
    assert (await do(desk, who, _A.CLOSE_TASK, task, "open", key="k")).done
    second = await do(desk, other, _A.CLOSE_TASK, task, "open")
    assert second.refusal is Refusal.MOVED_ON
    assert f"support {who.actor.id} did close_task at 09:00:00 UTC" in second.sentence
    assert await audited(database, "task.closed") == [("task.closed", who.actor.id, str(task))]
    assert (await do(desk, who, _A.CLOSE_TASK, uuid4(), "open")).refusal is Refusal.NOT_FOUND


async def test_the_brake_and_browsers(database: Database, desk: Desk, cast: Any) -> None:
    admin = operator(await account(database, cast, Role.ADMIN), Role.ADMIN)
    person = await account(database, cast, Role.TRAVELLER)
    stopped = await do(desk, admin, _A.SWITCH, None, "running", stopped=True)
    assert stopped.done
    again = await do(desk, admin, _A.SWITCH, None, "running", stopped=True)
    assert again.refusal is Refusal.MOVED_ON
    assert (await do(desk, admin, _A.SWITCH, None, "stopped", stopped=False)).done
    out = await do(desk, admin, _A.SIGN_OUT, person, "")
    assert (out.done, out.sentence) == (True, "Done: 0 browsers are signed out.")
    assert (await do(desk, admin, _A.SIGN_OUT, uuid4(), "")).refusal is Refusal.NOT_FOUND

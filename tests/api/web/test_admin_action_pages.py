"""What operators do from pages: with a reason, once, not where it moved on, by two where it says."""

from typing import Any
from uuid import UUID, uuid4

from belongings import give_belongings
from booked import give_booking
from browsing import Site
from sqlalchemy import func, select, update

from db.models import AttemptRow, OperatorTaskRow
from db.models.operator_action import OperatorActionRow
from db.queries.attempts import open_task
from db.queries.audit import list_audit
from db.queries.switches import booking_stopped
from db.queries.users import get_user
from db.session import Database, SystemActor
from db.vault import vault_of
from domain.attempts import AttemptState
from domain.audit import Action
from domain.ids import derive
from runtime.clock import system_now

TESTS = SystemActor("tests")
WHY = {"reason": "Settled with the airline"}


async def count_actions(database: Database) -> int:
    async with database.transaction(TESTS) as session:
        return int(await session.scalar(select(func.count()).select_from(OperatorActionRow)) or 0)


async def test_a_task_says_what_it_is_about_and_is_closed_once_by_one(
    support: Site, admin: Site, database: Database, settings: Any, ana: Any
) -> None:
    made = await give_booking(database, vault_of(settings), ana.user_id, system_now())
    async with database.transaction(TESTS) as session:
        attempt = await session.scalar(
            select(AttemptRow).where(AttemptRow.campaign_id == made.campaign_id)  # type: ignore[arg-type]
        )
        await open_task(session, "t", "void", "hold not released", system_now(), attempt)
    page = f"/admin/tasks/{derive('task', 't')}"
    first, second = await support.get(page), await admin.get(page)
    assert "Held money could not be released by itself." in first.text
    assert "hold not released" in first.text
    assert "232.45 USD" in first.text
    for empty in ("", "  a "):
        refused = await support.submit(first, {"reason": empty}, action=f"{page}/close")
        assert refused.status == 422
        assert "Say why" in refused.text
    assert await count_actions(database) == 0
    done = await support.submit(first, WHY, action=f"{page}/close")
    assert done.path == page
    assert "done" in done.text
    again = await support.submit(first, WHY, action=f"{page}/close")
    assert again.status == 200
    assert await count_actions(database) == 1
    # The other one saw an open task, and is told who was quicker.
    late = await admin.submit(second, WHY, action=f"{page}/close")
    assert late.status == 409
    assert "Nothing was done" in late.text
    assert "support" in late.text
    async with database.transaction(TESTS) as session:
        task = await session.get_one(OperatorTaskRow, derive("task", "t"))
        rows = await list_audit(session, action=Action.TASK_CLOSED)
    assert task.state.value == "done"
    assert [(row.actor, row.role) for row in rows] == [(str(support.person.user_id), "support")]
    shown = await admin.get("/admin/audit?action=task.closed")
    assert "state: open → done" in shown.text
    file = await admin.get("/admin/audit.csv?action=task.closed")
    assert "task.closed" in file.html
    assert WHY["reason"] not in file.html


async def test_booking_is_stopped_in_two_steps_and_allowed_again(
    admin: Site, support: Site, database: Database
) -> None:
    home = await admin.get("/admin")
    assert home.soup.select_one('a[href="/admin/switch"]')
    assert not (await support.get("/admin")).soup.select_one('a[href="/admin/switch"]')
    ask = await admin.get("/admin/switch")
    assert "Stop booking for everybody?" in ask.text
    done = await admin.submit(ask, {"reason": "The balance is low"})
    assert "Booking is stopped for everybody." in done.text
    assert "The balance is low" in done.text
    stale = await admin.submit(ask, {"reason": "Once more", "key": str(uuid4())})
    assert stale.status == 409
    async with database.transaction(TESTS) as session:
        assert await booking_stopped(session)
    again = await admin.submit("/admin/switch", {"reason": "It was filled"})
    assert "Allowed. Stopping it" in again.text


async def test_a_role_takes_a_second_admin_and_never_the_same_one(
    admin: Site, make_operator: Any, database: Database, ana: Any
) -> None:
    page = f"/admin/users/{ana.user_id}"
    role = {"role": "support", "reason": "Joins the team on Monday"}
    alone = await admin.submit(page, role, action=f"{page}/role")
    assert alone.status == 409
    other = await make_operator("admin")
    async with database.transaction(TESTS) as session:
        for person in (ana, admin.person, other.person):
            user = await get_user(session, person.user_id)
            assert user is not None
            user.email_confirmed_at = system_now()
    asked = await admin.submit(page, role, action=f"{page}/role")
    assert asked.status == 200
    assert "waits" in asked.text
    mine = await admin.get("/admin/decisions")
    assert "You asked for it, so somebody else decides." in mine.text
    theirs = await other.get("/admin/decisions")
    assert "Joins the team on Monday" in theirs.text
    answer = {"answer": "agree", "reason": "I know them"}
    done = await other.submit(theirs, answer)
    assert done.path == "/admin/decisions"
    assert "Nothing waits for a second person." in done.text
    async with database.transaction(TESTS) as session:
        user = await get_user(session, ana.user_id)
        assert user is not None
        assert user.role.value == "support"
    own = await admin.post(
        f"/admin/decisions/{uuid4()}",
        {"answer": "agree", "reason": "I agree", "form_token": _token(mine)},
    )
    assert own.status == 409


async def test_a_refund_limit_is_changed_by_two_admins_and_holds_at_once(
    admin: Site, support: Site, make_operator: Any, database: Database, settings: Any, ana: Any
) -> None:
    page, why = "/admin/refunds/limits", {"reason": "The summer was quiet"}
    shown = await support.get(page)
    assert "Up to 200.00 USD one operator gives money back alone" in shown.text
    assert not shown.soup.select("main form")
    assert (await support.get("/admin/refunds")).soup.select_one(f'a[href="{page}"]')
    assert "there is none: it would be refused" in (await admin.get(page)).text
    alone = await admin.submit(page, {"amount": "3.00", **why})
    assert alone.status == 409
    assert "This takes a second admin, and there is none. Nothing was done." in alone.text
    other = await make_operator("admin")
    async with database.transaction(TESTS) as session:
        for person in (admin.person, other.person):
            user = await get_user(session, person.user_id)
            assert user is not None
            user.email_confirmed_at = system_now()
    for amount in ("a lot", "-1.00", "1e30", "1.005"):
        assert (await admin.submit(page, {"amount": amount, **why})).status == 422, amount
    asked = await admin.submit(page, {"amount": "3.00", **why})
    assert "waits for a second person" in asked.text
    assert "Up to 200.00 USD" in asked.text
    waiting = await other.get("/admin/decisions")
    assert "Limit 3.00 USD" in waiting.text
    assert "In place of 200.00" in waiting.text
    assert why["reason"] in waiting.text
    await other.submit(waiting, {"answer": "agree", "reason": "I saw the figures"})
    assert "Up to 3.00 USD" in (await admin.get(page)).text
    async with database.transaction(TESTS) as session:
        rows = await list_audit(session, object_id="refund_alone")
    assert [(row.actor, row.before, row.after) for row in rows] == [
        (str(other.person.user_id), {}, {"USD": "3.00"})
    ]
    # From now on what one gave back alone a moment ago takes two.
    made = await give_booking(database, vault_of(settings), ana.user_id, system_now())
    booking = f"/admin/bookings/{made.booking_id}"
    asked = await support.submit(booking, {"amount": "5.00", **WHY}, action=f"{booking}/refund")
    assert "waits for a second person" in asked.text


async def test_signing_out_refunds_and_attempts_are_asked_for_from_their_pages(
    support: Site, pages: Site, database: Database, settings: Any, ana: Any
) -> None:
    person = f"/admin/people/{ana.user_id}"
    done = await support.submit(person, {"reason": "Lost phone"}, action=f"{person}/sign-out")
    assert "signed out" in done.text
    assert (await pages.get("/account", follow=False)).headers["location"].startswith("/sign-in")

    made = await give_booking(database, vault_of(settings), ana.user_id, system_now())
    booking = f"/admin/bookings/{made.booking_id}"
    for amount, status in (("a lot", 422), ("999.00", 409), ("-5.00", 409)):
        answer = await support.submit(
            booking, {"amount": amount, **WHY}, action=f"{booking}/refund"
        )
        assert answer.status == status, amount
        assert "Nothing was done" in answer.text
    # What moves money is a process's, and here none runs: it is written down and said so.
    asked = await support.submit(booking, {"amount": "5.00", **WHY}, action=f"{booking}/refund")
    assert asked.status == 503
    own = await give_belongings(database, vault_of(settings), ana.user_id, system_now())
    async with database.transaction(TESTS) as session:
        live = update(AttemptRow).where(AttemptRow.id == own.attempt_id)  # type: ignore[arg-type]
        await session.execute(live.values(state=AttemptState.ORDER_UNKNOWN))
    await _try_attempt(support, own.attempt_id)


async def _try_attempt(support: Site, attempt_id: UUID) -> None:
    attempt = f"/admin/attempts/{attempt_id}"
    shown = await support.get(attempt)
    actions = {str(one["value"]) for one in shown.soup.select("form.act input[name=action]")}
    assert actions == {"retry", "compensate", "adopt", "abandon"}
    asked = await support.submit(shown, WHY, action=f"{attempt}/act")
    assert asked.status == 503
    wrong = await support.submit(shown, {"action": "role", **WHY}, action=f"{attempt}/act")
    assert wrong.status == 404


def _token(shown: Any) -> str:
    return str(shown.soup.select_one("input[name=form_token]")["value"])

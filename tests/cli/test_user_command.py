"""`parker user`: an operator lists accounts, looks at one under a reason, and gives a role."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from cli.exits import Exit
from cli.main import app
from db.accounts import ensure_account
from db.queries.web_sessions import add_session
from db.session import WORKER_ROLE, Database, SystemActor
from db.vault import vault_of
from domain.ids import UserId
from runtime.clock import system_now
from runtime.settings import load_settings

_TESTS = SystemActor("tests")
EMAIL = "ada@example.com"


@pytest.fixture
def installation(database_url: str, point_at: Any) -> str:
    """Point the command at this test's database, where Ada is signed in twice."""
    point_at()
    asyncio.run(_ada(database_url))
    return database_url


async def _ada(url: str) -> None:
    settings, now = load_settings(env_files=()), system_now()
    database = Database(url, role=WORKER_ROLE, pool_size=2)
    async with database.transaction(_TESTS) as session:
        user_id = await ensure_account(
            session, vault_of(settings), email=EMAIL, pepper=settings.api_key_pepper, now=now
        )
        for _ in range(2):
            await add_session(
                session, session_id=uuid4(), user_id=UserId(user_id), token_hash=uuid4().hex,
                device="A test", now=now, lasts=timedelta(days=1),
            )  # fmt: skip
    await database.close()


def rows(url: str, query: str) -> list[dict[str, Any]]:
    async def read() -> list[dict[str, Any]]:
        database = Database(url, role=WORKER_ROLE, pool_size=2)
        async with database.transaction(_TESTS) as session:
            found = [dict(row) for row in (await session.execute(text(query))).mappings()]
        await database.close()
        return found

    return asyncio.run(read())


def test_roles_are_given_and_browsers_ended_under_a_reason(installation: str) -> None:
    def parker(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["user", *arguments])

    listed = json.loads(parker("list", "--json").stdout)
    assert [(row["role"], row["confirmed"]) for row in listed] == [("traveller", True)]
    assert EMAIL not in str(listed)
    assert rows(installation, "SELECT * FROM personal_reads") == []

    assert parker("show", "--email", EMAIL).exit_code == Exit.USAGE  # no reason
    nobody = parker("show", "--email", "nobody@example.com", "--reason", "they called")
    assert nobody.exit_code == Exit.NOT_FOUND
    shown = json.loads(parker("show", "--email", EMAIL, "--reason", "they called", "--json").stdout)
    assert (shown["address"], shown["role"], shown["browsers"]) == (EMAIL, "traveller", 2)
    assert "password" not in str(shown).replace("has_password", "")

    granted = parker("grant", "--email", EMAIL, "--role", "admin", "--reason", "on call")
    assert granted.exit_code == Exit.OK
    assert "Browsers signed out: 2" in granted.stderr
    assert json.loads(parker("list", "--role", "admin", "--json").stdout)[0]["role"] == "admin"
    assert json.loads(parker("list", "--role", "sales", "--json").stdout) == []
    live = "SELECT * FROM web_sessions WHERE revoked_at IS NULL"
    assert rows(installation, live) == []
    again = parker("revoke-sessions", "--email", EMAIL, "--reason", "lost phone")
    assert "Browsers signed out: 0" in again.stderr
    reads = rows(installation, "SELECT what, operator FROM personal_reads ORDER BY at")
    assert [row["what"] for row in reads] == [
        "The account",
        "The account: made admin",
        "The account: signed out",
    ]
    done = rows(installation, "SELECT * FROM audit_log ORDER BY id")
    assert [row["action"] for row in done] == [
        "person.looked_at", "person.looked_at", "role.given", "sessions.ended", "person.looked_at",
    ]  # fmt: skip
    assert {(row["actor_kind"], row["channel"]) for row in done} == {("command", "command line")}
    assert (done[2]["before"], done[2]["after"]) == ({"role": "traveller"}, {"role": "admin"})
    assert done[2]["reason"].startswith("o1.")  # sealed for whom it is about


def test_no_role_is_given_where_nobody_confirmed_the_address(installation: str) -> None:
    async def unconfirm() -> None:
        database = Database(installation, role=WORKER_ROLE, pool_size=2)
        async with database.transaction(_TESTS) as session:
            await session.execute(text("UPDATE users SET email_confirmed_at = NULL"))
        await database.close()

    asyncio.run(unconfirm())
    arguments = ["user", "grant", "--email", EMAIL, "--role", "admin", "--reason", "on call"]
    assert CliRunner().invoke(app, arguments).exit_code == Exit.CONFLICT
    assert rows(installation, "SELECT role FROM users") == [{"role": "traveller"}]

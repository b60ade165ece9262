"""`parker audit`: lists, exports, and says whether the log is whole."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from temporalio.testing import ActivityEnvironment
from typer.testing import CliRunner

from activities.audit import AuditActivities
from cli.exits import Exit
from cli.main import app
from db.audit_checkpoints import Checkpoints
from db.queries.audit import write_down
from db.session import WORKER_ROLE, Database, SystemActor
from domain.audit import Action, Entry
from runtime.settings import load_settings
from runtime.signing import new_mandate_key

TESTS = SystemActor("tests")
WHY = "the balance is low"


@pytest.fixture
def installation(database_url: str, point_at: Any) -> str:
    """Point the command at this test's database, where booking was stopped and the log chained."""
    point_at(PARKER_MANDATE_KEYS=new_mandate_key("m1"))
    assert parker("booking", "stop", "--reason", WHY).exit_code == Exit.OK
    asyncio.run(_rows_and_links(database_url, 4))
    return database_url


def parker(*arguments: str) -> Any:
    return CliRunner().invoke(app, arguments)


async def _rows_and_links(url: str, rows: int) -> None:
    settings = load_settings(env_files=())
    database = Database(url, role=WORKER_ROLE, pool_size=2)
    now = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
    async with database.transaction(TESTS) as session:
        for number in range(rows):
            entry = Entry(Action.SWITCH_TURNED, "switch", f"s{number}", after={"on": number})
            await write_down(session, entry, now)
    folder = settings.operating.folder(settings.state_dir)
    keeper = AuditActivities(database, Checkpoints(folder, settings.mandate_signing), batch=2)
    for _ in range(2):  # the second finds nothing to link and nothing to sign
        chained = await ActivityEnvironment().run(keeper.chain_audit_log)
        assert chained.position == rows + 1
    await database.close()


def verified(*arguments: str) -> tuple[int, dict[str, Any]]:
    result = parker("audit", "verify", "--json", *arguments)
    return result.exit_code, json.loads(result.stdout)


def test_a_whole_log_verifies_and_is_listed_and_exported(installation: str, tmp_path: Path) -> None:
    code, said = verified()
    assert (code, said["whole"], said["links"], said["not_linked_yet"]) == (Exit.OK, True, 5, 0)
    assert (said["checkpoints"], said["newest_checkpoint"]) == (1, 5)
    found = json.loads(parker("audit", "list", "--object", "booking", "--json").stdout)
    [row] = found
    assert (row["action"], row["actor_kind"], row["channel"]) == (
        "switch.turned", "command", "command line",
    )  # fmt: skip
    assert (row["before"], row["after"], row["reason"]) == ({}, {"stopped": True}, WHY)
    assert WHY in parker("audit", "list").stdout
    out = tmp_path / "audit.jsonl"
    assert parker("audit", "export", "--out", str(out)).exit_code == Exit.OK
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["position"] for line in lines] == [1, 2, 3, 4, 5]


def test_tampering_is_named(installation: str, tmp_path: Path) -> None:
    [kept] = (tmp_path / "checkpoints").iterdir()
    copy = tmp_path / "copy.jsonl"
    copy.write_text(kept.read_text())
    with psycopg.connect(installation, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM audit_chain WHERE position > 3")
        connection.execute("DELETE FROM audit_log WHERE id > 3")
        assert verified() == (
            Exit.FAILURE,
            {
                "whole": False, "links": 3, "not_linked_yet": 0, "checkpoints": 1,
                "first_broken": {"fault": "cut", "position": 4, "row_id": None},
                "newest_checkpoint": 5,
            },
        )  # fmt: skip
        # Whoever takes our checkpoints away too is found by a copy that lies elsewhere.
        kept.unlink()
        assert verified()[0] == Exit.OK
        assert verified("--checkpoint", str(copy))[1]["first_broken"]["fault"] == "cut"
        connection.execute("UPDATE audit_log SET reason = 'another' WHERE id = 1")
        said = parker("audit", "verify")
        assert said.exit_code == Exit.FAILURE
        assert "Link 1: row 1 was changed" in said.stderr


def test_a_checkpoint_that_we_did_not_sign_does_not_hold(installation: str, tmp_path: Path) -> None:
    [kept] = (tmp_path / "checkpoints").iterdir()
    forged = json.loads(kept.read_text()) | {"position": 3}
    kept.write_text(json.dumps(forged))
    said = parker("audit", "verify")
    assert said.exit_code == Exit.FAILURE
    assert "signature is not ours" in said.stderr

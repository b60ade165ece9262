"""`parker dispute`: the list by deadline, and a pack that is written once and for its owner."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from every_table import fill
from sqlalchemy import create_engine, make_url, text
from typer.testing import CliRunner

from cli.exits import Exit
from cli.main import app

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def installation(database_url: str, point_at: Any) -> str:
    """Point the command at this test's database, which holds one dispute."""
    point_at()
    engine = create_engine(make_url(database_url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        fill(connection, uuid4(), AT)
        connection.execute(
            text("UPDATE disputes SET dispute_ref = 'dp_1', status = 'needs_response',"
                 " currency = 'USD', amount_minor = 48000, answer_by = '2026-12-03T10:00Z'")
        )  # fmt: skip
    engine.dispose()
    return database_url


def parker(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["dispute", *arguments])


def test_what_must_be_answered_is_listed_with_its_deadline(installation: str) -> None:
    listed = parker("list", "--open", "--json")
    assert listed.exit_code == Exit.NEEDS_ACTION
    (row,) = json.loads(listed.stdout)
    assert (row["dispute"], row["amount"]) == ("dp_1", "480.00 USD")
    assert row["answer_by"].startswith("2026-12-03")


def test_what_is_not_there_is_said_and_nothing_is_written_over(
    installation: str, tmp_path: Path
) -> None:
    assert parker("show", "dp_2").exit_code == Exit.NOT_FOUND
    missing = parker("evidence", "dp_2", "--out", str(tmp_path / "pack"), "--reason", "a test")
    assert missing.exit_code == Exit.NOT_FOUND
    assert not (tmp_path / "pack").exists()
    over = parker("evidence", "dp_1", "--out", str(tmp_path), "--reason", "a test")
    assert over.exit_code == Exit.CONFLICT

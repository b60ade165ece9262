import threading
from typing import Any

import psycopg
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url
from sqlmodel import SQLModel

import db.models  # noqa: F401  # fills the metadata
from db import migrate
from db.access import TABLES
from db.session import (
    APP_ROLE,
    BACKUP_ROLE,
    OPERATOR_ROLE,
    OWNER_ROLE,
    WORKER_ROLE,
    Database,
    SystemActor,
)
from domain import exports, retention

ROLES = (OWNER_ROLE, APP_ROLE, WORKER_ROLE, OPERATOR_ROLE, BACKUP_ROLE)


def _tables(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_models_and_schema_are_equal(database_url: str):
    engine = create_engine(make_url(database_url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    engine.dispose()


async def test_a_populated_schema_goes_down_and_up_again(
    database: Database, database_url: str, cast: Any
):
    async with database.transaction(SystemActor("test")) as session:
        campaign = await cast.campaign(session)
        await cast.attempt(session, campaign)
        await cast.booking(session, campaign, campaign.user_id)
    await database.close()
    head = migrate.current(database_url)
    migrate.downgrade(database_url, "base")
    assert migrate.current(database_url) is None
    assert _tables(database_url) == 1  # alembic's own
    migrate.upgrade(database_url)
    assert migrate.current(database_url) == head
    async with database.transaction(SystemActor("test")) as session:
        await cast.campaign(session)


def test_upgrading_from_many_places_at_once_happens_once(empty_database_url: str):
    problems: list[Exception] = []

    def upgrade() -> None:
        try:
            migrate.upgrade(empty_database_url)
        except Exception as error:  # noqa: BLE001  # shown by the assertion
            problems.append(error)

    threads = [threading.Thread(target=upgrade) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert migrate.current(empty_database_url) is not None


def test_every_table_of_a_persons_is_secured(database_url: str):
    with psycopg.connect(database_url) as connection:
        unsecured = connection.execute(
            """
            SELECT c.relname FROM pg_class c
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'user_id'
            WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
                AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
            """
        ).fetchall()
        owners = connection.execute(
            "SELECT DISTINCT tableowner FROM pg_tables "
            "WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        ).fetchall()
    assert unsecured == []
    assert owners == [("parker_owner",)]


def test_every_table_says_who_may_do_what(database_url: str):
    with psycopg.connect(database_url) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables "
            "WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        ).fetchall()
        secured = connection.execute(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND relkind = 'r'"
        ).fetchall()
        policies = connection.execute(
            "SELECT tablename, unnest(roles)::text FROM pg_policies WHERE schemaname = 'public'"
        ).fetchall()
    # A new table: a line in db/access.py, and `db.migrations.rights.secure` in its migration.
    assert {name for (name,) in tables} == set(TABLES)
    needed = {
        (table, role)
        for (table,) in secured
        for role in (APP_ROLE, WORKER_ROLE, OPERATOR_ROLE, BACKUP_ROLE)
        if TABLES[table].of(role) != "/"
    }
    assert needed - set(policies) == set()


def test_every_table_says_what_becomes_of_a_person_who_is_erased():
    # A new table: a line in domain/retention.py too.
    known = {table.name: set(table.columns.keys()) for table in SQLModel.metadata.sorted_tables}
    assert set(retention.TABLES) == set(known)
    for name, rule in retention.TABLES.items():
        assert set(rule.empties) <= known[name], name
        assert rule.of_traveler is None or rule.of_traveler in known[name]
        if rule.fate is not retention.Fate.NOBODYS and name != "users":
            assert "user_id" in known[name], name
        if rule.fate is retention.Fate.EMPTIED:
            sealed = {column for column in known[name] if column.endswith("_encrypted")}
            assert sealed <= set(rule.empties), name


def test_every_table_is_in_a_persons_export_or_says_why_not():
    # A new table: a file of domain/exports.py has it, or its reason stands there.
    exported = [table for file in exports.FILES for table in file.tables]
    mine = {t for t, rule in retention.TABLES.items() if rule.fate is not retention.Fate.NOBODYS}
    assert len(exported) == len(set(exported))
    assert set(exported) | set(exports.NOT_EXPORTED) == mine
    assert set(exported) & set(exports.NOT_EXPORTED) == set()


def test_a_login_that_is_no_superuser_can_migrate_and_take_on_a_role(empty_database_url: str):
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"CREATE ROLE login_{name} LOGIN")
        connection.execute(f"GRANT {', '.join(ROLES)} TO login_{name}")
        connection.execute(f"ALTER DATABASE {name} OWNER TO login_{name}")
    login_url = make_url(empty_database_url).set(username=f"login_{name}")
    url = login_url.render_as_string(hide_password=False)
    migrate.upgrade(url)
    with psycopg.connect(url, options="-c role=parker_app") as connection:
        assert connection.execute("SELECT count(*) FROM bookings").fetchone() == (0,)
    migrate.downgrade(url, "base")
    assert _tables(empty_database_url) == 1
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} OWNER TO postgres")
        connection.execute(f"REASSIGN OWNED BY login_{name} TO postgres")
        connection.execute(f"DROP OWNED BY login_{name}")
        connection.execute(f"DROP ROLE login_{name}")

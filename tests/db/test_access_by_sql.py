"""Every table, as every role, by SQL of one's own: what is allowed is what `db/access.py` says."""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
import pytest
from every_table import Key, fill
from postgres import temporary_database
from psycopg import sql
from sqlalchemy import create_engine, make_url

from db.access import GLANCES, TABLES
from db.logins import give_passwords
from db.session import APP_ROLE, BACKUP_ROLE, OPERATOR_ROLE, OWNER_ROLE, WORKER_ROLE

LOGINS = (APP_ROLE, WORKER_ROLE, OPERATOR_ROLE, BACKUP_ROLE)
OPERATIONS = "SIUD"


class Place(NamedTuple):
    """A database with a row of two people's in every table, and Ana's reason on record."""

    url: str
    ana: UUID
    ben: UUID
    rows: dict[UUID, dict[str, Key]]

    def login(self, role: str) -> str:
        return make_url(self.url).set(username=role).render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def place(postgres_url: str) -> Iterator[Place]:
    with temporary_database(postgres_url, "access_by_sql") as url:
        engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
        ana, ben = uuid4(), uuid4()
        try:
            with engine.begin() as connection:
                rows = {person: fill(connection, person) for person in (ana, ben)}
        finally:
            engine.dispose()
        yield Place(url, ana, ben, rows)


def test_every_table_has_its_line(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        found = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
    assert {name for (name,) in found} - {"alembic_version"} == set(TABLES)


@pytest.mark.parametrize("role", LOGINS)
def test_a_role_may_do_what_the_table_says(place: Place, role: str) -> None:
    wrong = []
    with (
        psycopg.connect(place.login(role), autocommit=True) as connection,
        psycopg.connect(place.url, autocommit=True) as owner,
    ):
        for table, access in TABLES.items():
            own, _, others = access.of(role).partition("/")
            for person, rights in ((place.ana, own), (place.ben, others)):
                key = place.rows[person][table]
                columns, row = _copy_of(owner, table, key)
                tries = _tries(table, key, columns, row)
                with _as(connection, place):
                    allowed = "".join(o for o in OPERATIONS if _may(connection, *tries[o]))
                if allowed != "".join(filter(str.isupper, rights)):
                    wrong.append((table, "own" if person == place.ana else "other's", allowed))
    assert wrong == []


def test_the_app_changes_single_columns_where_the_table_says(place: Place) -> None:
    with psycopg.connect(place.url) as connection:
        found = connection.execute(
            """
            SELECT c.table_name, c.privilege_type, array_agg(c.column_name::text)
            FROM information_schema.column_privileges c
            LEFT JOIN information_schema.table_privileges t
                USING (grantee, table_schema, table_name, privilege_type)
            WHERE c.grantee = %s AND t.privilege_type IS NULL
                AND c.privilege_type IN ('INSERT', 'UPDATE')
            GROUP BY 1, 2
            """,
            (APP_ROLE,),
        ).fetchall()
    given = {(table, kind[0].lower()): frozenset(columns) for table, kind, columns in found}
    said = {(t, kind): names for t, a in TABLES.items() for kind, names in a.columns.items()}
    assert given == said
    for table, access in TABLES.items():
        assert set(filter(str.islower, access.app)) == set(access.columns), table


def test_who_inserts_may_use_the_tables_sequence(place: Place) -> None:
    with psycopg.connect(place.url) as connection:
        sequences = connection.execute(
            "SELECT d.refobjid::regclass::text, s.oid::regclass::text FROM pg_class s"
            " JOIN pg_depend d ON d.objid = s.oid AND d.deptype IN ('a', 'i')"
            " WHERE s.relkind = 'S'"
        ).fetchall()
        assert len(sequences) >= 2
        for (table, sequence), role in itertools.product(sequences, LOGINS):
            query = "SELECT has_sequence_privilege(%s, %s, 'USAGE')"
            (may,) = connection.execute(query, (role, sequence)).fetchone() or (None,)
            assert may == ("I" in TABLES[table].of(role)), (role, sequence)


@pytest.mark.parametrize("role", LOGINS)
def test_no_role_becomes_another(place: Place, role: str) -> None:
    with psycopg.connect(place.login(role), autocommit=True) as connection:
        for other in {*LOGINS, OWNER_ROLE, "postgres"} - {role}:
            for become in ("SET ROLE {}", "SET SESSION AUTHORIZATION {}"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(sql.SQL(become).format(sql.Identifier(other)))
        connection.execute("RESET ROLE")
        row = connection.execute(
            "SELECT current_user, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb,"
            " (SELECT count(*) FROM pg_auth_members WHERE member = oid)"
            " FROM pg_roles WHERE rolname = session_user"
        ).fetchone()
        assert row == (role, False, 0)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine (id int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("ALTER TABLE users NO FORCE ROW LEVEL SECURITY")


def test_a_login_gets_the_password_of_its_address_and_no_other_login_does(place: Place) -> None:
    address = make_url(place.url)
    own = address.set(username=BACKUP_ROLE, password="of the backup")
    other = address.set(username="postgres", password="of another")
    logins = {
        BACKUP_ROLE: own.render_as_string(hide_password=False),
        WORKER_ROLE: other.render_as_string(hide_password=False),
    }
    with psycopg.connect(place.url) as connection:

        def digest(role: str) -> str | None:
            query = "SELECT rolpassword FROM pg_authid WHERE rolname = %s"
            row = connection.execute(query, (role,)).fetchone()
            return row[0] if row else None

        before = digest("postgres"), digest(WORKER_ROLE)
        assert give_passwords(place.url, logins) == [BACKUP_ROLE]
        assert (digest(BACKUP_ROLE) or "").startswith("SCRAM-SHA-256$")
        assert (digest("postgres"), digest(WORKER_ROLE)) == before


def test_nothing_is_given_to_everybody_and_views_ask_as_their_caller(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        public = connection.execute(
            "SELECT p.oid::regprocedure::text FROM pg_proc p"
            " WHERE p.pronamespace = 'public'::regnamespace"
            " AND has_function_privilege('public', p.oid, 'EXECUTE')"
        ).fetchall()
        tables = connection.execute(
            "SELECT table_name, grantee FROM information_schema.table_privileges"
            " WHERE table_schema = 'public' AND grantee = 'PUBLIC'"
        ).fetchall()
        views = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('v', 'm')"
            " AND relnamespace = 'public'::regnamespace"
            " AND NOT coalesce(reloptions @> '{security_invoker=true}', false)"
        ).fetchall()
        # What a later migration makes starts with nothing given to everybody, and in the backup.
        connection.execute("CREATE FUNCTION later() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        connection.execute("CREATE TABLE later_table (id int)")
        later = connection.execute(
            "SELECT has_function_privilege('public', 'later()', 'EXECUTE'),"
            " has_table_privilege('parker_backup', 'later_table', 'SELECT'),"
            " has_table_privilege('parker_app', 'later_table', 'SELECT')"
        ).fetchone()
    assert (public, tables) == ([], [])
    assert {name for (name,) in views} == set(GLANCES)
    assert later == (False, True, False)


def test_an_operators_glance_shows_named_columns_and_nobody_else_glances(place: Place) -> None:
    with psycopg.connect(place.url) as connection:
        columns = connection.execute(
            "SELECT table_name, string_agg(column_name, ' ' ORDER BY ordinal_position)"
            " FROM information_schema.columns WHERE table_name LIKE 'glance_%' GROUP BY 1"
        ).fetchall()
        given = connection.execute(
            "SELECT DISTINCT grantee, privilege_type FROM information_schema.table_privileges"
            " WHERE table_name LIKE 'glance_%' AND grantee <> 'parker_owner'"
        ).fetchall()
    assert dict(columns) == GLANCES
    assert set(given) == {(OPERATOR_ROLE, "SELECT"), (BACKUP_ROLE, "SELECT")}
    with psycopg.connect(place.login(OPERATOR_ROLE)) as connection:
        for name in GLANCES:
            query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
            assert connection.execute(query).fetchone() == (2,), name


def test_look_ups_tell_ids_and_nothing_else(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        definers = connection.execute(
            "SELECT p.proname, pg_get_function_result(p.oid), p.proconfig::text,"
            " pg_get_userbyid(p.proowner)"
            " FROM pg_proc p WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace"
        ).fetchall()
    assert len(definers) >= 3
    for name, result, config, owner in definers:
        types = result.removeprefix("TABLE(").removesuffix(")").split(", ")
        assert {kind.split()[-1] for kind in types} <= {"uuid", "boolean"}, (name, result)
        assert "search_path" in config
        assert owner == OWNER_ROLE


def test_an_operator_sees_a_person_only_after_saying_why(place: Place) -> None:
    read = uuid4()

    def seen(connection: psycopg.Connection[Any], read_id: UUID, person: UUID) -> int:
        connection.execute("SELECT set_config('app.user_id', %s, true)", (str(person),))
        connection.execute("SELECT set_config('app.read_id', %s, true)", (str(read_id),))
        row = connection.execute("SELECT count(*) FROM travelers").fetchone()
        assert row is not None
        return int(row[0])

    write_down = (
        "INSERT INTO personal_reads (id, user_id, operator, what, why_encrypted, at)"
        " VALUES (%s, %s, 'eve', 'travellers', 'sealed', '2026-11-21')"
    )
    with psycopg.connect(place.login(OPERATOR_ROLE)) as connection:
        assert seen(connection, uuid4(), place.ana) == 0
        # Written down in the same transaction it could be taken back after the look.
        connection.execute(write_down, (read, place.ana))
        assert seen(connection, read, place.ana) == 0
        connection.commit()
        assert seen(connection, read, place.ana) == 1
        assert seen(connection, read, place.ben) == 0


def _tries(
    table: str, key: Key, columns: list[str], row: str
) -> dict[str, tuple[sql.Composed, list[Any]]]:
    """Return a statement for each operation, all about this one row."""
    name, first = sql.Identifier(table), sql.Identifier(next(iter(key)))
    where = sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(c)) for c in key)
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    values = list(key.values())
    # The same row again: refused for its key means that nothing else refused it.
    copy = "INSERT INTO {t} ({c}) SELECT {c} FROM jsonb_populate_record(null::{t}, %s)"
    return {
        "S": (sql.SQL("SELECT FROM {} WHERE {}").format(name, where), values),
        "I": (sql.SQL(copy).format(t=name, c=listed), [row]),
        "U": (
            sql.SQL("UPDATE {t} SET {f} = {f} WHERE {w}").format(t=name, f=first, w=where),
            values,
        ),
        "D": (sql.SQL("DELETE FROM {} WHERE {}").format(name, where), values),
    }


def _may(connection: psycopg.Connection[Any], statement: sql.Composed, values: list[Any]) -> bool:
    """Try it, take it back, and tell whether this role's rights stood in the way."""
    try:
        with connection.transaction(force_rollback=True):
            return connection.execute(statement, values).rowcount == 1
    except psycopg.errors.InsufficientPrivilege:
        return False
    except (psycopg.errors.UniqueViolation, psycopg.errors.ForeignKeyViolation):
        return True


@contextmanager
def _as(connection: psycopg.Connection[Any], place: Place) -> Iterator[None]:
    with connection.transaction(force_rollback=True):
        connection.execute("SELECT set_config('app.user_id', %s, true)", (str(place.ana),))
        read = place.rows[place.ana]["personal_reads"]["id"]
        connection.execute("SELECT set_config('app.read_id', %s, true)", (str(read),))
        yield


def _copy_of(owner: psycopg.Connection[Any], table: str, key: Key) -> tuple[list[str], str]:
    columns = owner.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER'",
        (table,),
    ).fetchall()
    where = sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(c)) for c in key)
    query = sql.SQL("SELECT to_jsonb(t) FROM {} t WHERE {}").format(sql.Identifier(table), where)
    row = owner.execute(query, list(key.values())).fetchone()
    assert row is not None
    return [name for (name,) in columns], json.dumps(row[0])

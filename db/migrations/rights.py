"""Rights on a new table, as its migration gives them. `db/access.py` says which table has which.

Versions that have run keep what they did: what this module does never changes, it only grows.
"""

from alembic import op

_PERSON = "nullif(current_setting('app.user_id', true), '')\\:\\:uuid"


def secure(table: str, *, app: str, column: str = "user_id", sequence: str | None = None) -> None:
    """Give a person's table to its owner, and each role its rights on it.

    `app` names what the API does to its person's own rows ("SELECT, INSERT"); the worker does
    everything, the operator what a reason on record allows, the backup reads.
    """
    op.execute(f"ALTER TABLE {table} OWNER TO parker_owner")
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_rows ON {table} TO parker_app USING ({column} = {_PERSON})")
    op.execute(f"CREATE POLICY every_row ON {table} TO parker_worker USING (true)")
    if app:
        op.execute(f"GRANT {app} ON {table} TO parker_app")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO parker_worker")
    if sequence is not None:
        op.execute(f"GRANT USAGE ON SEQUENCE {sequence} TO parker_worker")
    let_operator_look(table, column=column)
    let_backup_read(table)


def let_operator_look(table: str, *, column: str = "user_id", rights: str = "SELECT") -> None:
    """Show an operator the rows of the person whose reason for being looked at is on record."""
    op.execute(
        f"CREATE POLICY under_a_reason ON {table} TO parker_operator"
        f" USING ({column} = {_PERSON} AND operator_may_look({column}))"
    )
    op.execute(f"GRANT {rights} ON {table} TO parker_operator")


def let_backup_read(table: str) -> None:
    op.execute(f"CREATE POLICY kept ON {table} FOR SELECT TO parker_backup USING (true)")
    op.execute(f"GRANT SELECT ON {table} TO parker_backup")


def drop_operator_and_backup(table: str) -> None:
    """Take back what the two functions above gave."""
    for policy in ("under_a_reason", "kept"):
        op.execute(f"DROP POLICY IF EXISTS {policy} ON {table}")
    op.execute(f"REVOKE ALL ON {table} FROM parker_operator, parker_backup")

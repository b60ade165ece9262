"""Operators list the accounts of a role by id; who they are they see under a reason only."""

from alembic import op

revision = "20261126_1830"
down_revision = "20261126_1810"
branch_labels = None
depends_on = None

UP = """
CREATE FUNCTION list_accounts(wanted text, at_most int)
    RETURNS TABLE (id uuid, confirmed boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
        SELECT users.id, users.email_confirmed_at IS NOT NULL
        FROM users WHERE users.role = wanted
        ORDER BY users.created_at DESC, users.id LIMIT at_most
    $$;
ALTER FUNCTION list_accounts(text, int) OWNER TO parker_owner;
REVOKE ALL ON FUNCTION list_accounts(text, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION list_accounts(text, int) TO parker_operator;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("DROP FUNCTION list_accounts(text, int)")

"""Whether there is any account, for the first page: true or false, and nothing about anybody."""

from alembic import op

revision = "20261126_1850"
down_revision = "20261126_1815"
branch_labels = None
depends_on = None

UP = """
CREATE FUNCTION anybody_here() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT EXISTS (SELECT FROM users) $$;
ALTER FUNCTION anybody_here() OWNER TO parker_owner;
REVOKE ALL ON FUNCTION anybody_here() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION anybody_here() TO parker_app;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("DROP FUNCTION anybody_here()")

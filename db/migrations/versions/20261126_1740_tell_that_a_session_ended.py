"""The end of a browser's session is told, so that what it watches closes at once."""

from alembic import op

revision = "20261126_1740"
down_revision = "20261126_1720"
branch_labels = None
depends_on = None

# A trigger, since there are many ways to end a session and none may be forgotten.
UP = """
CREATE FUNCTION tell_session_ended() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp
    AS $$ BEGIN PERFORM pg_notify('session_ends', OLD.id\\:\\:text); RETURN NULL; END $$;
CREATE TRIGGER session_revoked AFTER UPDATE OF revoked_at ON web_sessions FOR EACH ROW
    WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL)
    EXECUTE FUNCTION tell_session_ended();
CREATE TRIGGER session_deleted AFTER DELETE ON web_sessions FOR EACH ROW
    EXECUTE FUNCTION tell_session_ended();
ALTER FUNCTION tell_session_ended() OWNER TO parker_owner;
REVOKE ALL ON FUNCTION tell_session_ended() FROM PUBLIC;
"""
DOWN = """
DROP TRIGGER session_revoked ON web_sessions;
DROP TRIGGER session_deleted ON web_sessions;
DROP FUNCTION tell_session_ended();
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

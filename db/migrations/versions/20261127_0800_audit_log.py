"""An audit log that only grows, and the chain of its rows."""

from alembic import op

revision = "20261127_0800"
down_revision = "20261126_1855"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE audit_log (
    id bigserial PRIMARY KEY,
    at timestamptz NOT NULL,
    actor_kind varchar(40) NOT NULL,
    actor varchar NOT NULL,
    role varchar NOT NULL,
    channel varchar(40) NOT NULL,
    network varchar,
    action varchar(40) NOT NULL,
    object_kind varchar NOT NULL,
    object_id varchar NOT NULL,
    user_id uuid,
    before jsonb NOT NULL,
    after jsonb NOT NULL,
    reason varchar
);
CREATE INDEX audit_log_by_user ON audit_log (user_id, id);
CREATE INDEX audit_log_by_object ON audit_log (object_id, id);
CREATE TABLE audit_chain (
    position bigint PRIMARY KEY,
    row_id bigint NOT NULL UNIQUE,
    digest varchar NOT NULL,
    hash varchar NOT NULL,
    chained_at timestamptz NOT NULL
);
ALTER TABLE audit_log OWNER TO parker_owner;
ALTER TABLE audit_chain OWNER TO parker_owner;
"""
# Nobody is given more than to add and to look, and the owner of the tables is held to that too.
RIGHTS = """
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON audit_log TO parker_app
    USING (user_id = nullif(current_setting('app.user_id', true), '')\\:\\:uuid);
CREATE POLICY every_row ON audit_log TO parker_worker USING (true);
CREATE POLICY operated ON audit_log TO parker_operator USING (true);
CREATE POLICY kept ON audit_log FOR SELECT TO parker_backup USING (true);
GRANT SELECT, INSERT ON audit_log TO parker_app, parker_worker, parker_operator;
GRANT USAGE ON SEQUENCE audit_log_id_seq TO parker_app, parker_worker, parker_operator;
GRANT SELECT, INSERT ON audit_chain TO parker_worker;
GRANT SELECT ON audit_chain TO parker_operator;
GRANT SELECT ON audit_log, audit_chain, audit_log_id_seq TO parker_backup;
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp
    AS $$ BEGIN
        RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END $$;
ALTER FUNCTION refuse_change() OWNER TO parker_owner;
REVOKE ALL ON FUNCTION refuse_change() FROM PUBLIC;
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_chain
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
DOWN = """
DROP TABLE audit_chain;
DROP TABLE audit_log;
DROP FUNCTION refuse_change();
"""


def upgrade() -> None:
    op.execute(UP)
    op.execute(RIGHTS)


def downgrade() -> None:
    op.execute(DOWN)

"""Browsers that are signed in, and what an account needs besides an address."""

from alembic import op

revision = "20261126_1656"
down_revision = "20261126_1655"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE users
    ADD COLUMN password_hash varchar,
    ADD COLUMN email_confirmed_at timestamptz,
    ADD COLUMN consent_blocked_until timestamptz,
    ADD COLUMN role varchar(40) NOT NULL DEFAULT 'traveller',
    ADD COLUMN locale varchar NOT NULL DEFAULT 'en',
    ADD COLUMN time_zone varchar NOT NULL DEFAULT 'UTC',
    ADD COLUMN display_currency char(3);
-- Whoever has a key was given it by the operator, who answers for the address.
UPDATE users SET email_confirmed_at = created_at;
-- A person may change what is theirs, but gives themselves no role.
REVOKE INSERT, UPDATE, DELETE ON users FROM parker_app;
GRANT INSERT (id, email_encrypted, email_hmac, created_at, password_hash, locale, time_zone,
    display_currency) ON users TO parker_app;
GRANT UPDATE (email_encrypted, email_hmac, password_hash, email_confirmed_at,
    consent_blocked_until, locale, time_zone, display_currency) ON users TO parker_app;
CREATE TABLE web_sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    token_hash varchar NOT NULL UNIQUE,
    device varchar NOT NULL,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    stepped_up_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX ix_web_sessions_user_id ON web_sessions (user_id);
CREATE INDEX ix_web_sessions_expires_at ON web_sessions (expires_at);
ALTER TABLE web_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE web_sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON web_sessions TO parker_app
    USING (user_id = nullif(current_setting('app.user_id', true), '')\\:\\:uuid);
CREATE POLICY every_row ON web_sessions TO parker_worker USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON web_sessions TO parker_app, parker_worker;
ALTER TABLE web_sessions OWNER TO parker_owner;
-- A cookie is presented before it is known whose it is: the owner answers with ids, nothing else.
CREATE POLICY look_up ON web_sessions FOR SELECT TO parker_owner USING (true);
CREATE FUNCTION find_web_session(hash text) RETURNS TABLE (session_id uuid, owner_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT id, user_id FROM web_sessions WHERE token_hash = hash $$;
ALTER FUNCTION find_web_session(text) OWNER TO parker_owner;
REVOKE ALL ON FUNCTION find_web_session(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_web_session(text) TO parker_app, parker_worker;
"""
DOWN = """
DROP FUNCTION find_web_session(text);
DROP TABLE web_sessions;
REVOKE INSERT (id, email_encrypted, email_hmac, created_at, password_hash, locale, time_zone,
    display_currency) ON users FROM parker_app;
REVOKE UPDATE (email_encrypted, email_hmac, password_hash, email_confirmed_at,
    consent_blocked_until, locale, time_zone, display_currency) ON users FROM parker_app;
GRANT INSERT, UPDATE, DELETE ON users TO parker_app;
ALTER TABLE users
    DROP COLUMN password_hash,
    DROP COLUMN email_confirmed_at,
    DROP COLUMN consent_blocked_until,
    DROP COLUMN role,
    DROP COLUMN locale,
    DROP COLUMN time_zone,
    DROP COLUMN display_currency;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

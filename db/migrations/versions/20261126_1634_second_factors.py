"""Second factors: authenticator apps, recovery codes, passkeys, and what is asked of them."""

from alembic import op

revision = "20261126_1634"
down_revision = "20261121_0801"
branch_labels = None
depends_on = None

OWNED_BY_PERSON = ("totp_factors", "recovery_codes", "code_failures", "passkeys")
TABLES = """
CREATE TABLE totp_factors (
    user_id uuid PRIMARY KEY REFERENCES users (id),
    secret_encrypted varchar NOT NULL,
    last_step bigint,
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz
);
CREATE TABLE recovery_codes (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    code_hash varchar NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX ix_recovery_codes_user_id ON recovery_codes (user_id);
CREATE TABLE code_failures (
    user_id uuid NOT NULL REFERENCES users (id),
    place varchar NOT NULL,
    failures integer NOT NULL,
    last_failed_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, place)
);
CREATE TABLE passkeys (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    credential_id bytea NOT NULL UNIQUE,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    transports jsonb NOT NULL,
    backed_up boolean NOT NULL,
    name_encrypted varchar NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz
);
CREATE INDEX ix_passkeys_user_id ON passkeys (user_id);
-- Nobody's: a question may be put before it is known who will answer.
CREATE TABLE passkey_challenges (
    challenge_hash varchar PRIMARY KEY,
    bound_to varchar NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ix_passkey_challenges_expires_at ON passkey_challenges (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON passkey_challenges TO parker_app, parker_worker;
ALTER TABLE passkey_challenges OWNER TO parker_owner;
"""
SECURE = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON {table} TO parker_app
    USING (user_id = nullif(current_setting('app.user_id', true), '')\\:\\:uuid);
CREATE POLICY every_row ON {table} TO parker_worker USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO parker_app, parker_worker;
ALTER TABLE {table} OWNER TO parker_owner;
"""
# A passkey is shown before it is known whose it is: the owner answers with ids, nothing else.
LOOK_UP = """
CREATE POLICY look_up ON passkeys FOR SELECT TO parker_owner USING (true);
CREATE FUNCTION find_passkey(credential bytea) RETURNS TABLE (passkey_id uuid, owner_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT id, user_id FROM passkeys WHERE credential_id = credential $$;
ALTER FUNCTION find_passkey(bytea) OWNER TO parker_owner;
REVOKE ALL ON FUNCTION find_passkey(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_passkey(bytea) TO parker_app, parker_worker;
"""


def upgrade() -> None:
    op.execute(TABLES)
    for table in OWNED_BY_PERSON:
        op.execute(SECURE.format(table=table))
    op.execute(LOOK_UP)


def downgrade() -> None:
    op.execute("DROP FUNCTION find_passkey(bytea)")
    for table in ("passkey_challenges", *reversed(OWNED_BY_PERSON)):
        op.execute(f"DROP TABLE {table}")

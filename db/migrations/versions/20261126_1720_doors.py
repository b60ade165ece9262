"""Links in mails, sign-ins that owe a second factor, tries counted; an address is whose confirms it."""

from alembic import op

from db.migrations.rights import secure

revision = "20261126_1720"
down_revision = "20261126_1735"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE users ALTER COLUMN email_hmac DROP NOT NULL;
CREATE TABLE account_links (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    purpose varchar(40) NOT NULL,
    token_hash varchar NOT NULL UNIQUE,
    email_encrypted varchar,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX ix_account_links_user_id ON account_links (user_id);
CREATE TABLE pending_sign_ins (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    token_hash varchar NOT NULL UNIQUE,
    leads_to varchar NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX ix_pending_sign_ins_user_id ON pending_sign_ins (user_id);
CREATE INDEX ix_pending_sign_ins_expires_at ON pending_sign_ins (expires_at);
CREATE TABLE throttles (
    key varchar PRIMARY KEY,
    empty_at timestamptz NOT NULL
);
CREATE INDEX ix_throttles_empty_at ON throttles (empty_at);
ALTER TABLE throttles OWNER TO parker_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON throttles TO parker_app, parker_worker;
GRANT SELECT ON throttles TO parker_backup;
"""
# A token is presented before it is known whose it is: the owner answers with ids, nothing else.
LOOK_UPS = """
CREATE POLICY look_up ON account_links FOR SELECT TO parker_owner USING (true);
CREATE FUNCTION find_account_link(hash text) RETURNS TABLE (link_id uuid, owner_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT id, user_id FROM account_links WHERE token_hash = hash $$;
CREATE POLICY look_up ON pending_sign_ins FOR SELECT TO parker_owner USING (true);
CREATE FUNCTION find_pending_sign_in(hash text) RETURNS TABLE (pending_id uuid, owner_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT id, user_id FROM pending_sign_ins WHERE token_hash = hash $$;
"""
FUNCTIONS = ("find_account_link(text)", "find_pending_sign_in(text)")


def upgrade() -> None:
    op.execute(UP)
    secure("account_links", app="SELECT, INSERT, UPDATE, DELETE")
    secure("pending_sign_ins", app="SELECT, INSERT, UPDATE, DELETE")
    # A secret is for no operator to see.
    op.execute("DROP POLICY under_a_reason ON pending_sign_ins")
    op.execute("REVOKE ALL ON pending_sign_ins FROM parker_operator")
    op.execute(LOOK_UPS)
    for function in FUNCTIONS:
        op.execute(f"ALTER FUNCTION {function} OWNER TO parker_owner")
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO parker_app, parker_worker")


def downgrade() -> None:
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    for table in ("account_links", "pending_sign_ins", "throttles"):
        op.execute(f"DROP TABLE {table}")
    # Accounts that never confirmed an address have none to be found by.
    op.execute("UPDATE users SET email_hmac = 'unconfirmed:' || id WHERE email_hmac IS NULL")
    op.execute("ALTER TABLE users ALTER COLUMN email_hmac SET NOT NULL")

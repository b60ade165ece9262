"""Accounts are opened by way of an identity provider, by issuer and subject."""

from alembic import op

from db.migrations.rights import secure

revision = "20261126_1900"
down_revision = "20261126_1850"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE oidc_identities (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    identity_hash varchar NOT NULL UNIQUE,
    issuer varchar NOT NULL,
    label_encrypted varchar NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz
);
CREATE INDEX ix_oidc_identities_user_id ON oidc_identities (user_id);
"""
LOOK_UP = """
CREATE POLICY look_up ON oidc_identities FOR SELECT TO parker_owner USING (true);
CREATE FUNCTION find_oidc_identity(hash text) RETURNS TABLE (identity_id uuid, owner_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT id, user_id FROM oidc_identities WHERE identity_hash = hash $$;
ALTER FUNCTION find_oidc_identity(text) OWNER TO parker_owner;
REVOKE ALL ON FUNCTION find_oidc_identity(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_oidc_identity(text) TO parker_app, parker_worker;
"""


def upgrade() -> None:
    op.execute(UP)
    secure("oidc_identities", app="SELECT, INSERT, UPDATE, DELETE")
    op.execute(LOOK_UP)


def downgrade() -> None:
    op.execute("DROP FUNCTION find_oidc_identity(text)")
    op.execute("DROP TABLE oidc_identities")

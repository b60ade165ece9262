"""What API keys may do, how much they may spend, and until when.

Keys that exist were made by the operator: they keep what they could do.
"""

from alembic import op

from db.migrations.rights import secure

revision = "20261126_1751"
down_revision = "20261126_1750"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE api_keys
    ADD COLUMN scopes varchar[] NOT NULL DEFAULT '{read,write,spend}',
    ADD COLUMN limit_each_minor bigint,
    ADD COLUMN limit_total_minor bigint,
    ADD COLUMN limit_currency char(3),
    ADD COLUMN expires_at timestamptz,
    ADD CONSTRAINT api_keys_limits_together CHECK (
        num_nonnulls(limit_each_minor, limit_total_minor, limit_currency) IN (0, 3)
    );
ALTER TABLE api_keys ALTER COLUMN scopes DROP DEFAULT;
CREATE TABLE api_key_commitments (
    campaign_id uuid PRIMARY KEY,
    api_key_id uuid NOT NULL REFERENCES api_keys (id),
    user_id uuid NOT NULL REFERENCES users (id),
    amount_minor bigint NOT NULL,
    currency char(3) NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX ix_api_key_commitments_api_key_id ON api_key_commitments (api_key_id);
CREATE INDEX ix_api_key_commitments_user_id ON api_key_commitments (user_id);
"""
DOWN = """
DROP TABLE api_key_commitments;
ALTER TABLE api_keys
    DROP CONSTRAINT api_keys_limits_together,
    DROP COLUMN scopes,
    DROP COLUMN limit_each_minor,
    DROP COLUMN limit_total_minor,
    DROP COLUMN limit_currency,
    DROP COLUMN expires_at;
"""


def upgrade() -> None:
    op.execute(UP)
    secure("api_key_commitments", app="SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    op.execute(DOWN)

"""Travellers' own servers, called when something happens, with a log of each call."""

from alembic import op

from db.migrations.rights import secure

revision = "20261126_1800"
down_revision = "20261126_1751"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE webhook_endpoints (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    url_encrypted varchar NOT NULL,
    secret_encrypted varchar NOT NULL,
    old_secret_encrypted varchar,
    old_secret_until timestamptz,
    state varchar(40) NOT NULL,
    state_reason varchar,
    failures integer NOT NULL,
    failing_since timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX ix_webhook_endpoints_user_id ON webhook_endpoints (user_id);
CREATE TABLE webhook_deliveries (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    endpoint_id uuid NOT NULL REFERENCES webhook_endpoints (id),
    notice_id uuid REFERENCES notices (id),
    type varchar NOT NULL,
    message_id varchar NOT NULL,
    state varchar(40) NOT NULL,
    tries integer NOT NULL,
    next_try_at timestamptz,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    UNIQUE (endpoint_id, message_id)
);
CREATE INDEX ix_webhook_deliveries_user_id ON webhook_deliveries (user_id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_try_at, user_id)
    WHERE state = 'pending';
CREATE INDEX webhook_deliveries_of_endpoint
    ON webhook_deliveries (endpoint_id, created_at DESC, id DESC);
CREATE TABLE webhook_tries (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    delivery_id uuid NOT NULL REFERENCES webhook_deliveries (id),
    at timestamptz NOT NULL,
    status integer,
    code varchar NOT NULL,
    milliseconds integer NOT NULL
);
CREATE INDEX ix_webhook_tries_user_id ON webhook_tries (user_id);
CREATE INDEX webhook_tries_of_delivery ON webhook_tries (delivery_id, at);
"""
DOWN = """
DROP TABLE webhook_tries;
DROP TABLE webhook_deliveries;
DROP TABLE webhook_endpoints;
"""


def upgrade() -> None:
    op.execute(UP)
    secure("webhook_endpoints", app="SELECT, INSERT, UPDATE, DELETE")
    secure("webhook_deliveries", app="SELECT, INSERT, UPDATE, DELETE")
    secure("webhook_tries", app="SELECT")


def downgrade() -> None:
    op.execute(DOWN)

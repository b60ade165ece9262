"""Wishes in the making, trips kept in mind, and the market's history by route."""

from alembic import op

from db.migrations.rights import secure

revision = "20261126_1730"
down_revision = "20261126_1700"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE trip_requests (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users,
    name varchar(255) NOT NULL,
    criteria jsonb NOT NULL,
    traveler_ids uuid[] NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX trip_requests_by_user ON trip_requests (user_id, created_at, id);
CREATE TABLE campaign_drafts (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users,
    campaign_id uuid REFERENCES autobooking_campaigns,
    criteria_version integer,
    trip_request_id uuid REFERENCES trip_requests,
    answers jsonb NOT NULL,
    step varchar NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX campaign_drafts_by_user ON campaign_drafts (user_id, updated_at);
CREATE INDEX ix_campaign_drafts_campaign_id ON campaign_drafts (campaign_id);
CREATE INDEX ix_campaign_drafts_trip_request_id ON campaign_drafts (trip_request_id);
ALTER TABLE autobooking_campaigns ADD COLUMN trip_request_id uuid REFERENCES trip_requests;
CREATE INDEX ix_autobooking_campaigns_trip_request_id ON autobooking_campaigns (trip_request_id);
CREATE INDEX price_observations_by_route
    ON price_observations (seller, origin, destination, at);
"""
DOWN = """
DROP INDEX price_observations_by_route;
ALTER TABLE autobooking_campaigns DROP COLUMN trip_request_id;
DROP TABLE campaign_drafts, trip_requests;
"""


def upgrade() -> None:
    op.execute(UP)
    for table in ("trip_requests", "campaign_drafts"):
        secure(table, app="SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    op.execute(DOWN)

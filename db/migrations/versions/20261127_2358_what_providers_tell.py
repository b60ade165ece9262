"""What providers tell us of their own accord, and when a wish was looked at last, for operators."""

from alembic import op

revision = "20261127_2358"
down_revision = "20261127_2355"
branch_labels = None
depends_on = None

# Nobody's rows, so there is no person to keep apart: ids and kinds, as a provider names them.
UP = """
CREATE TABLE provider_events (
    id uuid PRIMARY KEY,
    provider varchar(40) NOT NULL,
    signature varchar(40) NOT NULL,
    event_ref varchar,
    kind varchar NOT NULL,
    object_ref varchar,
    facts jsonb NOT NULL,
    state varchar(40) NOT NULL,
    times integer NOT NULL,
    tries integer NOT NULL,
    next_try_at timestamptz,
    outcome varchar NOT NULL,
    happened_at timestamptz,
    received_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX provider_events_due ON provider_events (next_try_at) WHERE state = 'pending';
CREATE INDEX provider_events_newest ON provider_events (received_at DESC, id DESC);
CREATE INDEX ix_provider_events_object_ref ON provider_events (object_ref);
ALTER TABLE provider_events OWNER TO parker_owner;
GRANT SELECT, INSERT ON provider_events TO parker_app;
GRANT UPDATE (times, last_at) ON provider_events TO parker_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON provider_events TO parker_worker;
GRANT SELECT, UPDATE ON provider_events TO parker_operator;
GRANT SELECT ON provider_events TO parker_backup;

CREATE POLICY look_up ON campaign_fares FOR SELECT TO parker_owner USING (true);
CREATE VIEW glance_searches AS
    SELECT campaign_id AS id, user_id, sum(looks)\\:\\:integer AS looks,
        sum(offers)\\:\\:integer AS offers, max(last_at) AS looked_at
    FROM campaign_fares GROUP BY campaign_id, user_id;
ALTER VIEW glance_searches OWNER TO parker_owner;
GRANT SELECT ON glance_searches TO parker_operator;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("DROP VIEW glance_searches")
    op.execute("DROP POLICY look_up ON campaign_fares")
    op.execute("DROP TABLE provider_events")

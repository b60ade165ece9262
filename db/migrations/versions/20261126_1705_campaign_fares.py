"""The best fares of a wish by day, so that pages need not read every decision.

What was decided before is summed up once, so that charts do not begin anew.
"""

import sqlalchemy as sa
from alembic import op

from db.migrations.rights import secure

revision = "20261126_1705"
down_revision = "20261126_1730"
branch_labels = None
depends_on = None

SUM_UP = """
INSERT INTO campaign_fares
SELECT campaign_id, criteria_version, (at AT TIME ZONE 'UTC')\\:\\:date AS day, min(user_id\\:\\:text)\\:\\:uuid,
    count(DISTINCT look_id), count(*), max(at), currency,
    min(total_minor) FILTER (WHERE fits),
    (array_agg(at ORDER BY total_minor, at) FILTER (WHERE fits))[1],
    (array_agg(look_id ORDER BY total_minor, at) FILTER (WHERE fits))[1],
    (array_agg(offer_id ORDER BY total_minor, at) FILTER (WHERE fits))[1]
FROM (
    SELECT d.*, verdict <> 'rejected' OR reason IN ('matches', 'over_budget', 'ignored') AS fits
    FROM offer_decisions d
    JOIN autobooking_campaigns c ON c.id = d.campaign_id AND c.currency = d.currency
) AS decided
GROUP BY campaign_id, criteria_version, day, currency
"""


def upgrade() -> None:
    op.create_table(
        "campaign_fares",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("criteria_version", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("offers", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("best_minor", sa.BigInteger()),
        sa.Column("best_at", sa.DateTime(timezone=True)),
        sa.Column("best_look_id", sa.Uuid()),
        sa.Column("best_offer_id", sa.String()),
        sa.ForeignKeyConstraint(["campaign_id"], ["autobooking_campaigns.id"]),
        sa.PrimaryKeyConstraint("campaign_id", "criteria_version", "day"),
    )
    op.execute(SUM_UP)
    secure("campaign_fares", app="SELECT")


def downgrade() -> None:
    op.drop_table("campaign_fares")

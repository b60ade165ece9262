"""Wishes that wait for a consent, and wishes that only tell: the state, and the fare told last."""

import sqlalchemy as sa
from alembic import op

revision = "20261126_1805"
down_revision = "20261126_1830"
branch_labels = None
depends_on = None

BEFORE = "'active', 'awaiting_approval', 'booking', 'needs_action', 'paused', 'booked', 'cancelled', 'expired'"


def upgrade() -> None:
    op.execute("ALTER TYPE autobooking_status ADD VALUE IF NOT EXISTS 'awaiting_consent'")
    op.add_column("autobooking_campaigns", sa.Column("told_minor", sa.BigInteger(), nullable=True))
    op.add_column(
        "autobooking_campaigns", sa.Column("told_at", sa.DateTime(timezone=True), nullable=True)
    )


def downgrade() -> None:
    for name in ("told_at", "told_minor"):
        op.drop_column("autobooking_campaigns", name)
    # A value cannot be taken out of an enum: the type is made again, and what hangs on it.
    op.execute("DROP INDEX autobooking_campaigns_watched")
    op.execute("ALTER TYPE autobooking_status RENAME TO autobooking_status_after")
    op.execute(f"CREATE TYPE autobooking_status AS ENUM ({BEFORE})")
    op.execute(
        "ALTER TABLE autobooking_campaigns ALTER COLUMN status TYPE autobooking_status USING"
        " (CASE WHEN status = 'awaiting_consent' THEN 'paused' ELSE status\\:\\:text END)"
        "\\:\\:autobooking_status"
    )
    op.execute("DROP TYPE autobooking_status_after")
    op.execute("ALTER TYPE autobooking_status OWNER TO parker_owner")
    op.execute(
        "CREATE INDEX autobooking_campaigns_watched ON autobooking_campaigns USING gin"
        " ((criteria -> 'origins'), (criteria -> 'destinations')) WHERE status = 'active'"
    )

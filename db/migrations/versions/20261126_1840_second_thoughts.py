"""A wish that was cancelled a moment ago: until when it can be taken back, and to what."""

import sqlalchemy as sa
from alembic import op

revision = "20261126_1840"
down_revision = "20261126_1805"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "autobooking_campaigns", sa.Column("undo_until", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("autobooking_campaigns", sa.Column("undo_to", sa.String(40), nullable=True))


def downgrade() -> None:
    for name in ("undo_to", "undo_until"):
        op.drop_column("autobooking_campaigns", name)

"""The last requests that were made of a wish, so that each takes effect once."""

from alembic import op

revision = "20261127_0815"
down_revision = "20261127_0810"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE autobooking_campaigns ADD requests uuid[] NOT NULL DEFAULT '{}'")


def downgrade() -> None:
    op.execute("ALTER TABLE autobooking_campaigns DROP requests")

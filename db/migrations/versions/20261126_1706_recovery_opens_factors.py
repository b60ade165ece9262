"""A recovery code lets its owner change factors for a while, and nothing else."""

from alembic import op

revision = "20261126_1706"
down_revision = "20261126_1705"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE web_sessions ADD COLUMN factors_open_until timestamptz")


def downgrade() -> None:
    op.execute("ALTER TABLE web_sessions DROP COLUMN factors_open_until")

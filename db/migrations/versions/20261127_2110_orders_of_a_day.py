"""The orders of a day are found without reading every call that was ever made."""

from alembic import op

revision = "20261127_2110"
down_revision = "20261127_2045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("provider_calls_by_kind", "provider_calls", ["kind", "sent_at"])


def downgrade() -> None:
    op.drop_index("provider_calls_by_kind", "provider_calls")

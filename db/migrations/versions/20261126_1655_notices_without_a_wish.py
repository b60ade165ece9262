"""Notices that belong to an account alone, may go to another address, and may wait for an hour."""

from alembic import op

revision = "20261126_1655"
down_revision = "20261126_1634"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE notices
    ADD COLUMN to_encrypted varchar,
    ADD COLUMN due_at timestamptz;
UPDATE notices SET due_at = created_at;
ALTER TABLE notices ALTER COLUMN due_at SET NOT NULL;
CREATE INDEX notices_due ON notices (due_at, user_id) WHERE state = 'pending';
-- The API writes what it did to an account itself; what a process did is told by that process.
GRANT INSERT ON notices TO parker_app;
CREATE POLICY of_the_account ON notices AS RESTRICTIVE FOR INSERT TO parker_app
    WITH CHECK (campaign_id IS NULL AND booking_id IS NULL);
"""
DOWN = """
DROP POLICY of_the_account ON notices;
REVOKE INSERT ON notices FROM parker_app;
DROP INDEX notices_due;
ALTER TABLE notices DROP COLUMN due_at, DROP COLUMN to_encrypted;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

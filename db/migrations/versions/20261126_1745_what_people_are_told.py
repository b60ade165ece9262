"""What each person is told, where and when; and an inbox that knows what was read."""

from alembic import op

from db.migrations.rights import secure

revision = "20261126_1745"
down_revision = "20261126_1740"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE notices ADD COLUMN read_at timestamptz;
GRANT UPDATE (read_at) ON notices TO parker_app;
CREATE INDEX notices_inbox ON notices (user_id, created_at DESC, id DESC)
    WHERE channel = 'inbox';
CREATE INDEX notices_unread ON notices (user_id) WHERE channel = 'inbox' AND read_at IS NULL;
CREATE TABLE notice_preferences (
    user_id uuid NOT NULL REFERENCES users (id),
    kind varchar(40) NOT NULL,
    channel varchar(40) NOT NULL,
    choice varchar(40) NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, kind, channel)
);
CREATE TABLE notice_settings (
    user_id uuid PRIMARY KEY REFERENCES users (id),
    quiet_begins time,
    quiet_ends time,
    least_change_percent integer NOT NULL,
    updated_at timestamptz NOT NULL
);
"""
TABLES = ("notice_preferences", "notice_settings")
DOWN = """
DROP TABLE notice_settings;
DROP TABLE notice_preferences;
DROP INDEX notices_unread;
DROP INDEX notices_inbox;
REVOKE UPDATE (read_at) ON notices FROM parker_app;
ALTER TABLE notices DROP COLUMN read_at;
"""


def upgrade() -> None:
    op.execute(UP)
    for table in TABLES:
        secure(table, app="SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    op.execute(DOWN)

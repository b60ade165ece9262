"""Scans that travellers keep with us, sealed with the traveller's own key."""

from alembic import op

from db.migrations.rights import secure

revision = "20261126_1815"
down_revision = "20261126_1840"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE traveler_files (
    id uuid PRIMARY KEY,
    traveler_id uuid NOT NULL REFERENCES travelers,
    user_id uuid NOT NULL REFERENCES users,
    name_encrypted varchar NOT NULL,
    content_encrypted bytea NOT NULL,
    media_type varchar NOT NULL,
    size integer NOT NULL,
    scanned_by varchar,
    scanned_at timestamptz,
    created_at timestamptz NOT NULL
);
CREATE INDEX ix_traveler_files_traveler_id ON traveler_files (traveler_id);
CREATE INDEX ix_traveler_files_user_id ON traveler_files (user_id);
"""


def upgrade() -> None:
    op.execute(UP)
    secure("traveler_files", app="SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    op.execute("DROP TABLE traveler_files")

"""Being forgotten: who asked, what the law makes us keep, and an account of which nothing is left."""

from alembic import op

from db.migrations.rights import secure

revision = "20261126_1810"
down_revision = "20261126_1800"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE users ADD COLUMN erased_at timestamptz;
CREATE TABLE erasures (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    traveler_id uuid,
    state varchar(40) NOT NULL,
    waits_for jsonb NOT NULL,
    asked_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    ended_at timestamptz,
    row_version integer NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX ix_erasures_user_id ON erasures (user_id);
CREATE UNIQUE INDEX erasures_one_open ON erasures (user_id, coalesce(traveler_id, user_id))
    WHERE state IN ('asked', 'begun');
CREATE INDEX erasures_open ON erasures (due_at) WHERE state IN ('asked', 'begun');
CREATE TABLE retained_records (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    record varchar(40) NOT NULL,
    subject_id uuid NOT NULL,
    sealed varchar NOT NULL,
    keep_until date NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT retained_records_record_subject_id_key UNIQUE (record, subject_id)
);
CREATE INDEX ix_retained_records_user_id ON retained_records (user_id);
CREATE INDEX ix_retained_records_keep_until ON retained_records (keep_until);
"""
# A person asks; all that follows is a process.
ONLY_ASK = """
CREATE POLICY only_ask ON erasures AS RESTRICTIVE FOR INSERT TO parker_app
    WITH CHECK (state = 'asked' AND ended_at IS NULL);
"""
DOWN = """
DROP TABLE retained_records, erasures;
ALTER TABLE users DROP COLUMN erased_at;
"""


def upgrade() -> None:
    op.execute(UP)
    secure("erasures", app="SELECT, INSERT")
    op.execute(ONLY_ASK)
    secure("retained_records", app="")


def downgrade() -> None:
    op.execute(DOWN)

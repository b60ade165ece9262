"""What operators ask for: written down before it is done, and never changed afterwards."""

from alembic import op

revision = "20261127_2130"
down_revision = "20261127_2115"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE operator_actions (
    id uuid PRIMARY KEY,
    key varchar NOT NULL UNIQUE,
    action varchar(40) NOT NULL,
    target_id uuid,
    user_id uuid,
    operator varchar NOT NULL,
    operator_kind varchar(40) NOT NULL,
    role varchar NOT NULL,
    channel varchar(40) NOT NULL,
    reason varchar NOT NULL,
    expected_state varchar NOT NULL,
    expected_version integer,
    payment_id uuid,
    amount_minor bigint,
    currency char(3),
    facts jsonb NOT NULL,
    of_two boolean NOT NULL,
    state varchar(40) NOT NULL,
    decide_by timestamptz,
    decided_by varchar,
    decided_at timestamptz,
    refusal varchar(40),
    note varchar NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT never_alone CHECK (decided_by IS NULL OR decided_by <> operator),
    CONSTRAINT of_two CHECK (
        NOT of_two OR state IN ('waiting', 'declined', 'lapsed', 'refused')
        OR decided_by IS NOT NULL
    )
);
CREATE INDEX ix_operator_actions_user_id ON operator_actions (user_id);
CREATE INDEX operator_actions_of_target ON operator_actions (target_id, created_at);
CREATE INDEX operator_actions_waiting ON operator_actions (decide_by) WHERE state = 'waiting';
ALTER TABLE operator_actions OWNER TO parker_owner;
ALTER TABLE operator_actions ENABLE ROW LEVEL SECURITY;
ALTER TABLE operator_actions FORCE ROW LEVEL SECURITY;
CREATE POLICY every_row ON operator_actions TO parker_worker USING (true);
CREATE POLICY operated ON operator_actions TO parker_operator USING (true);
CREATE POLICY kept ON operator_actions FOR SELECT TO parker_backup USING (true);
GRANT SELECT, INSERT ON operator_actions TO parker_operator;
GRANT UPDATE (state, decided_by, decided_at, refusal, note, updated_at)
    ON operator_actions TO parker_operator;
GRANT SELECT ON operator_actions TO parker_worker;
GRANT UPDATE (state, refusal, note, updated_at) ON operator_actions TO parker_worker;
GRANT SELECT ON operator_actions TO parker_backup;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("DROP TABLE operator_actions")

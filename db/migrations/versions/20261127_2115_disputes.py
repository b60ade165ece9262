"""Disputes over charges, where each stands at the processor."""

from alembic import op

from db.migrations.rights import secure

revision = "20261127_2115"
down_revision = "20261127_2110"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE disputes (
    id uuid PRIMARY KEY,
    dispute_ref varchar NOT NULL UNIQUE,
    payment_id uuid NOT NULL REFERENCES payments (id),
    booking_id uuid REFERENCES bookings (id),
    campaign_id uuid REFERENCES autobooking_campaigns (id),
    user_id uuid NOT NULL REFERENCES users (id),
    status varchar(40) NOT NULL,
    reason varchar NOT NULL,
    amount_minor bigint NOT NULL,
    currency char(3) NOT NULL,
    withdrawn_minor bigint NOT NULL,
    answer_by timestamptz,
    opened_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX ix_disputes_payment_id ON disputes (payment_id);
CREATE INDEX ix_disputes_booking_id ON disputes (booking_id);
CREATE INDEX ix_disputes_campaign_id ON disputes (campaign_id);
CREATE INDEX ix_disputes_user_id ON disputes (user_id);
CREATE INDEX disputes_open ON disputes (opened_at)
    WHERE status NOT IN ('warning_closed', 'prevented', 'won', 'lost');
"""


def upgrade() -> None:
    op.execute(UP)
    secure("disputes", app="SELECT")
    # Ids, amounts and states: an operator lists what must be answered, by deadline.
    op.execute("CREATE POLICY operated ON disputes TO parker_operator USING (true)")


def downgrade() -> None:
    op.execute("DROP TABLE disputes")

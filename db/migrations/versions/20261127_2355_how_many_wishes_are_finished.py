"""Operators see how many wishes that were begun are finished: steps and instants, no answers."""

from alembic import op

revision = "20261127_2355"
down_revision = "20261127_2130"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE POLICY look_up ON campaign_drafts FOR SELECT TO parker_owner USING (true)")
    op.execute(
        "CREATE VIEW glance_drafts AS"
        " SELECT id, user_id, campaign_id, step, created_at, updated_at FROM campaign_drafts"
    )
    op.execute("ALTER VIEW glance_drafts OWNER TO parker_owner")
    op.execute("GRANT SELECT ON glance_drafts TO parker_operator")


def downgrade() -> None:
    op.execute("DROP VIEW glance_drafts")
    op.execute("DROP POLICY look_up ON campaign_drafts")

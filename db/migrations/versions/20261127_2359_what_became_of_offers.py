"""A decision says what became of its offer, and a look without offers says why there were none."""

from alembic import op

revision = "20261127_2359"
down_revision = "20261127_2358"
branch_labels = None
depends_on = None

_ATTEMPTS = """
    SELECT DISTINCT ON (campaign_id, itinerary_key)
        campaign_id, itinerary_key, state, failure_reason
    FROM booking_attempts ORDER BY campaign_id, itinerary_key, number DESC
"""


def upgrade() -> None:
    op.execute(
        "ALTER TABLE offer_decisions ALTER offer_id DROP NOT NULL,"
        " ALTER itinerary_key DROP NOT NULL, ALTER total_minor DROP NOT NULL,"
        " ALTER currency DROP NOT NULL, ADD COLUMN failure_reason varchar(40),"
        " ADD CONSTRAINT offer_decisions_of_an_offer CHECK ("
        "num_nulls(offer_id, itinerary_key, total_minor, currency)"
        " = CASE WHEN verdict = 'unread' THEN 4 ELSE 0 END)"
    )
    # "Booked" was said as soon as an attempt began.
    op.execute(
        "UPDATE offer_decisions d SET"  # noqa: S608  # our own words
        " verdict = CASE WHEN a.state = 'failed' THEN 'failed' ELSE 'attempted' END,"
        " failure_reason = a.failure_reason"
        f" FROM ({_ATTEMPTS}) a"
        " WHERE d.verdict = 'booked' AND a.state <> 'captured'"
        " AND a.campaign_id = d.campaign_id AND a.itinerary_key = d.itinerary_key"
    )


def downgrade() -> None:
    op.execute("DELETE FROM offer_decisions WHERE verdict = 'unread'")
    op.execute(
        "UPDATE offer_decisions SET verdict = 'booked' WHERE verdict IN ('failed', 'attempted')"
    )
    op.execute(
        "ALTER TABLE offer_decisions DROP CONSTRAINT offer_decisions_of_an_offer,"
        " DROP COLUMN failure_reason,"
        " ALTER offer_id SET NOT NULL, ALTER itinerary_key SET NOT NULL,"
        " ALTER total_minor SET NOT NULL, ALTER currency SET NOT NULL"
    )

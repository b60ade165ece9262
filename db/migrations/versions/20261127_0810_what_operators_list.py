"""What operators list without a reason: ids, states, amounts and instants of everybody's things.

A view answers as its owner, who sees every row and shows these columns of it. No name, address,
route, booking reference or text of anybody's is among them: those are seen under a reason.
"""

from alembic import op

revision = "20261127_0810"
down_revision = "20261127_0800"
branch_labels = None
depends_on = None

# The owner did not see the rows of these yet; `users` and `web_sessions` it looks up already.
TABLES = (
    "bookings",
    "autobooking_campaigns",
    "mandates",
    "notices",
    "webhook_deliveries",
    "webhook_tries",
)
# An operator under a reason sends a letter, or a call to a traveller's server, once more.
CHANGED = ("notices", "webhook_deliveries")
VIEWS = {
    "glance_bookings": """
        SELECT id, kind, user_id, campaign_id, attempt_id, provider\\:\\:text AS provider, state,
            status\\:\\:text AS status, duffel_order_id AS order_ref,
            jsonb_array_length(ticket_numbers) AS tickets, departs_at, arrives_at, price_minor,
            currency, penalty_minor, cancelled_by, ticketing_deadline, checked_at,
            schedule_changes, row_version, created_at, updated_at
        FROM bookings
    """,
    "glance_campaigns": """
        SELECT id, user_id, status\\:\\:text AS status, mode, seller, criteria_version,
            budget_minor, currency, opens_at, ends_at, expires_at, hold_off_until, action_reason,
            created_at, updated_at
        FROM autobooking_campaigns
    """,
    "glance_mandates": """
        SELECT id, user_id, campaign_id, kind, criteria_version, cap_minor, currency, key_id,
            consented_at, expires_at, revoked_at
        FROM mandates
    """,
    "glance_notices": """
        SELECT id, user_id, campaign_id, booking_id, event, channel, state, tries, created_at,
            due_at, sent_at
        FROM notices
    """,
    "glance_deliveries": """
        SELECT d.id, d.user_id, d.endpoint_id, d.type, d.state, d.tries, d.next_try_at,
            d.created_at, d.finished_at, t.at AS tried_at, t.status AS http_status,
            t.code AS outcome, t.milliseconds
        FROM webhook_deliveries d
        LEFT JOIN LATERAL (
            SELECT at, status, code, milliseconds FROM webhook_tries
            WHERE delivery_id = d.id ORDER BY at DESC LIMIT 1
        ) t ON true
    """,
    "glance_accounts": """
        SELECT id, role, email_confirmed_at IS NOT NULL AS confirmed, created_at, erased_at
        FROM users
    """,
    "glance_sessions": """
        SELECT id, user_id, created_at, last_seen_at, expires_at, stepped_up_at, revoked_at
        FROM web_sessions
    """,
}
# A reference tells whose booking it is only to somebody who knows it: an id, as other look-ups do.
LOOK_UP = """
CREATE FUNCTION find_booking_by_reference(reference text) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT id FROM bookings WHERE booking_reference = upper(reference) $$;
ALTER FUNCTION find_booking_by_reference(text) OWNER TO parker_owner;
REVOKE ALL ON FUNCTION find_booking_by_reference(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_booking_by_reference(text) TO parker_operator;
"""


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"CREATE POLICY look_up ON {table} FOR SELECT TO parker_owner USING (true)")
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")
        op.execute(f"ALTER VIEW {name} OWNER TO parker_owner")
        op.execute(f"GRANT SELECT ON {name} TO parker_operator")
    for table in CHANGED:
        op.execute(f"GRANT UPDATE ON {table} TO parker_operator")
    op.execute(LOOK_UP)


def downgrade() -> None:
    op.execute("DROP FUNCTION find_booking_by_reference(text)")
    for table in CHANGED:
        op.execute(f"REVOKE UPDATE ON {table} FROM parker_operator")
    for name in VIEWS:
        op.execute(f"DROP VIEW {name}")
    for table in TABLES:
        op.execute(f"DROP POLICY look_up ON {table}")

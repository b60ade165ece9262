"""Roles, what each may do, and row-level security on everything that belongs to a person.

parker_owner owns the tables, parker_app is the API, parker_worker the worker and the operator.
They are groups without a login: a login that is a member takes one on with `SET ROLE`.
"""

from alembic import op

revision = "20261121_0801"
down_revision = "20261121_0800"
branch_labels = None
depends_on = None

ROLES = ("parker_owner", "parker_app", "parker_worker")

# What the API itself changes. All else is changed by a process, so the API may only read it.
KEPT_BY_API = (
    "users",
    "api_keys",
    "data_keys",
    "travelers",
    "traveler_documents",
    "payment_customers",
    "payment_methods",
    "payment_setups",
)
OWNED_BY_PERSON = (
    "autobooking_campaigns",
    "mandates",
    "campaign_events",
    "proposals",
    "booking_attempts",
    "provider_calls",
    "payments",
    "refunds",
    "bookings",
    "autobooking_results",
    "offer_decisions",
    "notices",
    "operator_tasks",
)
# A card that its owner gives up is replaced in their campaigns within the same transaction.
REPLACE_CARD = "GRANT UPDATE (payment_method_id) ON autobooking_campaigns TO parker_app"
# Nobody's: what the market looks like, and the installation's own settings.
SHARED = (
    "looks",
    "price_observations",
    "offer_snapshots",
    "pair_states",
    "switches",
)
SEQUENCES = ("price_observations_id_seq", "offer_decisions_id_seq")

# Roles belong to the whole server: another database may have made them, even at this moment.
CREATE_ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        CREATE ROLE {role} NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$
"""
JOIN_ROLE = """
DO $$ BEGIN
    IF NOT pg_has_role(current_user, '{role}', 'SET') THEN
        GRANT {role} TO CURRENT_USER;
    END IF;
END $$
"""
SECURE = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON {table} TO parker_app
    USING ({column} = nullif(current_setting('app.user_id', true), '')\\:\\:uuid);
CREATE POLICY every_row ON {table} TO parker_worker USING (true);
"""
# A key or an address is presented before it is known whose it is, so these two questions are
# answered by the owner. They tell one row to somebody who knows its secret, and nothing else.
LOOK_UPS = """
CREATE POLICY look_up ON api_keys FOR SELECT TO parker_owner USING (true);
CREATE POLICY look_up ON users FOR SELECT TO parker_owner USING (true);
CREATE FUNCTION find_api_key(hash text) RETURNS SETOF api_keys
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT * FROM api_keys WHERE key_hash = hash $$;
CREATE FUNCTION find_user_by_email_hmac(hmac text) RETURNS SETOF users
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT * FROM users WHERE email_hmac = hmac $$;
"""
FUNCTIONS = ("find_api_key(text)", "find_user_by_email_hmac(text)")


def upgrade() -> None:
    for role in ROLES:
        op.execute(CREATE_ROLE.format(role=role))
        op.execute(JOIN_ROLE.format(role=role))
    op.execute("GRANT USAGE ON SCHEMA public TO parker_app, parker_worker")
    op.execute("GRANT USAGE, CREATE ON SCHEMA public TO parker_owner")
    for table in KEPT_BY_API + OWNED_BY_PERSON:
        op.execute(SECURE.format(table=table, column="id" if table == "users" else "user_id"))
    for table in KEPT_BY_API + OWNED_BY_PERSON + SHARED:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO parker_worker")
        rights = "SELECT, INSERT, UPDATE, DELETE" if table in KEPT_BY_API else "SELECT"
        op.execute(f"GRANT {rights} ON {table} TO parker_app")
        op.execute(f"ALTER TABLE {table} OWNER TO parker_owner")
    op.execute(REPLACE_CARD)
    for sequence in SEQUENCES:
        op.execute(f"GRANT USAGE ON SEQUENCE {sequence} TO parker_worker")
    for kind in ("autobooking_status", "booking_status", "booking_provider"):
        op.execute(f"ALTER TYPE {kind} OWNER TO parker_owner")
    op.execute(LOOK_UPS)
    for function in FUNCTIONS:
        op.execute(f"ALTER FUNCTION {function} OWNER TO parker_owner")
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO parker_app, parker_worker")


def downgrade() -> None:
    """Take it all back, but leave the roles: other databases of the server may use them."""
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    for table in ("api_keys", "users"):
        op.execute(f"DROP POLICY look_up ON {table}")
    for table in KEPT_BY_API + OWNED_BY_PERSON:
        op.execute(f"DROP POLICY own_rows ON {table}")
        op.execute(f"DROP POLICY every_row ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for kind in ("autobooking_status", "booking_status", "booking_provider"):
        op.execute(f"ALTER TYPE {kind} OWNER TO CURRENT_USER")
    for sequence in SEQUENCES:
        op.execute(f"REVOKE ALL ON SEQUENCE {sequence} FROM parker_worker")
    for table in KEPT_BY_API + OWNED_BY_PERSON + SHARED:
        op.execute(f"ALTER TABLE {table} OWNER TO CURRENT_USER")
        op.execute(f"REVOKE ALL ON {table} FROM parker_app, parker_worker")
    op.execute("REVOKE ALL ON SCHEMA public FROM parker_app, parker_worker, parker_owner")

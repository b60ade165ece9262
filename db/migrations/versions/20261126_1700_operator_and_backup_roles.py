"""Roles for operators and for backups; look-ups that tell ids; no right that nobody gave."""

from alembic import op

from db.migrations.rights import drop_operator_and_backup, let_backup_read, let_operator_look

revision = "20261126_1700"
down_revision = "20261126_1656"
branch_labels = None
depends_on = None

# Who somebody is and where they want to go: an operator sees it under a reason, and only then.
PERSONAL = {
    "users": "SELECT, INSERT, UPDATE",
    "api_keys": "SELECT, INSERT, UPDATE",
    "travelers": "SELECT",
    "traveler_documents": "SELECT",
    "payment_customers": "SELECT",
    "payment_methods": "SELECT",
    "payment_setups": "SELECT",
    "autobooking_campaigns": "SELECT",
    "mandates": "SELECT",
    "campaign_events": "SELECT",
    "proposals": "SELECT",
    "bookings": "SELECT",
    "autobooking_results": "SELECT",
    "offer_decisions": "SELECT",
    "notices": "SELECT",
    "web_sessions": "SELECT, UPDATE",
}
# Ids, amounts and states, which operators must be able to list.
OPERATED = {
    "booking_attempts": "SELECT",
    "provider_calls": "SELECT",
    "payments": "SELECT",
    "refunds": "SELECT",
    "operator_tasks": "SELECT, UPDATE",
}
# Secrets, which are for no operator to see.
SECRET = ("data_keys", "totp_factors", "recovery_codes", "code_failures", "passkeys")
SHARED = {
    "looks": "SELECT",
    "price_observations": "SELECT",
    "offer_snapshots": "SELECT",
    "pair_states": "SELECT",
    "switches": "SELECT, INSERT, UPDATE",
}
SEQUENCES = ("price_observations_id_seq", "offer_decisions_id_seq")

# Roles belong to the whole server: another database may have made them, even at this moment.
# A login of their own each, without a password until somebody gives one.
CREATE_ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        CREATE ROLE {role} LOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$
"""
LET_LOG_IN = """
DO $$ BEGIN
    IF NOT (SELECT rolcanlogin FROM pg_roles WHERE rolname = '{role}') THEN
        ALTER ROLE {role} LOGIN;
    END IF;
-- Where roles are another's to change, that one says who logs in.
EXCEPTION WHEN insufficient_privilege THEN NULL;
END $$
"""
JOIN_ROLE = """
DO $$ BEGIN
    IF NOT pg_has_role(current_user, '{role}', 'SET') THEN
        GRANT {role} TO CURRENT_USER;
    END IF;
END $$
"""
READS = """
CREATE TABLE personal_reads (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    operator varchar NOT NULL,
    what varchar NOT NULL,
    why_encrypted varchar NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX personal_reads_by_user ON personal_reads (user_id, at);
ALTER TABLE personal_reads OWNER TO parker_owner;
ALTER TABLE personal_reads ENABLE ROW LEVEL SECURITY;
ALTER TABLE personal_reads FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON personal_reads FOR SELECT TO parker_app
    USING (user_id = nullif(current_setting('app.user_id', true), '')\\:\\:uuid);
CREATE POLICY every_row ON personal_reads TO parker_worker USING (true);
CREATE POLICY write_down ON personal_reads FOR INSERT TO parker_operator WITH CHECK (true);
CREATE POLICY look_up ON personal_reads FOR SELECT TO parker_owner USING (true);
GRANT SELECT ON personal_reads TO parker_app;
GRANT SELECT, DELETE ON personal_reads TO parker_worker;
GRANT INSERT ON personal_reads TO parker_operator;
-- The reason was committed before: one written down in this very transaction could be taken back
-- after the look.
CREATE FUNCTION operator_may_look(person uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT EXISTS (
        SELECT FROM personal_reads
        WHERE id = nullif(current_setting('app.read_id', true), '')\\:\\:uuid
            AND user_id = person
            AND xmin IS DISTINCT FROM pg_current_xact_id_if_assigned()\\:\\:xid
    ) $$;
"""
# Both told whole rows: a secret in the wrong place should open an id, no more.
LOOK_UPS = """
DROP FUNCTION find_api_key(text);
DROP FUNCTION find_user_by_email_hmac(text);
CREATE FUNCTION find_api_key(hash text) RETURNS TABLE (key_id uuid, user_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT id, api_keys.user_id FROM api_keys WHERE key_hash = hash AND revoked_at IS NULL $$;
CREATE FUNCTION find_user_by_email_hmac(hmac text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT id FROM users WHERE email_hmac = hmac $$;
"""
OLD_LOOK_UPS = """
DROP FUNCTION find_api_key(text);
DROP FUNCTION find_user_by_email_hmac(text);
CREATE FUNCTION find_api_key(hash text) RETURNS SETOF api_keys
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT * FROM api_keys WHERE key_hash = hash $$;
CREATE FUNCTION find_user_by_email_hmac(hmac text) RETURNS SETOF users
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT * FROM users WHERE email_hmac = hmac $$;
"""
FUNCTIONS = ("find_api_key(text)", "find_user_by_email_hmac(text)")


def upgrade() -> None:
    for role in ("parker_operator", "parker_backup"):
        op.execute(CREATE_ROLE.format(role=role))
        op.execute(JOIN_ROLE.format(role=role))
    for role in ("parker_app", "parker_worker"):
        op.execute(LET_LOG_IN.format(role=role))
    op.execute("GRANT USAGE ON SCHEMA public TO parker_operator, parker_backup")
    # What a migration makes is nobody's until it says otherwise; a backup has all of it.
    op.execute("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO parker_backup")
    op.execute(
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON SEQUENCES TO parker_backup"
    )
    op.execute(READS)
    _give("operator_may_look(person uuid)", "parker_operator")
    let_backup_read("personal_reads")
    for table, rights in PERSONAL.items():
        column = "id" if table == "users" else "user_id"
        let_operator_look(table, column=column, rights=rights)
        let_backup_read(table)
    for table in SECRET:
        let_backup_read(table)
    op.execute("GRANT SELECT ON passkey_challenges TO parker_backup")
    for table, rights in OPERATED.items():
        op.execute(f"CREATE POLICY operated ON {table} TO parker_operator USING (true)")
        op.execute(f"GRANT {rights} ON {table} TO parker_operator")
        let_backup_read(table)
    for table, rights in SHARED.items():
        op.execute(f"GRANT {rights} ON {table} TO parker_operator")
        op.execute(f"GRANT SELECT ON {table} TO parker_backup")
    op.execute("GRANT SELECT ON alembic_version TO parker_backup")
    for sequence in SEQUENCES:
        op.execute(f"GRANT SELECT ON SEQUENCE {sequence} TO parker_backup")
    op.execute(LOOK_UPS)
    for function in FUNCTIONS:
        _give(function, "parker_app, parker_worker, parker_operator")


def _give(function: str, roles: str) -> None:
    op.execute(f"ALTER FUNCTION {function} OWNER TO parker_owner")
    op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {roles}")


def downgrade() -> None:
    """Take it all back, but leave the roles: other databases of the server may use them."""
    op.execute(OLD_LOOK_UPS)
    for function in FUNCTIONS:
        _give(function, "parker_app, parker_worker")
    for table in (*PERSONAL, *OPERATED, *SECRET):
        drop_operator_and_backup(table)
    for table in OPERATED:
        op.execute(f"DROP POLICY operated ON {table}")
    op.execute("DROP FUNCTION operator_may_look(uuid)")
    op.execute("DROP TABLE personal_reads")
    op.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM parker_operator, parker_backup")
    op.execute("REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM parker_operator, parker_backup")
    op.execute("REVOKE ALL ON SCHEMA public FROM parker_operator, parker_backup")
    for kind in ("TABLES", "SEQUENCES"):
        op.execute(
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON {kind} FROM parker_backup"
        )
    op.execute("ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC")

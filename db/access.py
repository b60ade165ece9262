"""Which database role may do what in which table: the one place that says so.

Migrations give the rights (`db/migrations/rights.py`); tests/db/test_access_by_sql.py tries every
table as every role and compares. A new table needs its line here.

S, I, U, D are select, insert, update, delete. i and u: only the columns that `columns` names.
Before the stroke stands what may be done to rows of the transaction's person, after it what may be
done to all others. For the operator that person is the one being looked at under a reason on
record, so "S/" reads: after saying why, and never otherwise.
"""

from dataclasses import dataclass, field

from db.session import APP_ROLE, BACKUP_ROLE, OPERATOR_ROLE, WORKER_ROLE


@dataclass(frozen=True)
class Access:
    app: str
    worker: str = "SIUD/SIUD"
    operator: str = "S/"
    backup: str = "S/S"
    columns: dict[str, frozenset[str]] = field(default_factory=dict)
    """For the app: the columns that an i or u is about."""

    def of(self, role: str) -> str:
        return {
            APP_ROLE: self.app,
            WORKER_ROLE: self.worker,
            OPERATOR_ROLE: self.operator,
            BACKUP_ROLE: self.backup,
        }[role]


KEPT_BY_API = Access(app="SIUD/")
SECRET = Access(app="SIUD/", operator="/")
OWNED_BY_PROCESS = Access(app="S/")
OPERATED = Access(app="S/", operator="S/S")
SHARED = Access(app="S/S", operator="S/S")

TABLES: dict[str, Access] = {
    # What the API itself changes, on behalf of its person.
    "users": Access(
        # Nobody gives themselves a role.
        app="Siu/",
        operator="SIU/",
        columns={
            "i": frozenset(
                {
                    "id",
                    "email_encrypted",
                    "email_hmac",
                    "created_at",
                    "password_hash",
                    "locale",
                    "time_zone",
                    "display_currency",
                }
            ),
            "u": frozenset(
                {
                    "email_encrypted",
                    "email_hmac",
                    "password_hash",
                    "email_confirmed_at",
                    "consent_blocked_until",
                    "locale",
                    "time_zone",
                    "display_currency",
                }
            ),
        },
    ),
    "web_sessions": Access(app="SIUD/", operator="SU/"),
    "account_links": KEPT_BY_API,
    "shareable_links": KEPT_BY_API,
    "oidc_identities": KEPT_BY_API,
    "pending_sign_ins": SECRET,
    # Keys are hashes and name nobody; a try is counted before it is known who asks.
    "throttles": Access(app="SIUD/SIUD", operator="/"),
    "api_keys": Access(app="SIUD/", operator="SIU/"),
    "api_key_commitments": KEPT_BY_API,
    "travelers": KEPT_BY_API,
    "traveler_documents": KEPT_BY_API,
    "traveler_files": KEPT_BY_API,
    "payment_customers": KEPT_BY_API,
    "payment_methods": KEPT_BY_API,
    "payment_setups": KEPT_BY_API,
    "campaign_drafts": KEPT_BY_API,
    "trip_requests": KEPT_BY_API,
    "notice_preferences": KEPT_BY_API,
    "notice_settings": KEPT_BY_API,
    "webhook_endpoints": KEPT_BY_API,
    "webhook_deliveries": Access(app="SIUD/", operator="SU/"),
    # Secrets, which are for no operator to see.
    "totp_factors": SECRET,
    "recovery_codes": SECRET,
    "code_failures": SECRET,
    "passkeys": SECRET,
    # A question may be put before it is known who will answer.
    "passkey_challenges": Access(app="SIUD/SIUD", operator="/"),
    # What a process changes: the API reads.
    "autobooking_campaigns": Access(
        # A card that its owner gives up is replaced in their campaigns in the same transaction.
        app="Su/",
        columns={"u": frozenset({"payment_method_id"})},
    ),
    "mandates": OWNED_BY_PROCESS,
    "mandate_uses": OWNED_BY_PROCESS,
    # With a salt in hand one could try names.
    "mandate_salts": Access(app="S/", operator="/"),
    "campaign_events": OWNED_BY_PROCESS,
    "proposals": OWNED_BY_PROCESS,
    "bookings": OWNED_BY_PROCESS,
    "autobooking_results": OWNED_BY_PROCESS,
    "offer_decisions": OWNED_BY_PROCESS,
    "campaign_fares": OWNED_BY_PROCESS,
    "notices": Access(
        # The API tells of an account what it did to it, and notes what was read.
        app="SIu/",
        operator="SU/",
        columns={"u": frozenset({"read_at"})},
    ),
    "webhook_tries": OWNED_BY_PROCESS,
    # Ids, amounts and states, which operators must be able to list.
    "booking_attempts": OPERATED,
    "provider_calls": OPERATED,
    "payments": OPERATED,
    "refunds": OPERATED,
    "disputes": OPERATED,
    "operator_tasks": Access(app="S/", operator="SU/SU"),
    # A person asks to be forgotten; all that follows is a process.
    "erasures": Access(app="SI/"),
    "retained_records": Access(app="/"),
    # Nobody changes what was written down about a look but its end of keeping.
    "personal_reads": Access(app="S/", worker="SD/SD", operator="I/I"),
    # Nobody changes or removes what was done; an operator may list it: it names nobody.
    "audit_log": Access(app="SI/", worker="SI/SI", operator="SI/SI"),
    # What was asked is never changed, by whoever: only what came of it is.
    "operator_actions": Access(app="/", worker="Su/Su", operator="SIu/SIu", backup="S/S"),
    "audit_chain": Access(app="/", worker="SI/SI", operator="S/S"),
    # Nobody's: what the market looks like, and the installation's own switches.
    "looks": SHARED,
    "price_observations": SHARED,
    "offer_snapshots": SHARED,
    "pair_states": SHARED,
    # The API stores what comes in and counts what comes again; an operator has it worked on anew.
    "provider_events": Access(
        app="SIu/SIu",
        operator="SU/SU",
        columns={"u": frozenset({"times", "last_at"})},
    ),
    "switches": Access(app="S/S", operator="SIU/SIU"),
}

# Views that show operators the same few columns of everybody's rows, without a reason: ids, states,
# amounts and instants. What says who somebody is, or where they want to go, has no place here.
GLANCES: dict[str, str] = {
    "glance_bookings": (
        "id kind user_id campaign_id attempt_id provider state status order_ref tickets departs_at"
        " arrives_at price_minor currency penalty_minor cancelled_by ticketing_deadline checked_at"
        " schedule_changes row_version created_at updated_at"
    ),
    "glance_campaigns": (
        "id user_id status mode seller criteria_version budget_minor currency opens_at ends_at"
        " expires_at hold_off_until action_reason created_at updated_at"
    ),
    "glance_searches": "id user_id looks offers looked_at",
    "glance_mandates": (
        "id user_id campaign_id kind criteria_version cap_minor currency key_id consented_at"
        " expires_at revoked_at"
    ),
    "glance_notices": (
        "id user_id campaign_id booking_id event channel state tries created_at due_at sent_at"
    ),
    "glance_deliveries": (
        "id user_id endpoint_id type state tries next_try_at created_at finished_at tried_at"
        " http_status outcome milliseconds"
    ),
    "glance_drafts": "id user_id campaign_id step created_at updated_at",
    "glance_accounts": "id role confirmed created_at erased_at",
    "glance_sessions": "id user_id created_at last_seen_at expires_at stepped_up_at revoked_at",
}

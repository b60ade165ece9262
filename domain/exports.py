"""What somebody gets who asks for all of their data: which file holds what, and what is in none."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ExportFile:
    """One file, and the tables whose rows of the person are in it."""

    name: str
    holds: str
    tables: tuple[str, ...]


FILES = (
    ExportFile(
        "account",
        "Your account, how it is opened, and what you chose to be told",
        (
            "users",
            "web_sessions",
            "shareable_links",
            "api_keys",
            "api_key_commitments",
            "passkeys",
            "totp_factors",
            "oidc_identities",
            "notice_settings",
            "notice_preferences",
            "webhook_endpoints",
        ),
    ),
    ExportFile(
        "travellers",
        "Your travellers, their documents, and which scans there are",
        ("travelers", "traveler_documents", "traveler_files"),
    ),
    ExportFile(
        "cards",
        "Your cards, as far as we know them",
        ("payment_customers", "payment_methods", "payment_setups"),
    ),
    ExportFile(
        "wishes",
        "Your wishes, what happened to them, and why offers were or were not booked",
        (
            "autobooking_campaigns",
            "campaign_drafts",
            "trip_requests",
            "campaign_events",
            "campaign_fares",
            "proposals",
            "offer_decisions",
            "autobooking_results",
        ),
    ),
    ExportFile(
        "consents",
        "What you consented to, as it was signed, with the salts of your travellers' digests",
        ("mandates", "mandate_salts", "mandate_uses"),
    ),
    ExportFile(
        "bookings",
        "Your bookings, and every try to make one",
        ("bookings", "booking_attempts", "provider_calls", "operator_tasks"),
    ),
    ExportFile(
        "money",
        "What was held, charged, refunded and disputed",
        ("payments", "refunds", "disputes"),
    ),
    ExportFile(
        "messages",
        "What we told you, by mail, here or to your webhooks",
        ("notices", "webhook_deliveries", "webhook_tries"),
    ),
    ExportFile(
        "care",
        "Who of us looked at your data, what was done, and what you asked to have erased",
        ("personal_reads", "audit_log", "erasures"),
    ),
)

NOT_EXPORTED: Mapping[str, str] = {
    "account_links": "links of mails that work once: hashes of secrets",
    "pending_sign_ins": "sign-ins that were begun: hashes of secrets",
    "recovery_codes": "hashes of secrets",
    "code_failures": "how often a code was wrong lately, which helps nobody but a thief",
    "operator_actions": "what of them was done is in the audit log",
    "retained_records": "there are none of somebody who is here",
}

# What opens something, or recognises it again: in no file, whoever asks.
HIDDEN = frozenset(
    {
        "password_hash",
        "email_hmac",
        "key_hash",
        "token_hash",
        "fingerprint_hmac",
        "identity_hash",
        "body_hmac",
        "public_key",
        "secret_encrypted",
        "old_secret_encrypted",
        "nonce",
        # Where somebody came from is theirs to know: it may be one of us.
        "network",
    }
)

# Files, which are given as files and not as text within one.
APART = frozenset({"content_encrypted"})

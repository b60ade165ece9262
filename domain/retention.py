"""What is kept of a person, for how long, and what becomes of it when they are erased: one table.

Every table of the database has its line here (a test holds them together). The erasure follows it,
the retention run follows it, and the privacy page shows it in these words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum


class Fate(StrEnum):
    """What becomes of a person's rows when the person is erased."""

    GONE = "gone"
    EMPTIED = "emptied"  # ids, amounts and states stay; what describes a person goes
    KEPT = "kept"
    NOBODYS = "nobodys"  # the rows belong to no person


@dataclass(frozen=True)
class Rule:
    fate: Fate
    empties: Mapping[str, object] = field(default_factory=dict)
    """What stands in an emptied row's columns afterwards."""
    of_traveler: str | None = None
    """The column that names a traveller, whose rows go with that traveller alone."""


GONE, KEPT, NOBODYS = Rule(Fate.GONE), Rule(Fate.KEPT), Rule(Fate.NOBODYS)


def _emptied(**empties: object) -> Rule:
    return Rule(Fate.EMPTIED, empties)


LONG_AGO = date(1970, 1, 1)

TABLES: Mapping[str, Rule] = {
    # Who somebody is. The row of the account stays, since amounts point to it; it names nobody.
    "users": _emptied(
        email_encrypted="",
        password_hash=None,
        email_confirmed_at=None,
        locale="en",
        time_zone="UTC",
        display_currency=None,
    ),
    "travelers": Rule(Fate.GONE, of_traveler="id"),
    "traveler_documents": Rule(Fate.GONE, of_traveler="traveler_id"),
    "traveler_files": Rule(Fate.GONE, of_traveler="traveler_id"),
    # What opens the account.
    "web_sessions": GONE,
    "api_keys": GONE,
    "api_key_commitments": GONE,
    "account_links": GONE,
    "shareable_links": GONE,
    "pending_sign_ins": GONE,
    "totp_factors": GONE,
    "recovery_codes": GONE,
    "code_failures": GONE,
    "passkeys": GONE,
    "oidc_identities": GONE,
    # Cards, as far as we know them.
    "payment_customers": GONE,
    "payment_setups": GONE,
    "payment_methods": _emptied(
        method_ref_encrypted="",
        brand="",
        last4="",
        exp_month=1,
        exp_year=1970,
        fingerprint_hmac=None,
        is_default=False,
        status="detached",
        status_reason=None,
    ),
    # What somebody wished for, and what we told them.
    "campaign_drafts": GONE,
    "autobooking_campaigns": _emptied(
        own_name="",
        criteria={},
        party={},
        traveler_ids=[],
        trip_request_id=None,
        origin_code="",
        destination_code="",
        departure_date_start=LONG_AGO,
        departure_date_end=LONG_AGO,
        action_reason=None,
        body_hmac="",
    ),
    "trip_requests": GONE,
    "campaign_events": GONE,
    "campaign_fares": GONE,
    "offer_decisions": GONE,
    "autobooking_results": GONE,
    "notices": GONE,
    "notice_preferences": GONE,
    "notice_settings": GONE,
    "webhook_endpoints": GONE,
    "webhook_deliveries": GONE,
    "webhook_tries": GONE,
    "booking_attempts": _emptied(
        pair={},
        itinerary_key="",
        offer_id=None,
        offer_request_id=None,
        proposal_id=None,
        failure_detail=None,
    ),
    "proposals": GONE,
    "operator_tasks": _emptied(detail=""),
    # What was booked and paid. The receipt is written before the rows are emptied.
    "bookings": _emptied(
        raw_order_encrypted=None,
        itinerary={},
        booking_reference=None,
        duffel_offer_id=None,
        ticket_numbers=[],
        quote=None,
    ),
    "payments": _emptied(redirect_url_encrypted=None),
    "refunds": KEPT,
    "disputes": KEPT,
    "provider_calls": KEPT,
    "mandates": KEPT,
    "mandate_uses": KEPT,
    "mandate_salts": Rule(Fate.GONE, of_traveler="traveler_id"),
    # What was written down about the care of the data itself.
    "personal_reads": KEPT,
    "audit_log": KEPT,
    "operator_actions": KEPT,
    "erasures": KEPT,
    "retained_records": KEPT,
    # Nobody's.
    "throttles": NOBODYS,
    "passkey_challenges": NOBODYS,
    "looks": NOBODYS,
    "price_observations": NOBODYS,
    "offer_snapshots": NOBODYS,
    "pair_states": NOBODYS,
    "switches": NOBODYS,
    "provider_events": NOBODYS,
    "audit_chain": NOBODYS,
}


class Record(StrEnum):
    """What the law makes us keep of somebody who is gone, each under its own words."""

    RECEIPT = "receipt"
    MANDATE = "mandate"
    LOOKS = "looks"
    ERASURE = "erasure"


@dataclass(frozen=True)
class Kept:
    """One thing that stays after an erasure, as the privacy page says it."""

    record: Record
    title: str
    fields: str
    because: str
    years: int


def kept_after_erasure(*, receipts_years: int, mandates_years: int) -> tuple[Kept, ...]:
    """Return what stays, for how many years, and why. The years are the installation's choice."""
    return (
        Kept(
            Record.RECEIPT,
            "Receipts",
            "your e-mail address, the booking reference and ticket numbers, the route and its"
            " dates, what was charged to which card (its brand and last four digits) and what was"
            " refunded, each with its date",
            "Tax and commercial law want the books of a sale kept. Encrypted under a key of its"
            " own, which is opened for an audit or a dispute only.",
            receipts_years,
        ),
        Kept(
            Record.MANDATE,
            "Your signed consents",
            "the limits you consented to (amounts, route, dates, number of travellers), when you"
            " gave and withdrew them, the signatures, and digests that stand for your travellers"
            " and name nobody once their salts are gone",
            "They show that a charge was allowed, for as long as it can be disputed.",
            mandates_years,
        ),
        Kept(
            Record.LOOKS,
            "Who of us looked at your data",
            "when, who, and at what; not the reason, which is encrypted under your key and goes"
            " with it",
            "So that a misuse can be followed up.",
            3,
        ),
        Kept(
            Record.ERASURE,
            "That you were erased",
            "the day, and the number that your account had",
            "To show that we did as you asked, and to erase you again if an older backup is ever"
            " restored.",
            3,
        ),
    )


def keep_until(last_payment: date, years: int) -> date:
    """Return the last day on which a record is kept: so many years after its year has ended.

    >>> keep_until(date(2026, 11, 26), 10)
    datetime.date(2036, 12, 31)
    """
    return date(last_payment.year + years, 12, 31)


@dataclass(frozen=True)
class Period:
    """How long something is kept while its owner is there, and what then becomes of it."""

    what: str
    days: int
    then: str

    @property
    def span(self) -> timedelta:
        return timedelta(days=self.days)


class Sweep(StrEnum):
    """What the retention run clears away, in this order."""

    PRICES = "prices"
    OFFERS = "offers"
    DECISIONS = "decisions"
    MARKET = "market"  # after what points to a search
    EVENTS = "events"
    NOTICES = "notices"
    DRAFTS = "drafts"
    SESSIONS = "sessions"
    LINKS = "links"
    CARD_VISITS = "card visits"
    PROVIDER_EVENTS = "provider events"
    LOOKS_AT_PEOPLE = "looks at people"
    UNCONFIRMED = "unconfirmed accounts"
    RECORDS = "records"


PERIODS: Mapping[Sweep, Period] = {
    Sweep.PRICES: Period(
        "Prices seen on a route", 120, "only the cheapest of each day and date pair is kept"
    ),
    Sweep.MARKET: Period("Searches and the prices that were kept", 800, "deleted"),
    Sweep.OFFERS: Period("Offers that a wish considered, as they were", 90, "deleted"),
    Sweep.DECISIONS: Period("Why an offer was not booked, after a wish has ended", 180, "deleted"),
    Sweep.EVENTS: Period("What happened to a wish, after it has ended", 730, "deleted"),
    Sweep.NOTICES: Period("Messages that were sent to you", 400, "deleted"),
    Sweep.DRAFTS: Period("Wishes that were begun and not finished", 30, "deleted"),
    Sweep.SESSIONS: Period("Browsers that were signed in, after they have ended", 30, "deleted"),
    Sweep.LINKS: Period(
        "Links of mails and other proofs that work once, after their end", 30, "deleted"
    ),
    Sweep.CARD_VISITS: Period("Visits to the card page that saved no card", 7, "deleted"),
    Sweep.PROVIDER_EVENTS: Period(
        "That the airline's seller or the card processor told us of something: ids and kinds only",
        90,
        "deleted",
    ),
    Sweep.LOOKS_AT_PEOPLE: Period("Who of us looked at your data", 1_096, "deleted"),
    Sweep.UNCONFIRMED: Period(
        "Accounts whose address was never confirmed, if nothing was wished for", 30, "erased"
    ),
    Sweep.RECORDS: Period(
        "What the law makes us keep", 0, "deleted with its key at the end of its term"
    ),
}


@dataclass(frozen=True)
class Run:
    """What one run removed, by kind; a kind that is not there was not cleared, or not yet."""

    at: datetime
    removed: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.removed.values())

    @property
    def missing(self) -> tuple[Sweep, ...]:
        return tuple(sweep for sweep in PERIODS if sweep.value not in self.removed)

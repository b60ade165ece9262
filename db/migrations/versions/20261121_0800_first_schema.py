"""The first schema: people, campaigns, attempts, bookings, money, and what the search knows."""

from alembic import op

revision = "20261121_0800"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TYPE autobooking_status AS ENUM (
    'active', 'awaiting_approval', 'booking', 'needs_action', 'paused', 'booked', 'cancelled',
    'expired'
);
CREATE TYPE booking_provider AS ENUM (
    'amadeus', 'duffel', 'duffel_stays', 'booking_com', 'viator', 'avinode', 'simulator', 'stripe'
);
CREATE TYPE booking_status AS ENUM (
    'pending', 'confirmed', 'ticketed', 'cancelled', 'refunded', 'failed'
);
CREATE TABLE looks (
    id uuid PRIMARY KEY,
    seller varchar NOT NULL,
    pair_key varchar NOT NULL,
    origin varchar NOT NULL,
    destination varchar NOT NULL,
    departs_on date NOT NULL,
    returns_on date,
    cabin varchar NOT NULL,
    party_code varchar NOT NULL,
    reason varchar NOT NULL,
    campaigns integer NOT NULL,
    offers integer NOT NULL,
    cheapest_minor bigint,
    currency char(3),
    failed varchar,
    at timestamptz NOT NULL
);
CREATE INDEX looks_by_pair ON looks (seller, pair_key, at);
CREATE TABLE pair_states (
    seller varchar NOT NULL,
    pair_key varchar NOT NULL,
    last_look_at timestamptz NOT NULL,
    best_minor bigint,
    currency char(3),
    volatility float NOT NULL,
    looks integer NOT NULL,
    PRIMARY KEY (seller, pair_key)
);
CREATE TABLE switches (
    name varchar PRIMARY KEY,
    value jsonb NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by varchar NOT NULL
);
CREATE TABLE users (
    id uuid PRIMARY KEY,
    email_encrypted varchar NOT NULL,
    email_hmac varchar NOT NULL UNIQUE,
    created_at timestamptz NOT NULL
);
CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users,
    key_hash varchar NOT NULL UNIQUE,
    prefix varchar NOT NULL,
    name varchar NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX ix_api_keys_user_id ON api_keys (user_id);
CREATE TABLE data_keys (
    user_id uuid PRIMARY KEY REFERENCES users,
    wrapped_key varchar NOT NULL,
    master_key_id varchar NOT NULL,
    created_at timestamptz NOT NULL,
    rotated_at timestamptz
);
CREATE INDEX ix_data_keys_master_key_id ON data_keys (master_key_id);
CREATE TABLE offer_snapshots (
    look_id uuid NOT NULL REFERENCES looks,
    offer_id varchar NOT NULL,
    itinerary_key varchar NOT NULL,
    total_minor bigint NOT NULL,
    currency char(3) NOT NULL,
    airline varchar NOT NULL,
    stops integer NOT NULL,
    offer jsonb NOT NULL,
    PRIMARY KEY (look_id, offer_id)
);
CREATE TABLE payment_customers (
    user_id uuid PRIMARY KEY REFERENCES users,
    provider varchar NOT NULL,
    customer_ref_encrypted varchar NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE TABLE payment_methods (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users,
    provider varchar NOT NULL,
    method_ref_encrypted varchar NOT NULL,
    brand varchar NOT NULL,
    last4 varchar NOT NULL,
    exp_month integer NOT NULL,
    exp_year integer NOT NULL,
    fingerprint_hmac varchar,
    is_default boolean NOT NULL,
    status varchar(40) NOT NULL,
    status_reason varchar,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX ix_payment_methods_user_id ON payment_methods (user_id);
CREATE UNIQUE INDEX payment_methods_one_default
    ON payment_methods (user_id)
    WHERE is_default AND status <> 'detached';
CREATE TABLE price_observations (
    id bigserial PRIMARY KEY,
    look_id uuid NOT NULL REFERENCES looks,
    seller varchar NOT NULL,
    pair_key varchar NOT NULL,
    origin varchar NOT NULL,
    destination varchar NOT NULL,
    departs_on date NOT NULL,
    returns_on date,
    cabin varchar NOT NULL,
    party_code varchar NOT NULL,
    stops integer NOT NULL,
    airline varchar NOT NULL,
    refundable boolean,
    total_minor bigint NOT NULL,
    currency char(3) NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX ix_price_observations_look_id ON price_observations (look_id);
CREATE INDEX price_observations_by_pair ON price_observations (seller, pair_key, at);
CREATE TABLE travelers (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users,
    label varchar NOT NULL,
    given_name_encrypted varchar NOT NULL,
    family_name_encrypted varchar NOT NULL,
    born_on_encrypted varchar NOT NULL,
    gender_encrypted varchar NOT NULL,
    title_encrypted varchar NOT NULL,
    email_encrypted varchar NOT NULL,
    phone_encrypted varchar NOT NULL,
    loyalty_encrypted varchar,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE INDEX ix_travelers_user_id ON travelers (user_id);
CREATE TABLE autobooking_campaigns (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users,
    name varchar(255) NOT NULL,
    status autobooking_status NOT NULL,
    mode varchar(40) NOT NULL,
    seller varchar NOT NULL,
    criteria jsonb NOT NULL,
    criteria_version integer NOT NULL,
    traveler_ids uuid[] NOT NULL,
    party jsonb NOT NULL,
    payment_method_id uuid REFERENCES payment_methods,
    budget_minor bigint NOT NULL,
    currency char(3) NOT NULL,
    currency_exponent smallint NOT NULL,
    opens_at timestamptz,
    ends_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    warned_at timestamptz,
    hold_off_until timestamptz,
    action_reason varchar,
    body_hmac varchar NOT NULL,
    event_seq integer NOT NULL,
    row_version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    origin_code varchar(3) NOT NULL,
    destination_code varchar(3) NOT NULL,
    departure_date_start date NOT NULL,
    departure_date_end date NOT NULL,
    budget_max numeric(10, 2) GENERATED ALWAYS AS (
        CASE WHEN budget_minor / power(10.0, currency_exponent) < 100000000
        THEN budget_minor / power(10.0, currency_exponent) END
    ) STORED,
    auto_booking_enabled boolean GENERATED ALWAYS AS (mode = 'auto') STORED
);
CREATE INDEX autobooking_campaigns_by_user ON autobooking_campaigns (user_id, created_at, id);
CREATE INDEX autobooking_campaigns_watched
    ON autobooking_campaigns USING gin ((criteria -> 'origins'), (criteria -> 'destinations'))
    WHERE status = 'active';
CREATE TABLE payment_setups (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users,
    setup_ref_encrypted varchar NOT NULL,
    status varchar NOT NULL,
    payment_method_id uuid REFERENCES payment_methods,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX ix_payment_setups_user_id ON payment_setups (user_id);
CREATE TABLE traveler_documents (
    id uuid PRIMARY KEY,
    traveler_id uuid NOT NULL REFERENCES travelers,
    user_id uuid NOT NULL REFERENCES users,
    kind varchar NOT NULL,
    number_encrypted varchar NOT NULL,
    issuing_country_encrypted varchar NOT NULL,
    expires_on_encrypted varchar,
    created_at timestamptz NOT NULL
);
CREATE INDEX ix_traveler_documents_traveler_id ON traveler_documents (traveler_id);
CREATE INDEX ix_traveler_documents_user_id ON traveler_documents (user_id);
CREATE TABLE campaign_events (
    campaign_id uuid NOT NULL REFERENCES autobooking_campaigns,
    seq integer NOT NULL,
    user_id uuid NOT NULL,
    kind varchar NOT NULL,
    data jsonb NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (campaign_id, seq)
);
CREATE TABLE mandates (
    id uuid PRIMARY KEY,
    campaign_id uuid NOT NULL REFERENCES autobooking_campaigns,
    user_id uuid NOT NULL REFERENCES users,
    criteria_version integer NOT NULL,
    text_version varchar NOT NULL,
    cap_minor bigint NOT NULL,
    currency char(3) NOT NULL,
    consented_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX ix_mandates_campaign_id ON mandates (campaign_id);
CREATE UNIQUE INDEX mandates_one_live ON mandates (campaign_id) WHERE revoked_at IS NULL;
CREATE TABLE offer_decisions (
    id bigserial PRIMARY KEY,
    campaign_id uuid NOT NULL REFERENCES autobooking_campaigns,
    user_id uuid NOT NULL,
    look_id uuid NOT NULL REFERENCES looks,
    criteria_version integer NOT NULL,
    offer_id varchar NOT NULL,
    itinerary_key varchar NOT NULL,
    summary varchar NOT NULL,
    total_minor bigint NOT NULL,
    currency char(3) NOT NULL,
    verdict varchar(40) NOT NULL,
    reason varchar NOT NULL,
    detail varchar NOT NULL,
    score numeric(8, 6),
    score_parts jsonb,
    at timestamptz NOT NULL,
    UNIQUE (campaign_id, look_id, offer_id)
);
CREATE INDEX ix_offer_decisions_look_id ON offer_decisions (look_id);
CREATE INDEX offer_decisions_by_campaign ON offer_decisions (campaign_id, at, id);
CREATE TABLE proposals (
    id uuid PRIMARY KEY,
    campaign_id uuid NOT NULL REFERENCES autobooking_campaigns,
    user_id uuid NOT NULL REFERENCES users,
    criteria_version integer NOT NULL,
    look_id uuid NOT NULL,
    seller varchar NOT NULL,
    pair jsonb NOT NULL,
    itinerary_key varchar NOT NULL,
    itinerary jsonb NOT NULL,
    price_minor bigint NOT NULL,
    currency char(3) NOT NULL,
    status varchar(40) NOT NULL,
    expires_at timestamptz NOT NULL,
    opening_key varchar NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    closed_at timestamptz
);
CREATE INDEX ix_proposals_campaign_id ON proposals (campaign_id);
CREATE UNIQUE INDEX proposals_one_open ON proposals (campaign_id) WHERE status = 'open';
CREATE TABLE booking_attempts (
    id uuid PRIMARY KEY,
    campaign_id uuid NOT NULL REFERENCES autobooking_campaigns,
    user_id uuid NOT NULL REFERENCES users,
    number integer NOT NULL,
    state varchar(40) NOT NULL,
    seller varchar NOT NULL,
    pair jsonb NOT NULL,
    itinerary_key varchar NOT NULL,
    matched_minor bigint NOT NULL,
    limit_minor bigint NOT NULL,
    currency char(3) NOT NULL,
    criteria_version integer NOT NULL,
    payment_method_id uuid NOT NULL REFERENCES payment_methods,
    opening_key varchar NOT NULL UNIQUE,
    proposal_id uuid REFERENCES proposals,
    offer_id varchar,
    offer_request_id varchar,
    failure_reason varchar(40),
    failure_detail varchar,
    look_again boolean NOT NULL,
    ignore_until timestamptz,
    order_sent_at timestamptz,
    offer_expires_at timestamptz,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    row_version integer NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (campaign_id, number)
);
CREATE INDEX booking_attempts_by_card ON booking_attempts (payment_method_id, started_at);
CREATE INDEX booking_attempts_ignoring
    ON booking_attempts (campaign_id, ignore_until)
    WHERE ignore_until IS NOT NULL;
CREATE UNIQUE INDEX booking_attempts_one_live
    ON booking_attempts (campaign_id)
    WHERE state NOT IN ('captured', 'failed');
CREATE INDEX ix_booking_attempts_user_id ON booking_attempts (user_id);
CREATE TABLE autobooking_results (
    id uuid PRIMARY KEY,
    campaign_id uuid NOT NULL REFERENCES autobooking_campaigns,
    attempt_id uuid UNIQUE REFERENCES booking_attempts,
    user_id uuid NOT NULL REFERENCES users,
    duffel_offer_id varchar(255),
    booking_reference varchar(10),
    status booking_status NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX ix_autobooking_results_campaign_id ON autobooking_results (campaign_id);
CREATE TABLE bookings (
    id uuid PRIMARY KEY,
    kind varchar(40) NOT NULL,
    user_id uuid NOT NULL REFERENCES users,
    campaign_id uuid REFERENCES autobooking_campaigns,
    attempt_id uuid REFERENCES booking_attempts,
    provider booking_provider NOT NULL,
    state varchar(40) NOT NULL,
    status booking_status NOT NULL,
    duffel_order_id varchar,
    duffel_offer_id varchar,
    booking_reference varchar,
    ticket_numbers jsonb NOT NULL,
    duffel_order_status varchar,
    raw_order_encrypted varchar,
    itinerary jsonb NOT NULL,
    departs_at timestamptz NOT NULL,
    arrives_at timestamptz NOT NULL,
    price_minor bigint NOT NULL,
    currency char(3) NOT NULL,
    penalty_minor bigint NOT NULL,
    quote jsonb,
    cancelled_by varchar,
    ticketing_deadline timestamptz NOT NULL,
    checked_at timestamptz,
    schedule_changes integer NOT NULL,
    row_version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (provider, duffel_order_id)
);
CREATE INDEX bookings_by_user ON bookings (user_id, created_at, id);
CREATE UNIQUE INDEX bookings_one_live
    ON bookings (campaign_id)
    WHERE campaign_id IS NOT NULL AND state <> 'cancelled';
CREATE INDEX ix_bookings_attempt_id ON bookings (attempt_id);
CREATE INDEX ix_bookings_campaign_id ON bookings (campaign_id);
CREATE TABLE provider_calls (
    id uuid PRIMARY KEY,
    key varchar NOT NULL UNIQUE,
    kind varchar NOT NULL,
    provider varchar NOT NULL,
    attempt_id uuid REFERENCES booking_attempts,
    booking_id uuid,
    user_id uuid NOT NULL REFERENCES users,
    state varchar(40) NOT NULL,
    facts jsonb NOT NULL,
    answer jsonb,
    sent_at timestamptz NOT NULL,
    answered_at timestamptz
);
CREATE INDEX ix_provider_calls_attempt_id ON provider_calls (attempt_id);
CREATE INDEX ix_provider_calls_booking_id ON provider_calls (booking_id);
CREATE INDEX ix_provider_calls_user_id ON provider_calls (user_id);
CREATE INDEX provider_calls_unanswered
    ON provider_calls (sent_at)
    WHERE state IN ('sent', 'unknown');
CREATE TABLE notices (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users,
    subject_id uuid NOT NULL,
    campaign_id uuid REFERENCES autobooking_campaigns,
    booking_id uuid REFERENCES bookings,
    event varchar NOT NULL,
    channel varchar NOT NULL,
    message_id varchar NOT NULL UNIQUE,
    state varchar(40) NOT NULL,
    data jsonb NOT NULL,
    tries integer NOT NULL,
    created_at timestamptz NOT NULL,
    sent_at timestamptz,
    UNIQUE (subject_id, event, channel)
);
CREATE INDEX ix_notices_booking_id ON notices (booking_id);
CREATE INDEX ix_notices_campaign_id ON notices (campaign_id);
CREATE INDEX ix_notices_user_id ON notices (user_id);
CREATE INDEX notices_pending ON notices (created_at) WHERE state = 'pending';
CREATE TABLE operator_tasks (
    id uuid PRIMARY KEY,
    key varchar NOT NULL UNIQUE,
    kind varchar NOT NULL,
    user_id uuid REFERENCES users,
    campaign_id uuid REFERENCES autobooking_campaigns,
    attempt_id uuid REFERENCES booking_attempts,
    booking_id uuid REFERENCES bookings,
    detail varchar NOT NULL,
    state varchar(40) NOT NULL,
    created_at timestamptz NOT NULL,
    closed_at timestamptz
);
CREATE INDEX ix_operator_tasks_attempt_id ON operator_tasks (attempt_id);
CREATE INDEX ix_operator_tasks_booking_id ON operator_tasks (booking_id);
CREATE INDEX ix_operator_tasks_campaign_id ON operator_tasks (campaign_id);
CREATE INDEX ix_operator_tasks_user_id ON operator_tasks (user_id);
CREATE INDEX operator_tasks_open ON operator_tasks (created_at) WHERE state = 'open';
CREATE TABLE payments (
    id uuid PRIMARY KEY,
    attempt_id uuid REFERENCES booking_attempts,
    booking_id uuid REFERENCES bookings,
    campaign_id uuid REFERENCES autobooking_campaigns,
    user_id uuid NOT NULL REFERENCES users,
    round integer NOT NULL,
    rail varchar NOT NULL,
    payment_method_id uuid NOT NULL REFERENCES payment_methods,
    state varchar(40) NOT NULL,
    amount_minor bigint NOT NULL,
    currency char(3) NOT NULL,
    authorised_minor bigint NOT NULL,
    captured_minor bigint NOT NULL,
    refunded_minor bigint NOT NULL,
    intent_ref varchar,
    redirect_url_encrypted varchar,
    capture_before timestamptz,
    decline_kind varchar(40),
    decline_code varchar,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (attempt_id, round)
);
CREATE INDEX ix_payments_booking_id ON payments (booking_id);
CREATE INDEX ix_payments_campaign_id ON payments (campaign_id);
CREATE INDEX ix_payments_intent_ref ON payments (intent_ref);
CREATE INDEX ix_payments_payment_method_id ON payments (payment_method_id);
CREATE INDEX ix_payments_user_id ON payments (user_id);
CREATE TABLE refunds (
    id uuid PRIMARY KEY,
    payment_id uuid NOT NULL REFERENCES payments,
    booking_id uuid NOT NULL REFERENCES bookings,
    user_id uuid NOT NULL REFERENCES users,
    amount_minor bigint NOT NULL,
    currency char(3) NOT NULL,
    status varchar NOT NULL,
    refund_ref varchar,
    reason varchar NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX ix_refunds_booking_id ON refunds (booking_id);
CREATE INDEX ix_refunds_payment_id ON refunds (payment_id);
CREATE INDEX ix_refunds_user_id ON refunds (user_id);
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute(
        """
DROP TABLE
    refunds, payments, operator_tasks, notices, provider_calls, bookings, autobooking_results,
    booking_attempts, proposals, offer_decisions, mandates, campaign_events,
    traveler_documents, payment_setups, autobooking_campaigns, travelers, price_observations,
    payment_methods, payment_customers, offer_snapshots, data_keys, api_keys, users, switches,
    pair_states, looks;
DROP TYPE autobooking_status, booking_provider, booking_status;
"""
    )

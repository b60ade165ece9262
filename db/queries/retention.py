"""Clearing away what was kept long enough, a batch at a time, so that no lock is held for long.

Each returns how many rows went; fewer than the limit means that nothing is left to clear.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.campaigns import ENDED
from domain.retention import Sweep

# Of each day and date pair the cheapest stays: it is what the history of a route shows.
_PRICES = """
DELETE FROM price_observations WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (
            PARTITION BY seller, pair_key, currency, date_trunc('day', at)
            ORDER BY total_minor, id
        ) AS place
        FROM price_observations WHERE at < :before
    ) AS ranked
    WHERE place > 1 LIMIT :limit
)
"""
_OLD_PRICES = """
DELETE FROM price_observations WHERE id IN (
    SELECT id FROM price_observations WHERE at < :before LIMIT :limit
)
"""
_OLD_LOOKS = """
DELETE FROM looks WHERE id IN (
    SELECT id FROM looks l WHERE at < :before
        AND NOT EXISTS (SELECT FROM price_observations WHERE look_id = l.id)
        AND NOT EXISTS (SELECT FROM offer_snapshots WHERE look_id = l.id)
        AND NOT EXISTS (SELECT FROM offer_decisions WHERE look_id = l.id)
    LIMIT :limit
)
"""
_OLD_PAIRS = """
DELETE FROM pair_states WHERE (seller, pair_key) IN (
    SELECT seller, pair_key FROM pair_states WHERE last_look_at < :before LIMIT :limit
)
"""
_OFFERS = """
DELETE FROM offer_snapshots WHERE (look_id, offer_id) IN (
    SELECT s.look_id, s.offer_id FROM offer_snapshots s JOIN looks l ON l.id = s.look_id
    WHERE l.at < :before LIMIT :limit
)
"""
_DECISIONS = """
DELETE FROM offer_decisions WHERE id IN (
    SELECT d.id FROM offer_decisions d JOIN autobooking_campaigns c ON c.id = d.campaign_id
    WHERE CAST(c.status AS text) = ANY(:ended) AND c.updated_at < :before LIMIT :limit
)
"""
_EVENTS = """
DELETE FROM campaign_events WHERE (campaign_id, seq) IN (
    SELECT e.campaign_id, e.seq FROM campaign_events e
    JOIN autobooking_campaigns c ON c.id = e.campaign_id
    WHERE CAST(c.status AS text) = ANY(:ended) AND c.updated_at < :before LIMIT :limit
)
"""
_TRIES = """
DELETE FROM webhook_tries WHERE id IN (
    SELECT t.id FROM webhook_tries t JOIN webhook_deliveries d ON d.id = t.delivery_id
    WHERE d.created_at < :before LIMIT :limit
)
"""
_DELIVERIES = """
DELETE FROM webhook_deliveries WHERE id IN (
    SELECT id FROM webhook_deliveries d WHERE created_at < :before
        AND NOT EXISTS (SELECT FROM webhook_tries WHERE delivery_id = d.id)
    LIMIT :limit
)
"""
_NOTICES = """
DELETE FROM notices WHERE id IN (
    SELECT id FROM notices n WHERE created_at < :before AND state <> 'pending'
        AND NOT EXISTS (SELECT FROM webhook_deliveries WHERE notice_id = n.id)
    LIMIT :limit
)
"""
_DRAFTS = """
DELETE FROM campaign_drafts WHERE id IN (
    SELECT id FROM campaign_drafts WHERE updated_at < :before LIMIT :limit
)
"""
_SESSIONS = """
DELETE FROM web_sessions WHERE id IN (
    SELECT id FROM web_sessions WHERE least(revoked_at, expires_at) < :before LIMIT :limit
)
"""
_LINKS = """
DELETE FROM account_links WHERE id IN (
    SELECT id FROM account_links WHERE expires_at < :before LIMIT :limit
)
"""
_SHARED = """
DELETE FROM shareable_links WHERE id IN (
    SELECT id FROM shareable_links WHERE least(revoked_at, expires_at) < :before LIMIT :limit
)
"""
_SIGN_INS = """
DELETE FROM pending_sign_ins WHERE id IN (
    SELECT id FROM pending_sign_ins WHERE expires_at < :before LIMIT :limit
)
"""
_CHALLENGES = """
DELETE FROM passkey_challenges WHERE challenge_hash IN (
    SELECT challenge_hash FROM passkey_challenges WHERE expires_at < :before LIMIT :limit
)
"""
_THROTTLES = """
DELETE FROM throttles WHERE key IN (
    SELECT key FROM throttles WHERE empty_at < :before LIMIT :limit
)
"""
_CARD_VISITS = """
DELETE FROM payment_setups WHERE id IN (
    SELECT id FROM payment_setups WHERE payment_method_id IS NULL AND created_at < :before
    LIMIT :limit
)
"""
_PROVIDER_EVENTS = """
DELETE FROM provider_events WHERE id IN (
    SELECT id FROM provider_events WHERE received_at < :before LIMIT :limit
)
"""
_LOOKS_AT_PEOPLE = """
DELETE FROM personal_reads WHERE id IN (
    SELECT id FROM personal_reads WHERE at < :before LIMIT :limit
)
"""

_STATEMENTS: Mapping[Sweep, tuple[str, ...]] = {
    Sweep.PRICES: (_PRICES,),
    Sweep.OFFERS: (_OFFERS,),
    Sweep.DECISIONS: (_DECISIONS,),
    Sweep.MARKET: (_OLD_PRICES, _OLD_LOOKS, _OLD_PAIRS),
    Sweep.EVENTS: (_EVENTS,),
    # What was sent goes before what it told of.
    Sweep.NOTICES: (_TRIES, _DELIVERIES, _NOTICES),
    Sweep.DRAFTS: (_DRAFTS,),
    Sweep.SESSIONS: (_SESSIONS,),
    Sweep.LINKS: (_LINKS, _SHARED, _SIGN_INS, _CHALLENGES, _THROTTLES),
    Sweep.CARD_VISITS: (_CARD_VISITS,),
    Sweep.PROVIDER_EVENTS: (_PROVIDER_EVENTS,),
    Sweep.LOOKS_AT_PEOPLE: (_LOOKS_AT_PEOPLE,),
}
Step = Callable[[AsyncSession, datetime, int], Awaitable[int]]


def steps_of(sweep: Sweep) -> tuple[Step, ...]:
    """Return what clears a kind of thing away, in order; each is repeated until nothing is left."""
    return tuple(_step(statement) for statement in _STATEMENTS[sweep])


def _step(statement: str) -> Step:
    ended = {"ended": [state.value for state in ENDED]} if ":ended" in statement else {}

    async def run(session: AsyncSession, before: datetime, limit: int) -> int:
        values = {"before": before, "limit": limit, **ended}
        done = await session.execute(text(statement), values)
        assert isinstance(done, CursorResult)
        return int(done.rowcount)

    return run


async def end_mandates(session: AsyncSession, before: datetime) -> int:
    """Empty the consents of people who are gone, given before this instant."""
    done: Any = await session.execute(
        text(
            "UPDATE mandates SET document = NULL, key_id = NULL, signature = NULL,"
            " passkey = NULL, nonce = NULL"
            " WHERE document IS NOT NULL AND consented_at < :before"
            " AND user_id IN (SELECT id FROM users WHERE erased_at IS NOT NULL)"
        ),
        {"before": before},
    )
    return int(done.rowcount)

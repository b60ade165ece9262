"""The search loop's work: plan a round from the rows, and look at one date pair."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.common import RetryPolicy
from temporalio.workflow import LocalActivityConfig

from activities.failures import heartbeats, to_application_error
from activities.look_decisions import (
    KEEP_ALL_UP_TO,
    decide,
    unread,
    unread_because,
    verdict_of,
)
from activities.offers import WORKER
from activities.options import HEARTBEAT_TIMEOUT, ROWS, ActivityOptions
from db.models import (
    LookRow,
    OfferSnapshotRow,
    PriceObservationRow,
)
from db.queries.campaigns import stop_for, unsigned_campaigns
from db.queries.mandates import live_mandate_row
from db.queries.search import (
    Candidate,
    active_watches,
    campaigns_for_pair,
    find_look,
    known_pairs,
    looks_and_campaigns,
    matches_of_look,
    next_release,
    record_look,
)
from db.queries.transitions import lock_campaign
from db.session import Database
from domain.attempts import FailureReason
from domain.campaigns import CampaignState
from domain.ids import CampaignId, LookId, derive
from domain.matching import Reason, Unread
from domain.messages.campaign import OfferFound
from domain.messages.search import DueLook, LookInput, LookResult, Match, PlanInput, RoundPlan
from domain.money import Money
from domain.offers import Offer, Party
from domain.places import airports_of
from domain.search_plan import Known, Plan, Watch, plan_budgeted, plan_fixed
from providers.errors import ProviderError, ProviderUnavailable
from providers.ports import FlightSearch, OfferGone, SearchRequest, SearchResult
from runtime.clock import activity_now
from runtime.policy import MonitorMode, Policy

PLAN: LocalActivityConfig = ROWS
LOOK_TRIES = 4
LOOKS_SIDE_BY_SIDE = 8
BAGS_ASKED_FOR = 3  # offers whose extra bags are priced, cheapest first, a look
STOPPED_PER_ROUND = 50
_WATCHES = frozenset({CampaignState.ACTIVE, CampaignState.AWAITING_APPROVAL})

# It may wait long for the queue's quota, so only the look itself is timed.
LOOK = ActivityOptions(
    start_to_close_timeout=timedelta(seconds=120),
    heartbeat_timeout=HEARTBEAT_TIMEOUT,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=2),
        maximum_interval=timedelta(seconds=90),
        maximum_attempts=LOOK_TRIES + 1,  # the last one in LOOK_TRIES writes the failure down
    ),
)


class SearchActivities:
    def __init__(self, database: Database, search: FlightSearch, policy: Policy) -> None:
        self._database, self._search, self._policy = database, search, policy

    @activity.defn
    async def plan_round(self, request: PlanInput) -> RoundPlan:
        """Choose the date pairs to look at now, and when to think again."""
        now = activity_now()
        stopped = await self._stop_unsigned(request.seller, now)
        async with self._database.transaction(WORKER) as session:
            watches = await active_watches(session, request.seller, now)
            known = await known_pairs(session, request.seller) if watches else {}
            release = await next_release(session, request.seller, now)
            looks, campaigns = await looks_and_campaigns(session, request.seller)
        slower = max(1.0, looks / max(1, campaigns * self._policy.looks_per_booking))
        plan = self._plan(watches, known, now, slower)
        due = [when for when in (plan.next_due_at, release) if when]
        return RoundPlan(
            looks=tuple(
                DueLook(pair=look.pair, campaigns=look.campaigns, reason=look.reason)
                for look in plan.looks
            ),
            next_due_at=min(due) if due else None,
            summary=_summary(plan, len(watches)),
            width=LOOKS_SIDE_BY_SIDE,
            stopped=stopped,
        )

    async def _stop_unsigned(self, seller: str, now: datetime) -> tuple[CampaignId, ...]:
        """Stop who watches under a consent from before consents were signed, some at a time.

        Nothing could be charged under it: they are asked for another before a fare comes by.
        """
        async with self._database.transaction(WORKER) as session:
            found = await unsigned_campaigns(session, seller, STOPPED_PER_ROUND)
        for campaign_id in found:
            async with self._database.transaction(WORKER) as session:
                row = await lock_campaign(session, campaign_id)
                mandate = await live_mandate_row(session, campaign_id)
                watches = row is not None and row.status in _WATCHES
                if row and watches and mandate and mandate.document is None:
                    reason = FailureReason.CONSENT_NEEDED.value
                    await stop_for(session, row, reason, now, subject_id=mandate.id)
        return tuple(CampaignId(one) for one in found)

    def _plan(
        self, watches: Sequence[Watch], known: Mapping[str, Known], now: datetime, slower: float
    ) -> Plan:
        policy = self._policy
        if policy.monitor_mode is MonitorMode.FIXED:
            return plan_fixed(
                watches,
                known,
                now=now,
                interval=policy.monitor_interval,
                horizon_days=policy.horizon_days,
                pairs_per_campaign=policy.look_pairs_per_campaign,
                max_looks=policy.max_looks_per_round,
            )
        return plan_budgeted(
            watches,
            known,
            now=now,
            horizon_days=policy.horizon_days,
            pairs_per_campaign=policy.look_pairs_per_campaign,
            max_looks=policy.max_looks_per_round,
            slower=slower,
        )

    @activity.defn
    async def look(self, request: LookInput) -> LookResult:
        """Search a date pair once, store it, and decide over each offer for each campaign.

        A look that is in the rows already answers with the matches that it made.
        """
        look_id = LookId(derive("look", request.look_key))
        async with self._database.transaction(WORKER) as session:
            done = await find_look(session, look_id)
            if done:
                return await self._again(session, look_id, request)
        try:
            async with heartbeats():
                found = await self._search.search(
                    SearchRequest(pair=request.pair, max_connections=2)
                )
        except ProviderError as error:
            if _worth_another(error):
                raise to_application_error(error) from error
            return await self._failed(look_id, request, error)
        return await self._store(look_id, request, found)

    async def _store(self, look_id: LookId, request: LookInput, found: SearchResult) -> LookResult:
        now = activity_now()
        party = request.pair.party
        async with self._database.transaction(WORKER) as session:
            candidates = await _candidates(session, request, now)
        offers = await self._price_bags(list(found.offers), candidates, party)
        chosen = [decide(c, offers, party) for c in candidates]
        every = len(candidates) <= KEEP_ALL_UP_TO
        decisions = [row for c in chosen for row in c.rows(look_id, now, every=every)]
        look = _look_row(look_id, request, offers, len(candidates), now)
        if found.unreadable_offers:
            left = f"{found.unreadable_offers} of {len(offers) + found.unreadable_offers} offers"
            decisions += unread(candidates, look, Unread.SOME_UNREADABLE, left)
        async with self._database.transaction(WORKER) as session:
            await record_look(
                session,
                look,
                observations=_observations(look, offers),
                snapshots=_snapshots(look_id, offers) if candidates else [],
                decisions=decisions,
                fares=[c.fare(look) for c in chosen],
            )
        matches = tuple(m for c in chosen if (m := c.match(look_id, request)))
        return LookResult(matches=matches, offers=len(offers))

    async def _price_bags(
        self, offers: list[Offer], candidates: list[Candidate], party: Party
    ) -> list[Offer]:
        """Ask what bags cost where only that keeps an offer from matching."""
        unpriced = {
            offer.offer_id: offer.total.minor
            for candidate in candidates
            if candidate.criteria.checked_bags
            for offer in offers
            if verdict_of(candidate, offer, party).reason is Reason.BAGS_NOT_PRICED
        }
        fresh: dict[str, Offer] = {}
        for offer_id in sorted(unpriced, key=lambda o: unpriced[o])[:BAGS_ASKED_FOR]:
            try:
                async with heartbeats():
                    answer = await self._search.refresh(offer_id)
            except ProviderError:
                continue  # it stays unpriced, and its decision says so
            if not isinstance(answer, OfferGone):
                fresh[offer_id] = answer
        return [fresh.get(o.offer_id, o) for o in offers]

    async def _failed(
        self, look_id: LookId, request: LookInput, error: ProviderError
    ) -> LookResult:
        now = activity_now()
        look = _look_row(look_id, request, [], 0, now, failed=error.code)
        async with self._database.transaction(WORKER) as session:
            candidates = await _candidates(session, request, now)
            decisions = unread(candidates, look, unread_because(error), error.code)
            await record_look(session, look, decisions=decisions)
        return LookResult(failed=error.code)

    async def _again(
        self, session: AsyncSession, look_id: LookId, request: LookInput
    ) -> LookResult:
        best = await matches_of_look(session, look_id)
        return LookResult(
            matches=tuple(
                Match(
                    campaign_id=row.campaign_id,
                    offer=OfferFound(
                        look_id=look_id,
                        criteria_version=row.criteria_version,
                        seller=request.seller,
                        pair=request.pair,
                        itinerary_key=row.itinerary_key,
                        price=Money(minor=row.total_minor, currency=row.currency),
                    ),
                )
                for row in best
            )
        )


async def _candidates(session: AsyncSession, request: LookInput, now: datetime) -> list[Candidate]:
    pair = request.pair
    return await campaigns_for_pair(
        session,
        pair,
        request.seller,
        now,
        origins=airports_of(pair.origin),
        destinations=airports_of(pair.destination),
    )


def _worth_another(error: ProviderError) -> bool:
    return isinstance(error, ProviderUnavailable) and activity.info().attempt < LOOK_TRIES


def _look_row(
    look_id: UUID,
    request: LookInput,
    offers: Sequence[Offer],
    campaigns: int,
    now: datetime,
    *,
    failed: str | None = None,
) -> LookRow:
    pair = request.pair
    cheapest = min((o.total for o in offers), key=lambda m: m.minor, default=None)
    return LookRow(
        id=look_id,
        seller=request.seller,
        pair_key=pair.key,
        origin=pair.origin,
        destination=pair.destination,
        departs_on=pair.departs_on,
        returns_on=pair.returns_on,
        cabin=pair.cabin.value,
        party_code=pair.party.code,
        reason=request.reason,
        campaigns=campaigns,
        offers=len(offers),
        cheapest_minor=cheapest.minor if cheapest else None,
        currency=cheapest.currency if cheapest else None,
        failed=failed,
        at=now,
    )


def _observations(look: LookRow, offers: Sequence[Offer]) -> list[PriceObservationRow]:
    """Keep the cheapest for each number of stops, airline and refundability."""
    best: dict[tuple[int, str, bool | None], Offer] = {}
    for offer in offers:
        kind = (offer.itinerary.connections, offer.airline, offer.refundable)
        if kind not in best or offer.total.minor < best[kind].total.minor:
            best[kind] = offer
    return [
        PriceObservationRow(
            look_id=look.id,
            seller=look.seller,
            pair_key=look.pair_key,
            origin=look.origin,
            destination=look.destination,
            departs_on=look.departs_on,
            returns_on=look.returns_on,
            cabin=look.cabin,
            party_code=look.party_code,
            stops=stops,
            airline=airline,
            refundable=refundable,
            total_minor=offer.total.minor,
            currency=offer.total.currency,
            at=look.at,
        )
        for (stops, airline, refundable), offer in best.items()
    ]


def _snapshots(look_id: UUID, offers: Sequence[Offer]) -> list[OfferSnapshotRow]:
    return [
        OfferSnapshotRow(
            look_id=look_id,
            offer_id=offer.offer_id,
            itinerary_key=offer.itinerary.key,
            total_minor=offer.total.minor,
            currency=offer.total.currency,
            airline=offer.airline,
            stops=offer.itinerary.connections,
            offer=offer.model_dump(mode="json"),
        )
        for offer in offers
    ]


def _summary(plan: Plan, watches: int) -> str:
    due = f"next look {plan.next_due_at:%Y-%m-%d %H:%M}" if plan.next_due_at else "nothing to watch"
    behind = f", {plan.shortfall} pairs behind" if plan.shortfall else ""
    return f"{watches} kinds of wish, {len(plan.looks)} looks now{behind}, {due}"

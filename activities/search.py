"""The search loop's work: plan a round from the rows, and look at one date pair."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.common import RetryPolicy
from temporalio.workflow import LocalActivityConfig

from activities.failures import heartbeats, to_application_error
from activities.offers import WORKER
from activities.options import HEARTBEAT_TIMEOUT, ROWS, ActivityOptions
from db.models import (
    CampaignFareRow,
    LookRow,
    OfferDecisionRow,
    OfferSnapshotRow,
    PriceObservationRow,
)
from db.models.offer_decision import DecisionVerdict
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
from domain.matching import FLIGHTS_FIT, Reason, Verdict, judge
from domain.messages.campaign import OfferFound
from domain.messages.search import DueLook, LookInput, LookResult, Match, PlanInput, RoundPlan
from domain.money import Money
from domain.offers import DatePair, Offer, Party
from domain.places import airports_of
from domain.scoring import Score, rank
from domain.search_plan import Known, Plan, Watch, plan_budgeted, plan_fixed
from providers.errors import ProviderError, ProviderUnavailable
from providers.ports import FlightSearch, OfferGone, SearchRequest
from runtime.clock import activity_now
from runtime.policy import MonitorMode, Policy

PLAN: LocalActivityConfig = ROWS
LOOK_TRIES = 4
LOOKS_SIDE_BY_SIDE = 8
BAGS_ASKED_FOR = 3  # offers whose extra bags are priced, cheapest first, a look
# A look that serves more campaigns than this keeps for each of them its best matches and, for every
# reason, the cheapest offer with the number of the others: dozens of rows a campaign a look would
# be millions a day, and most of the work of looking.
KEEP_ALL_UP_TO = 20
BEST_KEPT = 3
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
                offers = await self._offers(request.pair)
        except ProviderError as error:
            if _worth_another(error):
                raise to_application_error(error) from error
            return await self._failed(look_id, request, error)
        return await self._store(look_id, request, offers)

    async def _offers(self, pair: DatePair) -> list[Offer]:
        found = await self._search.search(SearchRequest(pair=pair, max_connections=2))
        return list(found.offers)

    async def _store(self, look_id: LookId, request: LookInput, offers: list[Offer]) -> LookResult:
        now = activity_now()
        pair = request.pair
        async with self._database.transaction(WORKER) as session:
            candidates = await campaigns_for_pair(
                session,
                pair,
                request.seller,
                now,
                origins=airports_of(pair.origin),
                destinations=airports_of(pair.destination),
            )
        offers = await self._price_bags(offers, candidates, pair.party)
        chosen = [_decide(c, offers, pair.party) for c in candidates]
        every = len(candidates) <= KEEP_ALL_UP_TO
        decisions = [row for c in chosen for row in c.rows(look_id, now, every=every)]
        look = _look_row(look_id, request, offers, len(candidates), now)
        async with self._database.transaction(WORKER) as session:
            await record_look(
                session,
                look,
                observations=_observations(look, offers),
                snapshots=_snapshots(look_id, offers) if decisions else [],
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
            if _verdict(candidate, offer, party).reason is Reason.BAGS_NOT_PRICED
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
            await record_look(session, look)
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


class _Decided:
    """What was decided for one campaign over all offers of a look."""

    def __init__(
        self,
        candidate: Candidate,
        verdicts: list[tuple[Offer, Verdict]],
        ranked: list[tuple[Offer, Score]],
    ) -> None:
        self._candidate, self._verdicts, self._ranked = candidate, verdicts, ranked

    def match(self, look_id: LookId, request: LookInput) -> Match | None:
        """Return the best offer that satisfies the wish, with its bags in the price."""
        if not self._ranked:
            return None
        offer = self._ranked[0][0]
        price = next(v.total for o, v in self._verdicts if o is offer)
        return Match(
            campaign_id=self._candidate.campaign_id,
            offer=OfferFound(
                look_id=look_id,
                criteria_version=self._candidate.criteria_version,
                seller=request.seller,
                pair=request.pair,
                itinerary_key=offer.itinerary.key,
                price=price or offer.total,
            ),
        )

    def rows(self, look_id: LookId, now: datetime, *, every: bool) -> list[OfferDecisionRow]:
        scores = {offer.offer_id: score for offer, score in self._ranked}
        return [
            self._row(look_id, offer, verdict, scores.get(offer.offer_id), now)
            for offer, verdict in (self._verdicts if every else self._telling())
        ]

    def fare(self, look: LookRow) -> CampaignFareRow:
        """Return what the look adds to the wish's day: the best fare whose flights fit."""
        wish = self._candidate.criteria
        fitting = [(o, v) for o, v in self._verdicts if v.reason in FLIGHTS_FIT]
        best = min(fitting, key=_price, default=None)
        return CampaignFareRow(
            campaign_id=self._candidate.campaign_id,
            user_id=self._candidate.user_id,
            criteria_version=self._candidate.criteria_version,
            day=look.at.date(),
            looks=1,
            offers=len(self._verdicts),
            last_at=look.at,
            currency=wish.budget.currency,
            best_minor=_price(best) if best else None,
            best_at=look.at if best else None,
            best_look_id=look.id if best else None,
            best_offer_id=best[0].offer_id if best else None,
        )

    def _telling(self) -> list[tuple[Offer, Verdict]]:
        """Return the best matches, and the cheapest offer of each reason speaking for the rest."""
        best = {offer.offer_id for offer, _ in self._ranked[:BEST_KEPT]}
        kept = [(o, v) for o, v in self._verdicts if o.offer_id in best]
        others: dict[Reason, list[tuple[Offer, Verdict]]] = {}
        for offer, verdict in self._verdicts:
            if offer.offer_id not in best:
                others.setdefault(verdict.reason, []).append((offer, verdict))
        for alike in others.values():
            offer, verdict = min(alike, key=_price)
            if len(alike) > 1:
                more = f"and {len(alike) - 1} more offers likewise"
                detail = f"{verdict.detail}; {more}" if verdict.detail else more
                verdict = verdict.model_copy(update={"detail": detail})
            kept.append((offer, verdict))
        return kept

    def _row(
        self,
        look_id: LookId,
        offer: Offer,
        verdict: Verdict,
        score: Score | None,
        now: datetime,
    ) -> OfferDecisionRow:
        total = verdict.total or offer.total
        ignored = verdict.reason is Reason.IGNORED
        refused = DecisionVerdict.IGNORED if ignored else DecisionVerdict.REJECTED
        return OfferDecisionRow(
            campaign_id=self._candidate.campaign_id,
            user_id=self._candidate.user_id,
            look_id=look_id,
            criteria_version=self._candidate.criteria_version,
            offer_id=offer.offer_id,
            itinerary_key=offer.itinerary.key,
            summary=_flights(offer),
            total_minor=total.minor,
            currency=total.currency,
            verdict=DecisionVerdict.MATCHED if verdict.matches else refused,
            reason=verdict.reason.value,
            detail=verdict.detail,
            score=round(score.total, 6) if score else None,
            score_parts=[p.model_dump(mode="json") for p in score.parts] if score else None,
            at=now,
        )


def _price(decided: tuple[Offer, Verdict]) -> int:
    offer, verdict = decided
    return (verdict.total or offer.total).minor


def _decide(candidate: Candidate, offers: list[Offer], party: Party) -> _Decided:
    verdicts = [(offer, _verdict(candidate, offer, party)) for offer in offers]
    fitting = [offer for offer, verdict in verdicts if verdict.matches]
    return _Decided(candidate, verdicts, rank(fitting, candidate.criteria, party=party))


def _verdict(candidate: Candidate, offer: Offer, party: Party) -> Verdict:
    cap = Money(minor=candidate.cap_minor, currency=candidate.criteria.budget.currency)
    return judge(offer, candidate.criteria, party=party, ignored=candidate.ignored, price_limit=cap)


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


def _flights(offer: Offer) -> str:
    legs = []
    for leg in offer.itinerary.slices:
        flights = "+".join(f"{s.marketing_carrier}{s.flight_number}" for s in leg.segments)
        legs.append(f"{leg.origin}-{leg.destination} {leg.departing_at:%d %b %H:%M} {flights}")
    return "; ".join(legs)


def _summary(plan: Plan, watches: int) -> str:
    due = f"next look {plan.next_due_at:%Y-%m-%d %H:%M}" if plan.next_due_at else "nothing to watch"
    behind = f", {plan.shortfall} pairs behind" if plan.shortfall else ""
    return f"{watches} kinds of wish, {len(plan.looks)} looks now{behind}, {due}"

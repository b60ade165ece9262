"""An attempt searches for itself: exact ages, the same itinerary, bags priced, wish checked."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.common import RetryPolicy

from activities.failures import provider_call
from activities.options import HEARTBEAT_TIMEOUT, ActivityOptions
from db.models import AttemptRow, CampaignRow, ProviderCallRow
from db.models.provider_call import CallState
from db.queries import calls
from db.queries.allowances import allowed_once
from db.queries.attempts import get_attempt
from db.queries.campaigns import get_campaign
from db.session import Database, SystemActor
from db.vault import PersonalVault
from domain.attempts import FailureReason
from domain.criteria import Criteria
from domain.ids import TravelerId
from domain.mandates import within_tolerance
from domain.matching import Reason, bag_choice, judge
from domain.messages.attempt import AttemptInput, ChosenOffer, NoOffer
from domain.money import Money
from domain.offers import DatePair, Offer, Party
from domain.travelers import TravelerDetails, age_on, party_of
from domain.values import Value
from providers.ports import FlightSearch, OfferGone, SearchPassenger, SearchRequest
from runtime.policy import Policy

WORKER = SystemActor("worker")

# The socket of a search times out after 30 s, twice in a row here: search, then refresh.
CHOOSE_OFFER = ActivityOptions(
    start_to_close_timeout=timedelta(seconds=90),
    schedule_to_close_timeout=timedelta(minutes=20),
    heartbeat_timeout=HEARTBEAT_TIMEOUT,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)
    ),
)


class _Wish(Value):
    """What an attempt has to find, with the ages of its travellers."""

    criteria: Criteria
    party: Party
    passengers: tuple[SearchPassenger, ...]
    has_documents: bool


class OfferActivities:
    def __init__(
        self, database: Database, vault: PersonalVault, search: FlightSearch, policy: Policy
    ) -> None:
        self._database, self._vault = database, vault
        self._search, self._policy = search, policy

    @activity.defn
    async def choose_offer(self, attempt: AttemptInput) -> ChosenOffer | NoOffer:
        """Find the matched itinerary afresh and check it against wish, limit and tolerance.

        Where an order call of this attempt stands in the rows already, answer with its offer.
        """
        async with self._database.transaction(WORKER) as session:
            row = await get_attempt(session, attempt.attempt_id)
            if row is None or row.failure_reason:
                return NoOffer(reason=FailureReason.WITHDRAWN, detail="the attempt has ended")
            resumed = await self._resumed(session, row)
            if resumed:
                return resumed
            wish = await self._wish(session, attempt, once=await allowed_once(session, row))
        if isinstance(wish, NoOffer):
            return wish
        offer = await self._find(attempt.pair, attempt.itinerary_key, wish)
        if offer is None:
            return NoOffer(reason=FailureReason.OFFER_GONE, detail="these flights are not on sale")
        return self._check(offer, attempt, wish)

    async def _resumed(self, session: AsyncSession, row: AttemptRow) -> ChosenOffer | None:
        for call in await calls.order_calls(session, row.id):
            if call.state in calls.MAY_EXIST or call.state is CallState.ABSENT:
                return _offer_of(call)
        return None

    async def _wish(
        self, session: AsyncSession, attempt: AttemptInput, *, once: bool
    ) -> _Wish | NoOffer:
        campaign = await get_campaign(session, attempt.campaign_id)
        if campaign is None or campaign.criteria_version != attempt.criteria_version:
            return NoOffer(reason=FailureReason.WITHDRAWN, detail="the wish was changed")
        travellers = await self._travellers(session, campaign)
        last_day = attempt.pair.returns_on or attempt.pair.departs_on
        party = party_of([t.born_on for t in travellers], last_day)
        if not isinstance(party, Party):
            return NoOffer(reason=FailureReason.TRAVELLER_DATA, detail=party.reason)
        return _Wish(
            # What was allowed once may cost what was allowed, whatever the budget is.
            criteria=campaign.wish.model_copy(update={"budget": attempt.limit})
            if once
            else campaign.wish,
            party=party,
            passengers=tuple(_passenger(t, last_day) for t in travellers),
            has_documents=all(t.documents for t in travellers),
        )

    async def _travellers(
        self, session: AsyncSession, campaign: CampaignRow
    ) -> list[TravelerDetails]:
        return [
            await self._vault.open_traveler(session, TravelerId(t)) for t in campaign.traveler_ids
        ]

    async def _find(self, pair: DatePair, itinerary_key: str, wish: _Wish) -> Offer | None:
        async with provider_call():
            found = await self._search.search(
                SearchRequest(
                    pair=pair,
                    max_connections=wish.criteria.max_connections,
                    passengers=wish.passengers,
                )
            )
            same = [o for o in found.offers if o.itinerary.key == itinerary_key]
            if not same:
                return None
            cheapest = min(same, key=lambda o: (o.total.minor, o.offer_id))
            fresh = await self._search.refresh(cheapest.offer_id)
        return None if isinstance(fresh, OfferGone) else fresh

    def _check(self, offer: Offer, attempt: AttemptInput, wish: _Wish) -> ChosenOffer | NoOffer:
        verdict = judge(
            offer,
            wish.criteria,
            party=wish.party,
            price_limit=attempt.limit,
            traveller_documents=wish.has_documents,
        )
        bags = bag_choice(offer, wish.criteria.checked_bags, wish.party)
        if not verdict.matches or bags is None:
            reason = {
                Reason.OVER_BUDGET: FailureReason.PRICE_ROSE,
                Reason.DOCUMENTS: FailureReason.TRAVELLER_DATA,
            }.get(verdict.reason, FailureReason.CRITERIA_NOT_MET)
            return NoOffer(reason=reason, detail=verdict.detail)
        if not self._close_enough(attempt.matched, bags.total):
            detail = f"{bags.total} is dearer than the {attempt.matched} that was matched"
            return NoOffer(reason=FailureReason.PRICE_ROSE, detail=detail)
        return ChosenOffer(
            offer_id=offer.offer_id,
            total=bags.total,
            services=bags.services,
            passenger_refs=tuple(p.ref for p in offer.passengers),
            last_day=attempt.pair.returns_on or attempt.pair.departs_on,
            expires_at=offer.expires_at,
        )

    def _close_enough(self, matched: Money, found: Money) -> bool:
        tolerance = Decimal(self._policy.price_tolerance_percent)
        return within_tolerance(matched, found, tolerance)


def _passenger(traveller: TravelerDetails, last_day: date) -> SearchPassenger:
    named = bool(traveller.loyalty)  # airlines give a member's fare only to a named member
    return SearchPassenger(
        age=age_on(traveller.born_on, last_day),
        loyalty=traveller.loyalty,
        given_name=traveller.given_name if named else None,
        family_name=traveller.family_name if named else None,
    )


def _offer_of(call: ProviderCallRow) -> ChosenOffer:
    facts = call.facts
    return ChosenOffer(
        resumed_round=facts["round"],
        resumed_payment=facts["payment_round"],
        offer_id=facts["offer_id"],
        total=Money(minor=facts["total_minor"], currency=facts["currency"]),
        services=tuple((s[0], s[1]) for s in facts["services"]),
        passenger_refs=tuple(facts["passenger_refs"]),
        last_day=date.fromisoformat(facts["last_day"]),
        expires_at=datetime.fromisoformat(facts["offer_expires_at"]),
    )


def order_facts(offer: ChosenOffer, number: int, payment_round: int) -> dict[str, object]:
    """Write an order call's facts: ids and amounts, enough to follow it after a restart."""
    return {
        "round": number,
        "payment_round": payment_round,
        "offer_id": offer.offer_id,
        "total_minor": offer.total.minor,
        "currency": offer.total.currency,
        "services": [list(s) for s in offer.services],
        "passenger_refs": list(offer.passenger_refs),
        "last_day": offer.last_day.isoformat(),
        "offer_expires_at": offer.expires_at.isoformat(),
    }


def order_key(attempt_id: UUID, number: int) -> str:
    return f"order:{attempt_id}:{number}"

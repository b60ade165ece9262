"""What a look decides for each campaign that it serves, and the rows that say so."""

from collections.abc import Sequence
from datetime import datetime

from db.models import CampaignFareRow, LookRow, OfferDecisionRow
from db.models.offer_decision import DecisionVerdict
from db.queries.search import Candidate
from domain.ids import LookId
from domain.matching import FLIGHTS_FIT, Reason, Unread, Verdict, judge
from domain.messages.campaign import OfferFound
from domain.messages.search import LookInput, Match
from domain.money import Money
from domain.offers import Offer, Party
from domain.scoring import Score, rank
from providers.errors import ProviderError, ProviderRefused, ProviderUnavailable

# A look that serves more campaigns than this keeps for each of them its best matches and, for every
# reason, the cheapest offer with the number of the others: dozens of rows a campaign a look would
# be millions a day, and most of the work of looking.
KEEP_ALL_UP_TO = 20
BEST_KEPT = 3


class Decided:
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


def decide(candidate: Candidate, offers: list[Offer], party: Party) -> Decided:
    """Hold every offer of a look against a campaign's wish, and rank those that satisfy it."""
    verdicts = [(offer, verdict_of(candidate, offer, party)) for offer in offers]
    fitting = [offer for offer, verdict in verdicts if verdict.matches]
    return Decided(candidate, verdicts, rank(fitting, candidate.criteria, party=party))


def verdict_of(candidate: Candidate, offer: Offer, party: Party) -> Verdict:
    """Hold an offer against a campaign's wish, its limit, and what it leaves alone for now."""
    cap = Money(minor=candidate.cap_minor, currency=candidate.criteria.budget.currency)
    return judge(offer, candidate.criteria, party=party, ignored=candidate.ignored, price_limit=cap)


def _flights(offer: Offer) -> str:
    legs = []
    for leg in offer.itinerary.slices:
        flights = "+".join(f"{s.marketing_carrier}{s.flight_number}" for s in leg.segments)
        legs.append(f"{leg.origin}-{leg.destination} {leg.departing_at:%d %b %H:%M} {flights}")
    return "; ".join(legs)


def unread(
    candidates: Sequence[Candidate], look: LookRow, why: Unread, detail: str
) -> list[OfferDecisionRow]:
    """Say to each campaign why there was nothing, or not everything, to decide on."""
    days = f"{look.departs_on:%d %b}" + (f" to {look.returns_on:%d %b}" if look.returns_on else "")
    return [
        OfferDecisionRow(
            campaign_id=candidate.campaign_id,
            user_id=candidate.user_id,
            look_id=look.id,
            criteria_version=candidate.criteria_version,
            summary=f"{look.origin}-{look.destination} {days}",
            verdict=DecisionVerdict.UNREAD,
            reason=why.value,
            detail=detail,
            at=look.at,
        )
        for candidate in candidates
    ]


def unread_because(error: ProviderError) -> Unread:
    """Say in one word what came instead of offers."""
    match error:
        case ProviderUnavailable(code="answer_too_large"):
            return Unread.UNREADABLE
        case ProviderUnavailable():
            return Unread.NO_ANSWER
        case ProviderRefused():
            return Unread.REFUSED
        case _:
            return Unread.UNREADABLE

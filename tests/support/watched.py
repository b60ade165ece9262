"""Wishes as pages find them: with looks, decisions, fares, attempts and bookings."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

from consents import signed
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import (
    AttemptRow,
    BookingRow,
    CampaignFareRow,
    CampaignRow,
    LookRow,
    OfferDecisionRow,
    OfferSnapshotRow,
    PaymentMethodRow,
    ProposalRow,
)
from db.models.booking import BookingKind, BookingProvider
from db.models.offer_decision import DecisionVerdict
from db.queries.campaigns import insert_campaign
from db.queries.payment_methods import add_payment_method
from db.queries.search import record_look
from domain.campaigns import BookingMode
from domain.criteria import Criteria
from domain.ids import CampaignId, UserId, attempt_id_for
from domain.itineraries import Itinerary, Segment, Slice
from domain.matching import FLIGHTS_FIT, Unread, judge
from domain.messages.campaign import NewCampaign
from domain.money import Money
from domain.offers import DatePair, Offer, OfferPassenger, Party
from domain.scoring import rank


def usd(amount: str) -> Money:
    return Money.parse(amount, "USD")


@dataclass
class Watched:
    """Makes what a wish's pages show, in a transaction that sees everything."""

    session: AsyncSession
    owner: UserId
    now: datetime

    async def card(self, **changes: Any) -> PaymentMethodRow:
        fields: dict[str, Any] = {
            "id": uuid4(), "user_id": self.owner, "provider": "stripe",
            "method_ref_encrypted": "-", "brand": "visa", "last4": "4242", "exp_month": 12,
            "exp_year": self.now.year + 3, "created_at": self.now, "updated_at": self.now,
        }  # fmt: skip
        return await add_payment_method(
            self.session, PaymentMethodRow(**(fields | changes)), default=True
        )

    def wish(self, **changes: Any) -> Criteria:
        year = self.now.year + 1
        fields: dict[str, Any] = {
            "origins": ("NYC",), "destinations": ("LIS",),
            "departure_from": date(year, 5, 1), "departure_until": date(year, 6, 30),
            "nights_min": 6, "nights_max": 10, "budget": usd("1040"), "checked_bags": 0,
        }  # fmt: skip
        return Criteria(**(fields | changes))

    async def campaign(
        self, criteria: Criteria | None = None, *, consented: bool = True, **changes: Any
    ) -> CampaignRow:
        criteria = criteria or self.wish()
        made = self.now - timedelta(days=65)
        fields: dict[str, Any] = {
            "campaign_id": CampaignId(uuid4()), "owner_id": self.owner, "name": "Lisbon",
            "criteria": criteria, "mode": BookingMode.AUTO, "traveler_ids": (uuid4(),),
            "party": Party(adults=2),
            "body_hmac": "-", "created_at": made, "expires_at": made + timedelta(days=365),
            "ends_at": made + timedelta(days=270),
        }  # fmt: skip
        new = NewCampaign(**(fields | changes))
        if new.mode.books and consented:
            new = signed(new)
        row, _ = await insert_campaign(self.session, new, made)
        return row

    def offer(
        self, total: str, number: str = "204", *, stop: str | None = None, **changes: Any
    ) -> Offer:
        """Offer flights from New York to Lisbon and back, 12 to 20 May."""
        out = datetime(self.now.year + 1, 5, 12, 18, 5)  # noqa: DTZ001
        fields: dict[str, Any] = {
            "seller": "duffel", "offer_id": f"off_{number}", "offer_request_id": "orq",
            "itinerary": Itinerary(
                slices=(
                    _leg("JFK", "LIS", out, number, stop),
                    _leg("LIS", "JFK", out + timedelta(days=8), f"{number}9", stop),
                )
            ),
            "total": usd(total), "airline": "TP", "cabin": "economy", "refundable": False,
            "expires_at": self.now + timedelta(hours=1),
            "passengers": (OfferPassenger(ref="1", kind="adult"), OfferPassenger(ref="2", kind="adult")),
        }  # fmt: skip
        return Offer(**(fields | changes))

    async def look(
        self, campaign: CampaignRow, offers: list[Offer], at: datetime | None = None
    ) -> UUID:
        """Look, decide by the real rules, and write it all down as a look does."""
        at = at or self.now - timedelta(minutes=4)
        first = offers[0].itinerary
        pair = DatePair(
            origin="NYC", destination="LIS", departs_on=first.departs_on,
            returns_on=first.returns_on, party=campaign.travelling,
        )  # fmt: skip
        look = LookRow(
            id=uuid4(), seller="duffel", pair_key=pair.key, origin="NYC", destination="LIS",
            departs_on=pair.departs_on, returns_on=pair.returns_on, cabin="economy",
            party_code=pair.party.code, reason="due", campaigns=1, offers=len(offers),
            cheapest_minor=min(o.total.minor for o in offers), currency="USD", at=at,
        )  # fmt: skip
        wish, party = campaign.wish, campaign.travelling
        verdicts = [(offer, judge(offer, wish, party=party)) for offer in offers]
        scores = {o.offer_id: s for o, s in rank([o for o, v in verdicts if v.matches], wish)}
        decisions = [
            OfferDecisionRow(
                campaign_id=campaign.id, user_id=self.owner, look_id=look.id,
                criteria_version=campaign.criteria_version, offer_id=offer.offer_id,
                itinerary_key=offer.itinerary.key, summary=f"TP{offer.offer_id[4:]}",
                total_minor=(verdict.total or offer.total).minor, currency="USD",
                verdict=DecisionVerdict.MATCHED if verdict.matches else DecisionVerdict.REJECTED,
                reason=verdict.reason.value, detail=verdict.detail,
                score=scores[offer.offer_id].total if offer.offer_id in scores else None,
                score_parts=[p.model_dump(mode="json") for p in scores[offer.offer_id].parts]
                if offer.offer_id in scores
                else None,
                at=at,
            )
            for offer, verdict in verdicts
        ]  # fmt: skip
        snapshots = [
            OfferSnapshotRow(
                look_id=look.id, offer_id=offer.offer_id, itinerary_key=offer.itinerary.key,
                total_minor=offer.total.minor, currency="USD", airline="TP",
                stops=offer.itinerary.connections, offer=offer.model_dump(mode="json"),
            )
            for offer in offers
        ]  # fmt: skip
        fitting = [offer for offer, verdict in verdicts if verdict.reason in FLIGHTS_FIT]
        best = min(fitting, key=lambda o: o.total.minor)
        fare = self.fare(campaign, at, best.total.minor, look.id, best.offer_id, len(offers))
        await record_look(self.session, look, [], snapshots, decisions, fares=[fare])
        return look.id

    async def look_in_vain(self, campaign: CampaignRow, why: Unread, at: datetime) -> None:
        """Look, and be told nothing that could be decided on."""
        wish = campaign.wish
        look = LookRow(
            id=uuid4(), seller="duffel", pair_key="-", origin="NYC", destination="LIS",
            departs_on=wish.departure_from, cabin="economy", party_code="2a", reason="due",
            campaigns=0, offers=0, failed="-", at=at,
        )  # fmt: skip
        decision = OfferDecisionRow(
            campaign_id=campaign.id, user_id=self.owner, look_id=look.id, summary="NYC-LIS",
            criteria_version=campaign.criteria_version, verdict=DecisionVerdict.UNREAD,
            reason=why.value, detail="-", at=at,
        )  # fmt: skip
        await record_look(self.session, look, decisions=[decision])

    def fare(
        self, campaign: CampaignRow, at: datetime, minor: int, look: UUID | None = None,
        offer: str = "off", offers: int = 30,
    ) -> CampaignFareRow:  # fmt: skip
        return CampaignFareRow(
            campaign_id=campaign.id, user_id=self.owner, day=at.date(), looks=1, offers=offers,
            criteria_version=campaign.criteria_version, last_at=at, currency="USD",
            best_minor=minor, best_at=at, best_look_id=look or uuid4(), best_offer_id=offer,
        )  # fmt: skip

    async def proposal(self, campaign: CampaignRow, offer: Offer) -> ProposalRow:
        row = ProposalRow(
            id=uuid4(), campaign_id=campaign.id, user_id=self.owner,
            criteria_version=campaign.criteria_version, look_id=uuid4(), seller="duffel", pair={},
            itinerary_key=offer.itinerary.key, itinerary=offer.itinerary.model_dump(mode="json"),
            price_minor=offer.total.minor, currency="USD",
            expires_at=self.now + timedelta(minutes=75), opening_key=str(uuid4()),
            created_at=self.now,
        )  # fmt: skip
        self.session.add(row)
        await self.session.flush()
        return row

    async def attempt(
        self, campaign: CampaignRow, card: PaymentMethodRow, offer: Offer, **changes: Any
    ) -> AttemptRow:
        fields: dict[str, Any] = {
            "id": attempt_id_for(CampaignId(campaign.id), 1), "campaign_id": campaign.id,
            "user_id": self.owner, "number": 1, "seller": "duffel", "pair": {},
            "itinerary_key": offer.itinerary.key, "matched_minor": offer.total.minor,
            "limit_minor": offer.total.minor, "currency": "USD",
            "criteria_version": campaign.criteria_version, "payment_method_id": card.id,
            "opening_key": str(uuid4()), "started_at": self.now - timedelta(seconds=30),
            "updated_at": self.now,
        }  # fmt: skip
        row = AttemptRow(**(fields | changes))
        self.session.add(row)
        await self.session.flush()
        return row

    async def booking(
        self, campaign: CampaignRow, attempt: AttemptRow, offer: Offer, **changes: Any
    ) -> BookingRow:
        fields: dict[str, Any] = {
            "id": uuid4(), "kind": BookingKind.CAMPAIGN_FLIGHT, "user_id": self.owner,
            "campaign_id": campaign.id, "attempt_id": attempt.id,
            "provider": BookingProvider.DUFFEL, "duffel_order_id": f"ord_{uuid4().hex}",
            "booking_reference": "7F3KQ2", "ticket_numbers": [],
            "itinerary": offer.itinerary.model_dump(mode="json"),
            "departs_at": self.now + timedelta(days=170),
            "arrives_at": self.now + timedelta(days=170, hours=8),
            "price_minor": offer.total.minor, "currency": "USD",
            "ticketing_deadline": self.now + timedelta(days=1), "created_at": self.now,
            "updated_at": self.now,
        }  # fmt: skip
        row = BookingRow(**(fields | changes))
        self.session.add(row)
        await self.session.flush()
        return row


def _leg(origin: str, destination: str, at: datetime, number: str, stop: str | None) -> Slice:
    ends = [origin, *([stop] if stop else []), destination]
    segments = tuple(
        Segment(
            origin=start, destination=end, departing_at=at + timedelta(hours=3 * place),
            arriving_at=at + timedelta(hours=3 * place + 2), duration_minutes=120,
            marketing_carrier="TP", flight_number=f"{number}{place or ''}",
            operating_carrier="TP", cabin="economy",
        )
        for place, (start, end) in enumerate(pairwise(ends))
    )  # fmt: skip
    return Slice(
        origin=origin, destination=destination, duration_minutes=300 * len(segments),
        segments=segments,
    )  # fmt: skip

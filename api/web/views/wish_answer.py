"""Flights that wait for a yes: what they are, what they cost, and until when."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.web.views.booking_legs import LegView, leg_views
from api.web.views.booking_parts import card_name
from api.wish_reading import WishRead
from db.models.proposal import ProposalRow
from domain.itineraries import Itinerary
from domain.money import Money
from domain.offers import Offer
from domain.order_details import OrderDetails
from domain.wish_words import counted, flights_words, travel_words


@dataclass(frozen=True)
class ProposalView:
    id: UUID
    price: Money
    room: Money | None  # how far under the budget
    flights: str
    dates: str
    legs: tuple[LegView, ...]
    expires_at: datetime
    card: str | None


def proposal_view(read: WishRead, row: ProposalRow) -> ProposalView:
    itinerary = Itinerary.model_validate(row.itinerary)
    price = Money(minor=row.price_minor, currency=row.currency)
    budget = read.row.budget
    same = budget.currency == price.currency
    return ProposalView(
        id=row.id,
        price=price,
        room=budget - price if same and price < budget else None,
        flights=flights_words(itinerary),
        dates=travel_words(itinerary),
        legs=leg_views(itinerary, OrderDetails()),
        expires_at=row.expires_at,
        card=card_name(read.brief.card.row) if read.brief.card.row else None,
    )


@dataclass(frozen=True)
class OfferView:
    """An offer that somebody looks at before a yes."""

    offer_id: str
    price: Money
    over: Money  # the budget
    flights: str
    dates: str
    bags: str
    refund: str
    legs: tuple[LegView, ...]


def offer_view(offer: Offer, total: Money, budget: Money) -> OfferView:
    known = {True: "gives money back", False: "gives no money back"}
    bags = offer.checked_bags
    return OfferView(
        offer_id=offer.offer_id,
        price=total,
        over=total - budget,
        flights=flights_words(offer.itinerary),
        dates=travel_words(offer.itinerary),
        bags=f"{counted(bags, 'checked bag')} each" if bags else "no checked bag",
        refund=known[offer.refundable] if offer.refundable is not None else "may give nothing back",
        legs=leg_views(offer.itinerary, OrderDetails()),
    )

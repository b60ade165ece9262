"""Offers: what a seller would sell now, in our words."""

from datetime import date, datetime
from enum import StrEnum

from pydantic import Field

from domain.itineraries import Itinerary
from domain.money import Money
from domain.values import Value


class Cabin(StrEnum):
    ECONOMY = "economy"
    PREMIUM_ECONOMY = "premium_economy"
    BUSINESS = "business"
    FIRST = "first"


class Party(Value):
    """Who travels, by kind of fare. Infants sit on an adult's lap."""

    adults: int = Field(default=1, ge=1, le=9)
    children: int = Field(default=0, ge=0, le=8)
    infants: int = Field(default=0, ge=0, le=4)

    @property
    def code(self) -> str:
        return f"{self.adults}a{self.children}c{self.infants}i"


class DatePair(Value):
    """What one look searches: a market, its dates, a cabin and a party."""

    origin: str
    destination: str
    departs_on: date
    returns_on: date | None = None
    cabin: Cabin = Cabin.ECONOMY
    party: Party = Party()

    @property
    def market(self) -> str:
        return f"{self.origin}-{self.destination}"

    @property
    def key(self) -> str:
        back = self.returns_on.isoformat() if self.returns_on else "oneway"
        return f"{self.market}:{self.departs_on}:{back}:{self.cabin}:{self.party.code}"


class BagService(Value):
    """An extra checked bag on sale with an offer. Price is for one unit."""

    service_id: str
    price: Money
    maximum_quantity: int
    passenger_ref: str


class OfferPassenger(Value):
    """A passenger of an offer request: the seller's reference and the fare's age."""

    ref: str
    kind: str
    age: int | None = None


class Offer(Value):
    """One offer. `total` is for the whole party, taxes in, extra services out."""

    seller: str
    offer_id: str
    offer_request_id: str
    itinerary: Itinerary
    total: Money
    airline: str
    cabin: Cabin | None
    refundable: bool | None
    refund_penalty: Money | None = None
    changeable: bool | None = None
    checked_bags: int = 0
    carry_on_bags: int = 0
    expires_at: datetime
    passengers: tuple[OfferPassenger, ...] = ()
    documents_required: bool = False
    bag_services: tuple[BagService, ...] = ()
    emissions_kg: int | None = None

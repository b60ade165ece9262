"""Places, history and trips as the API takes and gives them."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from pydantic import ConfigDict, Field

from api.rest.schemas.campaigns import Name
from api.rest.schemas.common import MoneyBody, Request, Response
from api.rest.schemas.criteria import WISH_EXAMPLE, CriteriaBody
from db.models.trip_request import TripRequestRow
from domain.backtest import Backtest
from domain.offers import Party
from domain.places import Place, country_name, label_of


class PlaceBody(Response):
    """An airport, or a city with its airports, the main one first."""

    code: str = Field(examples=["LIS"])
    kind: str = Field(examples=["airport"], description="`airport` or `city`.")
    label: str = Field(examples=["Lisbon, Humberto Delgado Airport (LIS)"])
    name: str
    city: str
    country: str = Field(examples=["PT"])
    country_name: str = Field(examples=["Portugal"])
    airports: list[str]

    @classmethod
    def of(cls, place: Place) -> Self:
        return cls(
            code=place.code,
            kind=place.kind,
            label=label_of(place),
            name=place.name,
            city=place.city,
            country=place.country,
            country_name=country_name(place.country),
            airports=list(place.airports),
        )


class PositionRequest(Request):
    """Where somebody is; a tenth of a degree is as exact as it needs to be."""

    latitude: float = Field(ge=-90, le=90, examples=[38.7])
    longitude: float = Field(ge=-180, le=180, examples=[-9.1])


class AirlineBody(Response):
    code: str = Field(examples=["TP"])
    name: str = Field(examples=["TAP Air Portugal"])


class Found(Response):
    """What a search found, the likeliest first."""


class FoundPlaces(Found):
    items: list[PlaceBody]


class FoundAirlines(Found):
    items: list[AirlineBody]


class PartyRequest(Request):
    adults: int = Field(default=1, ge=1, le=9)
    children: int = Field(default=0, ge=0, le=8)
    infants: int = Field(default=0, ge=0, le=4, description="On a lap.")

    def party(self) -> Party:
        return Party(**self.model_dump())


class BacktestRequest(Request):
    """A wish, to be held against the prices that were seen so far."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"criteria": WISH_EXAMPLE, "party": {"adults": 2}}]}
    )

    criteria: CriteriaBody
    party: PartyRequest = PartyRequest()


class WouldBody(Response):
    """The first booking that would have been made."""

    day: date
    price: MoneyBody
    departs_on: date
    returns_on: date | None
    airline: str


class BacktestResponse(Response):
    """What the history tells; it promises nothing."""

    sentence: str
    caveats: list[str] = Field(examples=[["seen on 14 of 90 days", "may not have been bookable"]])
    days: int = Field(description="How far back it looks.")
    days_seen: int = Field(description="Days on which a flight like these was seen.")
    days_within: int = Field(description="Days on which one was within the budget.")
    would: WouldBody | None
    lowest: MoneyBody | None
    lowest_on: date | None
    route_low: MoneyBody | None = Field(description="Any dates of this route, cheapest of a day.")
    route_high: MoneyBody | None

    @classmethod
    def of(cls, found: Backtest) -> Self:
        would = found.would
        return cls(
            sentence=found.sentence,
            caveats=list(found.caveats),
            days=found.days,
            days_seen=found.days_seen,
            days_within=found.days_within,
            would=would
            and WouldBody(
                day=would.day,
                price=MoneyBody.of(would.price),
                departs_on=would.departs_on,
                returns_on=would.returns_on,
                airline=would.airline,
            ),
            lowest=MoneyBody.maybe(found.lowest),
            lowest_on=found.lowest_on,
            route_low=MoneyBody.maybe(found.route_low),
            route_high=MoneyBody.maybe(found.route_high),
        )


class TripRequestRequest(Request):
    """A trip to keep in mind: nothing is watched or booked for it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Lisbon in spring", "criteria": WISH_EXAMPLE}]}
    )

    name: Name | None = Field(default=None, description="Absent: made of the route.")
    criteria: CriteriaBody
    traveler_ids: list[UUID] = Field(default=[], max_length=9)


class TripRequestResponse(Response):
    id: UUID
    name: str
    criteria: CriteriaBody
    traveler_ids: list[UUID]
    campaign_ids: list[UUID] = Field(description="Campaigns that were made of it, newest first.")
    created_at: datetime

    @classmethod
    def of(cls, row: TripRequestRow, campaign_ids: list[UUID]) -> Self:
        return cls(
            id=row.id,
            name=row.name,
            criteria=CriteriaBody.of(row.wish),
            traveler_ids=row.traveler_ids,
            campaign_ids=campaign_ids,
            created_at=row.created_at,
        )

"""Travellers as the API takes and gives them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from api.rest.schemas.common import Request, Response
from db.models.traveler import TravelerRow
from domain.travelers import DocumentKind, TravelerDetails, TravelerDocument

_EXAMPLE: dict[str, Any] = {
    "label": "Me",
    "given_name": "Ana",
    "family_name": "Souza",
    "born_on": "1990-04-12",
    "gender": "f",
    "title": "ms",
    "email": "ana@example.com",
    "phone": "+351912345678",
    "documents": [
        {
            "kind": "passport",
            "number": "CA123456",
            "issuing_country": "PT",
            "expires_on": "2031-08-01",
        }
    ],
    "loyalty": [{"airline": "TP", "number": "512345678"}],
}
Text = Annotated[str, StringConstraints(max_length=254)]


class DocumentBody(Request):
    kind: DocumentKind
    number: Annotated[str, StringConstraints(max_length=60)]
    issuing_country: Annotated[str, StringConstraints(to_upper=True, max_length=10)] = Field(
        description="ISO 3166, two letters."
    )
    expires_on: date | None = None


class LoyaltyBody(Request):
    airline: Annotated[str, StringConstraints(to_upper=True, max_length=10)]
    number: Annotated[str, StringConstraints(min_length=1, max_length=40)]


class TravelerRequest(Request):
    """A person exactly as in the passport. Stored encrypted, field by field."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    label: Annotated[str, StringConstraints(min_length=1, max_length=60)] = Field(
        default="Traveller", description="Your own word for this person; not encrypted."
    )
    given_name: Text
    family_name: Text
    born_on: date
    gender: Literal["m", "f"]
    title: Literal["mr", "ms", "mrs", "miss", "dr"]
    email: Text
    phone: Text = Field(description="E.164, such as +351912345678.")
    documents: list[DocumentBody] = Field(default=[], max_length=6)
    loyalty: list[LoyaltyBody] = Field(default=[], max_length=10)

    def details(self) -> TravelerDetails:
        return TravelerDetails(
            given_name=self.given_name,
            family_name=self.family_name,
            born_on=self.born_on,
            gender=self.gender,
            title=self.title,
            email=self.email,
            phone=self.phone,
            documents=tuple(TravelerDocument(**one.model_dump()) for one in self.documents),
            loyalty=tuple((one.airline, one.number) for one in self.loyalty),
        )


class TravelerResponse(Response):
    """A traveller in full, for their owner only."""

    id: UUID
    label: str
    given_name: str
    family_name: str
    born_on: date
    gender: str
    title: str
    email: str
    phone: str
    documents: list[DocumentBody]
    loyalty: list[LoyaltyBody]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: TravelerRow, details: TravelerDetails) -> Self:
        plain = details.model_dump()
        plain["loyalty"] = [
            {"airline": airline, "number": number} for airline, number in details.loyalty
        ]
        return cls(
            id=row.id,
            label=row.label,
            created_at=row.created_at,
            updated_at=row.updated_at,
            **plain,
        )

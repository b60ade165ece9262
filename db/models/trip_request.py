from typing import Annotated
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from db.models.columns import Ids, Instant, Json
from db.own_words import OwnWords
from domain.criteria import Criteria


class TripRequestRow(SQLModel, table=True):
    """A trip that somebody keeps in mind: saved criteria. Nothing is watched or booked for it.

    Turning automatic booking on makes a campaign of it, which keeps this id.
    """

    __tablename__ = "trip_requests"
    __table_args__ = (Index("trip_requests_by_user", "user_id", "created_at", "id"),)

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id")
    name: Annotated[str, Field(sa_type=OwnWords("trip_requests.name"))]
    criteria: Json
    traveler_ids: Ids
    created_at: Instant
    updated_at: Instant

    @property
    def wish(self) -> Criteria:
        return Criteria.model_validate(self.criteria)

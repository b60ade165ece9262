"""What is asked of a campaign that is there: consents, and answers to what was found."""

from typing import Literal
from uuid import UUID

from pydantic import Field, field_validator

from api.rest.schemas.campaigns import ConsentBody
from api.rest.schemas.common import MoneyBody, Request


class ConsentRequest(Request):
    """Your consent to a wish as it stands; the one that stood before ends."""

    consent: ConsentBody


class AllowOnceRequest(Request):
    """Flights of a decision whose reason is `over_budget`, to be booked this once."""

    look_id: UUID
    offer_id: str = Field(max_length=200)
    maximum: MoneyBody = Field(description="The most to be charged; at least what they cost.")
    accepted: Literal[True]
    text_version: str = Field(max_length=40, description="Of `allowance` in GET /api/v1/policy.")

    @field_validator("maximum")
    @classmethod
    def _expressible(cls, maximum: MoneyBody) -> MoneyBody:
        maximum.money()
        return maximum


class ProposalRequest(Request):
    proposal_id: UUID = Field(description="`proposal.id` as the status shows it.")

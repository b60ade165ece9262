"""What is agreed to when a wish is ordered: shown, ticked, and made part of the order."""

from dataclasses import dataclass
from datetime import datetime

from api.rest.schemas.campaigns import (
    ConsentBody,
    CreateCampaignRequest,
    CriteriaBody,
    CriteriaChange,
    EditCampaignRequest,
)
from api.web.visits import Visit
from api.web.wizard_answers import Reading
from api.web.wizard_desk import Draft
from api.wish_making import consent_due
from api.wishes import expiry
from db.models.campaign import CampaignRow
from domain.campaigns import BookingMode
from domain.mandates import CURRENT_CONSENT, consent_text
from domain.merchants import House, merchant_of
from domain.money import Money

_RAIL = "stripe"


@dataclass(frozen=True)
class Consenting:
    """What the box says: the words, the maximum, who charges which card, until when.

    `why` says why a change needs consent anew; `needed` is False where the old one reaches.
    """

    needed: bool
    words: str
    maximum: Money
    merchant: str
    card: str
    ends: datetime
    why: str | None = None
    token: str = ""


async def consent_to_show(
    visit: Visit, draft: Draft, reading: Reading, card: str
) -> Consenting | None:
    """Return the consent that this draft asks for; None while it is not known to what."""
    if reading.criteria is None or not reading.budget_given:
        return None
    maximum = reading.criteria.budget
    money = visit.services.settings.money
    house = House(name=money.merchant_name, statement_descriptor=money.statement_descriptor)
    ends = expires_at(visit, draft.campaign)
    why = consent_due(draft.campaign, reading.mode, maximum) if draft.campaign else None
    return Consenting(
        needed=draft.campaign is None or why is not None,
        words=consent_text(CURRENT_CONSENT, maximum, ends),
        maximum=maximum,
        merchant=merchant_of(_RAIL, house).sentence,
        card=card,
        ends=ends,
        why=why,
    )


def expires_at(visit: Visit, campaign: CampaignRow | None) -> datetime:
    if campaign is not None:
        return campaign.expires_at
    return expiry(visit.now, visit.services.settings.policy.campaign_months)


def creation_of(draft: Draft, reading: Reading) -> CreateCampaignRequest:
    """Return the order as the JSON API takes it; its consent is to what the page has shown."""
    assert reading.criteria is not None
    return CreateCampaignRequest(
        name=reading.answers.text("name") or None,
        criteria=CriteriaBody.of(reading.criteria),
        mode=reading.mode,
        traveler_ids=reading.traveler_ids,
        trip_request_id=draft.trip_request_id,
        payment_method_id=reading.payment_method_id,
        consent=ConsentBody(accepted=True, text_version=CURRENT_CONSENT),
    )


def change_of(reading: Reading, *, consented: bool) -> EditCampaignRequest:
    """Return the change as the JSON API takes it: the whole new wish."""
    assert reading.criteria is not None
    whole = CriteriaBody.of(reading.criteria).model_dump(mode="json")
    return EditCampaignRequest(
        name=reading.answers.text("name") or None,
        criteria=CriteriaChange.model_validate(whole),
        mode=reading.mode,
        traveler_ids=reading.traveler_ids,
        payment_method_id=reading.payment_method_id,
        consent=ConsentBody(accepted=True, text_version=CURRENT_CONSENT) if consented else None,
    )


def asks_first(reading: Reading) -> bool:
    return reading.mode is BookingMode.ASK_ME_FIRST

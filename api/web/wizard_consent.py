"""What is agreed to when a wish is ordered or changed: shown, ticked, signed, part of the order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.allowances import Allowance
from api.errors import ApiProblem
from api.mandates import DraftMandate, may_consent, read_draft
from api.rest.schemas.campaigns import (
    ConsentBody,
    CreateCampaignRequest,
    EditCampaignRequest,
)
from api.rest.schemas.criteria import CriteriaBody, CriteriaChange
from api.web.forms import Form
from api.web.passkeys import (
    PasskeyRefused,
    Purpose,
    Question,
    begin_assertion,
    finish_assertion,
    relying_party,
)
from api.web.views.booking_parts import card_name
from api.web.visits import Visit
from api.web.wizard_answers import Reading
from api.web.wizard_desk import Draft
from api.wish_changing import draft_for_change
from api.wish_consenting import ShownConsent, agreed_to, draft_for_consent
from api.wish_making import draft_for_new
from api.wishes import expiry
from db.models.campaign import CampaignRow
from db.queries.passkeys import list_passkeys
from domain.campaigns import BookingMode
from domain.mandates import consent_for
from domain.merchants import House, merchant_of
from domain.money import Money
from domain.reaching import Agreed, reaches_further

_RAIL = "stripe"


@dataclass(frozen=True)
class Consenting:
    """What the box says: the words, the maximum, who charges which card, until when.

    `why` says why a change needs consent anew; `needed` is False where the old one reaches.
    `passkey` is the question to a passkey of the person's, who has one.
    """

    needed: bool
    maximum: Money
    merchant: str
    card: str
    ends: datetime
    why: str | None = None
    words: str = ""
    token: str = ""
    passkey: str | None = None


async def consent_to_show(
    visit: Visit, draft: Draft, reading: Reading, card: str
) -> Consenting | None:
    """Return the consent that this draft asks for; None while it is not known to what.

    Raises:
        ApiProblem: the wish cannot hold, or the account may not consent now.
    """
    if reading.criteria is None or not reading.budget_given:
        return None
    facts = _facts(visit, reading.criteria.budget, card, draft.campaign)
    why = why_anew(draft.campaign, reading) if draft.campaign else None
    if not reading.mode.books or (draft.campaign is not None and why is None):
        return Consenting(needed=False, **facts)
    async with visit.transaction() as session:
        await may_consent(session, visit.user_id, visit.now)
    return await _asking(visit, await _document(visit, draft, reading), why, facts)


async def consent_to_wish(visit: Visit, row: CampaignRow, card: str) -> Consenting:
    """Return the consent to a wish as it stands.

    Raises:
        ApiProblem: the account may not consent now.
    """
    async with visit.transaction() as session:
        await may_consent(session, visit.user_id, visit.now)
    shown = await draft_for_consent(visit.services, row, row.budget)
    return await _asking(visit, shown, None, _facts(visit, row.budget, card, row))


async def consent_to_flights(visit: Visit, allowance: Allowance) -> Consenting:
    """Return the consent to certain flights alone, for some minutes.

    Raises:
        ApiProblem: the account may not consent now.
    """
    async with visit.transaction() as session:
        await may_consent(session, visit.user_id, visit.now)
    document = allowance.draft.document
    facts = _facts(visit, document.cap_each, card_name(allowance.card), None)
    return await _asking(visit, allowance.draft, None, facts | {"ends": document.expires_at})


def why_anew(row: CampaignRow, reading: Reading) -> str | None:
    """Say why the change of a wish needs a new consent; None where the old one reaches."""
    assert reading.criteria is not None
    if not reading.mode.books:
        return None
    after = Agreed(
        criteria=reading.criteria,
        mode=reading.mode,
        traveler_ids=tuple(reading.traveler_ids),
        card_id=reading.payment_method_id,
    )
    return reaches_further(agreed_to(row), after)


async def consent_shown(visit: Visit, form: Form) -> ShownConsent:
    """Return the consent that a form brings back, with a passkey's answer to it if it has one.

    Raises:
        ApiProblem: the form holds none, an old one, or a passkey's answer that does not count.
    """
    token, answer = form.secret("consent_token"), form.secret("passkey")
    if not answer:
        return ShownConsent(token)
    shown = read_draft(visit.services, token, visit.now)
    refusal = None
    async with visit.transaction() as session:
        try:
            passkey = await finish_assertion(
                session, visit.services, visit.user_id, _asked(shown), answer=answer
            )
            return ShownConsent(token, passkey)
        except PasskeyRefused as error:
            refusal = str(error)  # raised after the commit: the question is used up
    raise ApiProblem(422, "passkey_refused", refusal)


def expires_at(visit: Visit, campaign: CampaignRow | None) -> datetime:
    if campaign is not None:
        return campaign.expires_at
    return expiry(visit.now, visit.services.settings.policy.campaign_months)


def creation_of(draft: Draft, reading: Reading) -> CreateCampaignRequest:
    """Return the order as the JSON API takes it."""
    assert reading.criteria is not None
    return CreateCampaignRequest(
        name=reading.answers.text("name") or None,
        criteria=CriteriaBody.of(reading.criteria),
        mode=reading.mode,
        traveler_ids=reading.traveler_ids,
        trip_request_id=draft.trip_request_id,
        payment_method_id=reading.payment_method_id,
        consent=_consented(reading.mode) if reading.mode.books else None,
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
        consent=_consented(reading.mode) if consented else None,
    )


def _consented(mode: BookingMode) -> ConsentBody:
    return ConsentBody(accepted=True, text_version=consent_for(mode))


def _facts(visit: Visit, maximum: Money, card: str, campaign: CampaignRow | None) -> dict[str, Any]:
    money = visit.services.settings.money
    house = House(name=money.merchant_name, statement_descriptor=money.statement_descriptor)
    return {
        "maximum": maximum,
        "merchant": merchant_of(_RAIL, house).sentence,
        "card": card,
        "ends": expires_at(visit, campaign),
    }


async def _asking(
    visit: Visit, shown: DraftMandate, why: str | None, facts: dict[str, Any]
) -> Consenting:
    async with visit.transaction() as session:
        passkey = await _question(session, visit, shown)
    return Consenting(
        needed=True, why=why, words=shown.words, token=shown.token, passkey=passkey, **facts
    )


async def _document(visit: Visit, draft: Draft, reading: Reading) -> DraftMandate:
    services, row = visit.services, draft.campaign
    if row is None:
        body = creation_of(draft, reading)
        return await draft_for_new(services, visit.user_id, body, draft.key)
    change = change_of(reading, consented=True)
    return await draft_for_change(services, row, change, row.criteria_version)


async def _question(session: AsyncSession, visit: Visit, shown: DraftMandate) -> str | None:
    """Return what a passkey is asked to sign: this very document."""
    if relying_party(visit.services.settings) is None:
        return None
    if not await list_passkeys(session, visit.user_id):
        return None
    return await begin_assertion(
        session, visit.services, visit.user_id, _asked(shown), challenge=shown.challenge
    )


def _asked(shown: DraftMandate) -> Question:
    return Question(Purpose.MANDATE, shown.document.mandate_id)

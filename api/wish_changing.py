"""The one way to change a wish, for the JSON API and the pages alike."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from api.errors import ApiProblem, field_refused, refused
from api.mandates import DraftMandate, Wanted, draft_mandate
from api.processes import ProcessEnded, ask_campaign
from api.rest.schemas.campaigns import EditCampaignRequest
from api.services import Services
from api.wish_consenting import ShownConsent, agreed_to, consent_of
from api.wishes import Checked, cap_of, check_wish, house_weights, own_name, validation_problems
from db.models.campaign import CampaignRow
from db.queries.mandates import live_mandate_row
from domain.campaigns import CampaignState
from domain.ids import CampaignId, PaymentMethodId, UserId
from domain.mandates import CURRENT_CONSENT
from domain.messages.campaign import CampaignAnswer, CampaignEdit
from domain.money import Money
from domain.reaching import Agreed, reaches_further


@dataclass(frozen=True)
class _Change:
    wanted: Wanted
    checked: Checked
    consents: bool
    """Whether the request, or the consent that stands, allows it as it is."""


async def change_wish(
    services: Services,
    row: CampaignRow,
    body: EditCampaignRequest,
    expected_version: int,
    key: str | None = None,
    *,
    shown: ShownConsent | None = None,
) -> CampaignAnswer | None:
    """Ask the process for the change; None: it has ended, so the row alone answers."""
    change = await _edit_of(services, row, body, expected_version, shown)
    try:
        return await ask_campaign(services.temporal, row.id, "edit", change, key=key)
    except ProcessEnded:
        return None


async def draft_for_change(
    services: Services, row: CampaignRow, body: EditCampaignRequest, expected_version: int
) -> DraftMandate:
    """Return the consent to show before this change is made."""
    now = services.clock()
    async with services.database.transaction(UserId(row.user_id)) as session:
        change = await _wanted_of_edit(
            session, services, row, body, expected_version, now=now, asks=True
        )
        wanted = change.wanted
        return await draft_mandate(session, services, wanted, now)


async def _edit_of(
    services: Services,
    row: CampaignRow,
    body: EditCampaignRequest,
    expected: int,
    shown: ShownConsent | None,
) -> CampaignEdit:
    """Make the whole new wish of what was there and what changes; refuse what cannot hold."""
    now = services.clock()
    async with services.database.transaction(UserId(row.user_id)) as session:
        change = await _wanted_of_edit(
            session, services, row, body, expected, now=now, asks=shown is not None
        )
        wanted, checked = change.wanted, change.checked
        consent = None
        if wanted.mode.books and (shown or change.consents):
            consent = await consent_of(session, services, wanted, shown, now)
    return CampaignEdit(
        expected_version=expected,
        name=own_name(services, UserId(row.user_id), body.name or row.name, now=row.name),
        criteria=wanted.criteria,
        mode=wanted.mode,
        traveler_ids=checked.traveler_ids,
        party=checked.party,
        payment_method_id=PaymentMethodId(wanted.card_id) if wanted.card_id else None,
        consent=consent,
        opens_at=checked.opens_at,
        ends_at=checked.ends_at,
    )


async def _wanted_of_edit(
    session: AsyncSession,
    services: Services,
    row: CampaignRow,
    body: EditCampaignRequest,
    expected: int,
    *,
    now: datetime,
    asks: bool,
) -> _Change:
    """Return the wish as it would be; `asks`: a page shows the consent, or has shown it."""
    try:
        criteria = (
            body.criteria.applied_to(row.wish).criteria(house_weights(services))
            if body.criteria
            else row.wish
        )
    except ValidationError as error:
        raise refused(validation_problems(error, "criteria")) from error
    mode = body.mode or row.mode
    given = "payment_method_id" in body.model_fields_set
    card = body.payment_method_id if given else row.payment_method_id
    owner = UserId(row.user_id)
    checked = await check_wish(
        session,
        services,
        owner=owner,
        criteria=criteria,
        traveler_ids=body.traveler_ids or list(row.traveler_ids),
        payment_method_id=card,
        expires_at=row.expires_at,
        now=now,
        books=mode.books,
    )
    cap, text_version, consents = criteria.budget, CURRENT_CONSENT, False
    if body.consent is not None:
        cap, text_version, consents = cap_of(body.consent, cap), body.consent.text_version, True
    elif mode.books and not asks and row.status is not CampaignState.AWAITING_CONSENT:
        after = Agreed(
            criteria=criteria, mode=mode, traveler_ids=checked.traveler_ids, card_id=card
        )
        cap, text_version = await _standing_consent(session, row, after)
        consents = True
    wanted = Wanted(
        campaign_id=CampaignId(row.id),
        owner=owner,
        criteria=criteria,
        mode=mode,
        criteria_version=expected + 1,
        traveler_ids=checked.traveler_ids,
        party=checked.party,
        card_id=card,
        cap=cap,
        expires_at=checked.expires_at,
        text_version=text_version,
    )
    return _Change(wanted, checked, consents)


async def _standing_consent(
    session: AsyncSession, row: CampaignRow, after: Agreed
) -> tuple[Money, str]:
    """Return how much is allowed and by which text, as before; refused where that stops short."""
    why, budget = reaches_further(agreed_to(row), after), after.criteria.budget
    if why is not None:
        raise _consent_needed(why)
    mandate = await live_mandate_row(session, row.id)
    if mandate is None or mandate.document is None or mandate.currency != budget.currency:
        raise _consent_needed("there is no signed consent that reaches so far")
    return Money(minor=mandate.cap_minor, currency=mandate.currency), mandate.text_version


def _consent_needed(reason: str) -> ApiProblem:
    return field_refused("consent", reason, "Send a consent with this change.")

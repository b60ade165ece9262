"""Allowing flights once that cost a little more than the wish allows: what is shown, and the yes.

The page draws `draft_for_allowance(...)` and posts its token back to `allow_once(...)`.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.errors import ApiProblem, conflict, field_refused
from api.mandates import DraftMandate, Wanted, consent_at_once, consent_given, draft_mandate
from api.processes import ProcessEnded, ask_campaign
from api.services import Services
from api.wish_consenting import ShownConsent, wanted_of
from db.models.campaign import CampaignRow
from db.models.offer_decision import OfferDecisionRow
from db.models.payment_method import PaymentMethodRow, PaymentMethodStatus
from db.queries.allowances import decision_allowed
from db.queries.payment_methods import list_payment_methods
from domain.campaigns import ENDED
from domain.ids import LookId, UserId
from domain.mandate_document import MandateKind
from domain.mandates import CURRENT_ALLOWANCE, allowance_text
from domain.messages.campaign import AllowOnce, CampaignAnswer
from domain.money import Money


@dataclass(frozen=True)
class Allowance:
    """An offer that can be allowed once, the card that would pay, and the consent to show."""

    decision: OfferDecisionRow
    card: PaymentMethodRow
    draft: DraftMandate


async def draft_for_allowance(
    services: Services, row: CampaignRow, look_id: UUID, offer_id: str, maximum: Money
) -> Allowance:
    """Return what is shown before these flights are allowed; refused where they are not on offer.

    `maximum` is the most to be charged: what they cost, rounded up to a figure that people read.
    """
    async with services.database.transaction(UserId(row.user_id)) as session:
        wanted, decision, card = await _wanted(session, services, row, look_id, offer_id, maximum)
        return Allowance(
            decision, card, await draft_mandate(session, services, wanted, services.clock())
        )


async def allow_once(  # noqa: PLR0917  # as the page's draft, and the yes
    services: Services,
    row: CampaignRow,
    look_id: UUID,
    offer_id: str,
    maximum: Money,
    key: str | None = None,
    *,
    shown: ShownConsent | None = None,
) -> CampaignAnswer | None:
    """Ask the process to book these flights; None: it has ended, so the row alone answers."""
    if row.status in ENDED:
        return None
    now = services.clock()
    async with services.database.transaction(UserId(row.user_id)) as session:
        wanted, _, _ = await _wanted(session, services, row, look_id, offer_id, maximum)
        consent = (
            await consent_given(session, services, wanted, shown.token, now, passkey=shown.passkey)
            if shown
            else await consent_at_once(session, services, wanted, now)
        )
    request = AllowOnce(look_id=LookId(look_id), offer_id=offer_id, consent=consent)
    try:
        return await ask_campaign(services.temporal, row.id, "allow_once", request, key=key)
    except ProcessEnded:
        return None


async def _wanted(  # noqa: PLR0917
    session: AsyncSession,
    services: Services,
    row: CampaignRow,
    look_id: UUID,
    offer_id: str,
    maximum: Money,
) -> tuple[Wanted, OfferDecisionRow, PaymentMethodRow]:
    decision = await decision_allowed(session, row, look_id, offer_id)
    price = decision.price if decision else None
    if decision is None or price is None:
        raise conflict(
            "offer_gone",
            "These flights are not on offer any more, or fit the wish by now. Nothing was booked or"
            " charged.",
        )
    if maximum.currency != price.currency or maximum < price:
        raise field_refused(
            "maximum", f"these flights cost {price}", "Allow at least what they cost."
        )
    card = await _card(session, row)
    lasts = timedelta(minutes=services.settings.policy.allow_once_minutes)
    expires_at = min(services.clock() + lasts, row.ends_at).replace(microsecond=0)
    wanted = wanted_of(row, maximum)
    return (
        Wanted(
            campaign_id=wanted.campaign_id,
            owner=wanted.owner,
            criteria=wanted.criteria,
            mode=wanted.mode,
            criteria_version=wanted.criteria_version,
            traveler_ids=wanted.traveler_ids,
            party=wanted.party,
            card_id=card.id,
            cap=maximum,
            expires_at=expires_at,
            kind=MandateKind.ALLOW_ONCE,
            itinerary_key=decision.itinerary_key,
            text_version=CURRENT_ALLOWANCE,
            words=allowance_text(CURRENT_ALLOWANCE, maximum, decision.summary, expires_at),
        ),
        decision,
        card,
    )


async def _card(session: AsyncSession, row: CampaignRow) -> PaymentMethodRow:
    """Return the card that would be charged: the wish's own, else the default."""
    named = row.payment_method_id
    for card in await list_payment_methods(session, row.user_id):
        meant = card.id == named if named else card.is_default
        if meant and card.status is PaymentMethodStatus.USABLE:
            return card
    raise ApiProblem(
        409, "no_card", "There is no card that could pay for it. Nothing was booked or charged."
    )

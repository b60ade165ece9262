"""The consent to a wish: to one as it stands, or as part of making or changing it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from api.mandates import (
    DraftMandate,
    PasskeyAnswer,
    Wanted,
    consent_at_once,
    consent_given,
    draft_mandate,
)
from api.processes import ProcessEnded, ask_campaign
from api.services import Services
from db.models.campaign import CampaignRow
from domain.campaigns import ENDED
from domain.ids import CampaignId, TravelerId, UserId
from domain.mandates import CURRENT_CONSENT, consent_for
from domain.messages.campaign import CampaignAnswer, Consent
from domain.money import Money
from domain.reaching import Agreed


@dataclass(frozen=True)
class ShownConsent:
    """A consent given to what a page has shown: the draft's token, and a passkey's answer to it."""

    token: str
    passkey: PasskeyAnswer | None = None


async def give_consent(
    services: Services,
    row: CampaignRow,
    cap: Money,
    key: str | None = None,
    *,
    text_version: str = CURRENT_CONSENT,
    shown: ShownConsent | None = None,
) -> CampaignAnswer | None:
    """Consent to a wish as it stands; None: its process has ended, so the row alone answers."""
    now = services.clock()
    if row.status in ENDED:
        return None
    async with services.database.transaction(UserId(row.user_id)) as session:
        wanted = wanted_of(row, cap, text_version)
        consent = await consent_of(session, services, wanted, shown, now)
    try:
        return await ask_campaign(services.temporal, row.id, "consent", consent, key=key)
    except ProcessEnded:
        return None


async def draft_for_consent(services: Services, row: CampaignRow, cap: Money) -> DraftMandate:
    """Return the consent to show for a wish as it stands."""
    wanted = wanted_of(row, cap, consent_for(row.mode))
    async with services.database.transaction(UserId(row.user_id)) as session:
        return await draft_mandate(session, services, wanted, services.clock())


def wanted_of(row: CampaignRow, cap: Money, text_version: str = CURRENT_CONSENT) -> Wanted:
    """Return what the consent to a wish as it stands would say."""
    return Wanted(
        campaign_id=CampaignId(row.id),
        owner=UserId(row.user_id),
        criteria=row.wish,
        mode=row.mode,
        criteria_version=row.criteria_version,
        traveler_ids=tuple(TravelerId(one) for one in row.traveler_ids),
        party=row.travelling,
        card_id=row.payment_method_id,
        cap=cap,
        expires_at=row.expires_at,
        text_version=text_version,
    )


def agreed_to(row: CampaignRow) -> Agreed:
    """Return what the consent of a wish is about."""
    return Agreed(
        criteria=row.wish,
        mode=row.mode,
        traveler_ids=tuple(row.traveler_ids),
        card_id=row.payment_method_id,
    )


async def consent_of(
    session: AsyncSession,
    services: Services,
    wanted: Wanted,
    shown: ShownConsent | None,
    now: datetime,
) -> Consent:
    """Return the signed consent: to what a page has shown, else by the request itself."""
    if shown is None:
        return await consent_at_once(session, services, wanted, now)
    return await consent_given(session, services, wanted, shown.token, now, passkey=shown.passkey)

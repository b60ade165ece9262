"""What a notice says and where it goes, read from the rows when somebody is about to see it."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.notice import NoticeRow
from db.models.user import UserRow
from db.queries.bookings import get_booking
from db.queries.campaigns import get_campaign, summary_of
from db.queries.notices import NewNotice
from db.queries.openings import get_proposal
from db.queries.payment_methods import get_payment_method
from db.queries.travelers import get_document, get_traveler
from db.vault import PersonalVault
from domain.account_notices import ONE_TIME_LINKS
from domain.cards import card_name, valid_until
from domain.ids import UserId
from domain.itineraries import Itinerary
from domain.letters import NoticeFacts
from runtime.tokens import PAY_PURPOSE, one_time_token, sign_token

_PLACE = {"table": "notices", "column": "to"}


async def addressed_to(
    session: AsyncSession, vault: PersonalVault, notice: NewNotice, address: str
) -> NewNotice:
    """Return the notice, its letter to be sent to this address instead of the account's own."""
    owner = UserId(notice.user_id)
    sealed = await vault.seal(session, owner, address, row_id=notice.id, **_PLACE)
    return replace(notice, to_encrypted=sealed)


async def address_of(
    session: AsyncSession, vault: PersonalVault, user: UserRow, notice: NoticeRow
) -> str:
    """Return the address that a letter is sent to."""
    owner = UserId(user.id)
    if notice.to_encrypted is not None:
        return await vault.open(session, owner, notice.to_encrypted, row_id=notice.id, **_PLACE)
    return await vault.open(
        session, owner, user.email_encrypted, table="users", column="email", row_id=user.id
    )


async def facts_of(
    session: AsyncSession, vault: PersonalVault, row: NoticeRow, *, sandbox: bool
) -> NoticeFacts:
    """Read what a notice's message may be made of, but for links that carry a secret."""
    campaign = await get_campaign(session, row.campaign_id) if row.campaign_id else None
    booking = await get_booking(session, row.booking_id) if row.booking_id else None
    itinerary = Itinerary.model_validate(booking.itinerary) if booking else None
    if row.event == "approval_needed":
        proposal = await get_proposal(session, UUID(row.data["proposal_id"]))
        itinerary = Itinerary.model_validate(proposal.itinerary) if proposal else None
    facts = NoticeFacts(
        wish=summary_of(campaign) if campaign else "",
        data=row.data,
        campaign_id=row.campaign_id,
        booking_id=row.booking_id,
        itinerary=itinerary,
        tickets=tuple(str(t["number"]) for t in booking.ticket_numbers) if booking else (),
        sandbox=sandbox,
    )
    if row.event == "card_expiring":
        return facts.model_copy(update=await _card(session, UUID(row.data["payment_method_id"])))
    if row.event == "passport_expiring":
        return facts.model_copy(
            update=await _passport(session, vault, UUID(row.data["document_id"]))
        )
    return facts


def link_of(row: NoticeRow, secret: str) -> str | None:
    """Return the path of a notice's own link, made anew so that it is stored nowhere."""
    if row.event in ONE_TIME_LINKS:
        purpose = ONE_TIME_LINKS[row.event]
        return f"/{purpose}/{one_time_token(secret, purpose, UUID(row.data['link_id']))}"
    if row.event == "authentication_required":
        lapses_at = datetime.fromisoformat(row.data["lapses_at"])
        attempt_id = UUID(row.data["attempt_id"])
        token = sign_token(secret, PAY_PURPOSE, attempt_id, lapses_at, owner=row.user_id)
        return f"/pay/{token}"
    return None


async def _card(session: AsyncSession, method_id: UUID) -> dict[str, object]:
    card = await get_payment_method(session, method_id)
    if card is None:
        return {}
    return {
        "card": card_name(card.brand, card.last4),
        "expires_on": valid_until(card.exp_year, card.exp_month),
    }


async def _passport(
    session: AsyncSession, vault: PersonalVault, document_id: UUID
) -> dict[str, object]:
    document = await get_document(session, document_id)
    if document is None:
        return {}
    traveler = await get_traveler(session, document.traveler_id)
    expires_on = await vault.open_expiry(session, document)
    return {
        "traveller": traveler.label if traveler else None,
        "expires_on": expires_on,
    }

"""What a notice says and where it goes, read from the rows when somebody is about to see it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.booking import BookingRow
from db.models.campaign import CampaignRow
from db.models.notice import NoticeRow
from db.models.payment_method import PaymentMethodRow
from db.models.proposal import ProposalRow
from db.models.user import UserRow
from db.queries.campaigns import summary_of
from db.queries.inbox import rows_by_id
from db.queries.notices import NewNotice
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
    session: AsyncSession, vault: PersonalVault, rows: Sequence[NoticeRow], *, sandbox: bool
) -> list[NoticeFacts]:
    """Read what these notices' messages may be made of, but for links that carry a secret."""
    campaigns = await rows_by_id(session, CampaignRow, (row.campaign_id for row in rows))
    bookings = await rows_by_id(session, BookingRow, (row.booking_id for row in rows))
    proposals = await rows_by_id(session, ProposalRow, (_named(row, "proposal_id") for row in rows))
    cards = await rows_by_id(
        session, PaymentMethodRow, (_named(row, "payment_method_id") for row in rows)
    )
    found = []
    for row in rows:
        campaign = campaigns.get(row.campaign_id)
        booking = bookings.get(row.booking_id)
        flights = booking or proposals.get(_named(row, "proposal_id"))
        facts = NoticeFacts(
            wish=summary_of(campaign) if campaign else "",
            data=row.data,
            campaign_id=row.campaign_id,
            booking_id=row.booking_id,
            itinerary=Itinerary.model_validate(flights.itinerary) if flights else None,
            tickets=tuple(str(t["number"]) for t in booking.ticket_numbers) if booking else (),
            sandbox=sandbox,
        )
        card = cards.get(_named(row, "payment_method_id"))
        if card is not None:
            facts = facts.model_copy(update=_card(card))
        if row.event == "passport_expiring":
            facts = facts.model_copy(update=await _passport(session, vault, row))
        found.append(facts)
    return found


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


def _named(row: NoticeRow, name: str) -> UUID | None:
    """Return an id that a notice's data hold."""
    return UUID(row.data[name]) if name in row.data else None


def _card(card: PaymentMethodRow) -> dict[str, object]:
    return {
        "card": card_name(card.brand, card.last4),
        "expires_on": valid_until(card.exp_year, card.exp_month),
    }


async def _passport(
    session: AsyncSession, vault: PersonalVault, row: NoticeRow
) -> dict[str, object]:
    document = await get_document(session, UUID(row.data["document_id"]))
    if document is None:
        return {}
    traveler = await get_traveler(session, document.traveler_id)
    if traveler is None:
        return {}
    expires_on = await vault.open_expiry(session, document)
    return {"traveller": traveler.label or None, "expires_on": expires_on}

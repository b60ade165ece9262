"""Mandates: given, withdrawn, and what has been taken of them. All under their campaign's lock."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.journal import remember
from db.models.attempt import AttemptRow
from db.models.campaign import CampaignRow
from db.models.mandate import MandateRow
from db.models.mandate_salt import MandateSaltRow
from db.models.mandate_use import MandateUseRow
from db.models.payment import PaymentRow
from db.queries.audit import write_down
from domain.audit import Action, Entry
from domain.ids import derive
from domain.journal import Act
from domain.mandate_document import MandateKind, SealedSalt, read_document
from domain.mandates import Charge
from domain.messages.campaign import Consent
from domain.money import Money
from domain.offers import DatePair


async def insert_mandate(
    session: AsyncSession, campaign: CampaignRow, consent: Consent
) -> MandateRow:
    """Write a consent down beside its campaign; the same one again is harmless.

    Raises:
        BadMandate: what is said to be signed is no document of ours.
    """
    row = mandate_row(campaign, consent)
    known = await session.get(MandateRow, row.id)
    if known is not None:
        return known
    session.add(row)
    await session.flush()
    session.add_all(_salt(row, salt) for salt in consent.salts)
    await session.flush()
    given = {
        "kind": row.kind.value,
        "campaign_id": str(campaign.id),
        "criteria_version": row.criteria_version,
        "cap_minor": row.cap_minor,
        "currency": row.currency,
    }
    await write_down(
        session, _entry(Action.MANDATE_GIVEN, row.id, row.user_id, given), row.consented_at
    )
    return row


def mandate_row(campaign: CampaignRow, consent: Consent) -> MandateRow:
    """Return the row of a consent, not written yet; raises as `insert_mandate` does."""
    signed = consent.signed
    if signed is None:
        return MandateRow(
            id=derive("mandate", campaign.id, campaign.criteria_version),
            campaign_id=campaign.id,
            user_id=campaign.user_id,
            criteria_version=campaign.criteria_version,
            text_version=consent.text_version,
            cap_minor=consent.cap.minor,
            currency=consent.cap.currency,
            consented_at=consent.consented_at,
            expires_at=campaign.expires_at,
        )
    document = read_document(signed.document)
    return MandateRow(
        id=document.mandate_id,
        campaign_id=campaign.id,
        user_id=campaign.user_id,
        kind=document.kind,
        criteria_version=document.criteria_version,
        text_version=document.consent.version,
        cap_minor=document.cap_each.minor,
        currency=document.currency,
        consented_at=document.issued_at,
        expires_at=document.expires_at,
        document=signed.document,
        key_id=signed.key_id,
        signature=signed.signature,
        passkey=signed.passkey.model_dump(mode="json") if signed.passkey else None,
        nonce=document.nonce,
    )


def _entry(action: Action, mandate_id: UUID, user_id: UUID, after: dict[str, Any]) -> Entry:
    return Entry(action, "mandate", str(mandate_id), user_id, after=after)


def _salt(row: MandateRow, salt: SealedSalt) -> MandateSaltRow:
    return MandateSaltRow(
        mandate_id=row.id,
        traveler_id=salt.traveler_id,
        user_id=row.user_id,
        salt_encrypted=salt.salt_encrypted,
        created_at=row.consented_at,
    )


async def live_mandate_row(session: AsyncSession, campaign_id: UUID) -> MandateRow | None:
    """Return the campaign's one standing consent, true or not."""
    query = select(MandateRow).where(
        col(MandateRow.campaign_id) == campaign_id,
        col(MandateRow.kind) == MandateKind.BOOKING,
        col(MandateRow.revoked_at).is_(None),
    )
    row: MandateRow | None = await session.scalar(query.execution_options(populate_existing=True))
    return row


async def mandate_of(session: AsyncSession, attempt: AttemptRow) -> MandateRow | None:
    """Return what an attempt acts under, withdrawn or not."""
    if attempt.mandate_id is None:  # opened by an older worker
        return await live_mandate_row(session, attempt.campaign_id)
    return await session.get(MandateRow, attempt.mandate_id, populate_existing=True)


async def mandates_of(session: AsyncSession, campaign_id: UUID) -> list[MandateRow]:
    """Return every consent ever given for a campaign, the newest first."""
    query = select(MandateRow).where(col(MandateRow.campaign_id) == campaign_id)
    newest = (
        col(MandateRow.criteria_version).desc(),
        col(MandateRow.revoked_at).desc().nulls_first(),
    )
    query = query.order_by(*newest, col(MandateRow.id))
    return list(await session.scalars(query))


async def salts_of(session: AsyncSession, mandate_id: UUID) -> list[MandateSaltRow]:
    query = select(MandateSaltRow).where(col(MandateSaltRow.mandate_id) == mandate_id)
    return list(await session.scalars(query))


async def revoke_mandate(
    session: AsyncSession,
    campaign_id: UUID,
    now: datetime,
    kind: MandateKind | None = MandateKind.BOOKING,
) -> None:
    """Withdraw the consent to book; harmless when there is none. `kind` None: of every kind."""
    standing = [col(MandateRow.campaign_id) == campaign_id, col(MandateRow.revoked_at).is_(None)]
    if kind is not None:
        standing.append(col(MandateRow.kind) == kind)
    query = update(MandateRow).where(*standing).values(revoked_at=now)
    returned = query.returning(col(MandateRow.id), col(MandateRow.user_id))
    for mandate_id, user_id in (await session.execute(returned)).all():
        remember(session, Act.REVOKED, str(MandateRow.__tablename__), [mandate_id], user_id, at=now)
        await write_down(session, _entry(Action.MANDATE_REVOKED, mandate_id, user_id, {}), now)


async def use_of(session: AsyncSession, attempt_id: UUID) -> MandateUseRow | None:
    """Return what the attempt took of its mandate, if that stands."""
    row = await session.get(MandateUseRow, attempt_id, populate_existing=True)
    return row if row is not None and row.released_at is None else None


@dataclass(frozen=True)
class Taken:
    """What was taken under a mandate, with the charge that it allowed."""

    use: MandateUseRow
    payment: PaymentRow

    @property
    def amount(self) -> Money:
        return Money(minor=self.use.amount_minor, currency=self.use.currency)

    @property
    def charged(self) -> Money:
        return Money(minor=self.payment.captured_minor, currency=self.payment.currency)

    @property
    def refunded(self) -> Money:
        return Money(minor=self.payment.refunded_minor, currency=self.payment.currency)


async def uses_of(session: AsyncSession, campaign_id: UUID) -> list[Taken]:
    """Return what was taken under a campaign's mandates, the earliest first."""
    query = (
        select(MandateUseRow, PaymentRow)
        .join(PaymentRow, col(PaymentRow.id) == col(MandateUseRow.payment_id))
        .where(col(MandateUseRow.campaign_id) == campaign_id)
        .order_by(col(MandateUseRow.used_at))
    )
    return [Taken(use, payment) for use, payment in await session.execute(query)]


async def write_use(
    session: AsyncSession,
    attempt: AttemptRow,
    mandate: MandateRow,
    payment: PaymentRow,
    amount: Money,
    *,
    now: datetime,
) -> None:
    """Write what an attempt takes: one row an attempt, of its newest charge."""
    charge = {
        "mandate_id": mandate.id,
        "payment_id": payment.id,
        "amount_minor": amount.minor,
        "currency": amount.currency,
        "used_at": now,
        "released_at": None,
    }
    whose = {
        "attempt_id": attempt.id,
        "campaign_id": attempt.campaign_id,
        "user_id": attempt.user_id,
    }
    await session.execute(
        insert(MandateUseRow)
        .values(**whose, **charge)
        .on_conflict_do_update(index_elements=[col(MandateUseRow.attempt_id)], set_=charge)
    )
    used = {
        "attempt_id": str(attempt.id),
        "payment_id": str(payment.id),
        "amount_minor": amount.minor,
        "currency": amount.currency,
    }
    await write_down(session, _entry(Action.MANDATE_USED, mandate.id, attempt.user_id, used), now)


async def release_use(session: AsyncSession, attempt_id: UUID, now: datetime) -> None:
    """Give back what an attempt took: it is certain that it booked nothing."""
    released = await session.execute(
        update(MandateUseRow)
        .where(
            col(MandateUseRow.attempt_id) == attempt_id, col(MandateUseRow.released_at).is_(None)
        )
        .values(released_at=now)
        .returning(col(MandateUseRow.mandate_id), col(MandateUseRow.user_id))
    )
    for mandate_id, user_id in released.all():
        given_back = {"attempt_id": str(attempt_id)}
        entry = _entry(Action.MANDATE_RELEASED, mandate_id, user_id, given_back)
        await write_down(session, entry, now)


async def charge_of(
    session: AsyncSession,
    campaign: CampaignRow,
    mandate: MandateRow,
    total: Money,
    attempt: AttemptRow | None = None,
) -> Charge:
    """Gather what a mandate is held against; without an attempt, as far as it is known."""
    taken = select(func.coalesce(func.sum(col(MandateUseRow.amount_minor)), 0)).where(
        col(MandateUseRow.mandate_id) == mandate.id, col(MandateUseRow.released_at).is_(None)
    )
    if attempt is not None:
        taken = taken.where(col(MandateUseRow.attempt_id) != attempt.id)
    return Charge(
        campaign_id=campaign.id,
        owner_id=campaign.user_id,
        mode=campaign.mode,
        criteria_version=attempt.criteria_version if attempt else campaign.criteria_version,
        criteria=campaign.wish,
        party=campaign.travelling,
        traveler_ids=tuple(campaign.traveler_ids),
        named_card_id=campaign.payment_method_id,
        card_id=attempt.payment_method_id if attempt else None,
        total=total,
        used=Money(minor=int(await session.scalar(taken) or 0), currency=mandate.currency),
        pair=DatePair.model_validate(attempt.pair) if attempt else None,
        itinerary_key=attempt.itinerary_key if attempt else None,
    )

"""Campaigns: accepting, reading and editing a wish. States are changed in `transitions.py`."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.errors import StaleRow
from db.models.attempt import AttemptRow
from db.models.campaign import CampaignRow
from db.models.mandate import MandateRow
from db.models.notice import NoticeRow, NoticeState
from db.models.proposal import ProposalRow, ProposalStatus
from db.paging import Page, check_limit, decode_cursor, page_of
from db.queries.audit import write_down
from db.queries.fares import keep_fares
from db.queries.mandates import insert_mandate, revoke_mandate
from db.queries.notices import NewNotice
from db.queries.transitions import append_event, change_state
from domain.attempts import LIVE, PAST_NO_RETURN, AttemptState
from domain.audit import Action, Entry
from domain.campaigns import CampaignState
from domain.criteria import Criteria
from domain.ids import AttemptId, CampaignId, ProposalId, UserId
from domain.messages.campaign import CampaignEdit, CampaignFacts, NewCampaign
from domain.money import exponent
from domain.offers import Party

_WARN_BEFORE = timedelta(days=14)
_OPENED = 1_000  # names, whose opening takes a few milliseconds in all
_OF_THE_WISH = ("fare_found",)  # told of the wish itself, each time of another thing


async def insert_campaign(
    session: AsyncSession, new: NewCampaign, now: datetime
) -> tuple[CampaignRow, bool]:
    """Add the campaign with its mandate and first event; False if its id was there before.

    Whether the one that was there came of the same request is told by its `body_hmac`.
    """
    ready = not new.mode.books or (new.consent is not None and new.consent.signed is not None)
    status = CampaignState.ACTIVE if ready else CampaignState.AWAITING_CONSENT
    values = {
        "id": new.campaign_id,
        "user_id": new.owner_id,
        "status": status,
        "seller": "duffel",
        "criteria_version": 1,
        # None: the default of the moment of booking, so that a new default serves at once.
        "payment_method_id": new.payment_method_id,
        "trip_request_id": new.trip_request_id,
        "expires_at": new.expires_at,
        "opens_at": new.opens_at,
        "ends_at": new.ends_at,
        "body_hmac": new.body_hmac,
        "event_seq": 0,
        "row_version": 1,
        "created_at": new.created_at,
        "updated_at": now,
        **_wish_columns(new),
    }
    added = await session.execute(
        insert(CampaignRow)
        .values(values)
        .on_conflict_do_nothing(index_elements=[col(CampaignRow.id)])
        .returning(col(CampaignRow.id))
    )
    created = added.scalar_one_or_none() is not None
    if created:
        row = await session.get_one(CampaignRow, new.campaign_id, populate_existing=True)
        if new.consent is not None:
            await insert_mandate(session, row, new.consent)
        await append_event(
            session,
            new.campaign_id,
            "campaign.created",
            {"state": status.value, "criteria_version": 1, "mode": new.mode.value},
            now,
        )
        made = {"state": status.value, "mode": new.mode.value}
        await write_down(session, _entry(Action.CAMPAIGN_STATE, row, {}, made), now)
    row = await session.get_one(CampaignRow, new.campaign_id, populate_existing=True)
    return row, created


async def get_campaign(session: AsyncSession, campaign_id: UUID) -> CampaignRow | None:
    return await session.get(CampaignRow, campaign_id, populate_existing=True)


async def list_campaigns(
    session: AsyncSession,
    user_id: UserId,
    *,
    states: Collection[CampaignState] = (),
    cursor: str | None = None,
    limit: int = 20,
) -> Page[CampaignRow]:
    """Return the person's campaigns, newest first; no states means all.

    Raises:
        BadCursor, BadLimit: the paging is not one of ours.
    """
    query = select(CampaignRow).where(col(CampaignRow.user_id) == user_id)
    if states:
        query = query.where(col(CampaignRow.status).in_(list(states)))
    if cursor:
        last = decode_cursor(cursor)
        place = tuple_(col(CampaignRow.created_at), col(CampaignRow.id))
        query = query.where(place < (last.at, last.uuid()))
    query = query.order_by(col(CampaignRow.created_at).desc(), col(CampaignRow.id).desc())
    rows = list(await session.scalars(query.limit(check_limit(limit) + 1)))
    return page_of(rows, limit, lambda row: (row.created_at, row.id))


async def apply_edit(
    session: AsyncSession, row: CampaignRow, edit: CampaignEdit, now: datetime
) -> None:
    """Give a locked campaign a new wish: next version, new mandate, open proposal void.

    A campaign that was waiting, for an approval or for the consent that comes with the change,
    watches; any other state stays.

    Raises:
        StaleRow: the edit was made against an older version.
    """
    if row.criteria_version != edit.expected_version:
        raise StaleRow("autobooking_campaigns", row.id)
    version = row.criteria_version + 1
    told = _told(row, edit, version)
    await revoke_mandate(session, row.id, now)
    await close_open_proposal(session, row.id, ProposalStatus.VOID, now)
    for name, value in _wish_columns(edit).items():
        setattr(row, name, value)
    if edit.ends_at != row.ends_at:
        row.warned_at = None
    row.criteria_version, row.updated_at = version, now
    row.opens_at, row.ends_at = edit.opens_at, edit.ends_at
    row.payment_method_id = edit.payment_method_id
    # The wish that failed is not the wish of now.
    row.hold_off_until = None
    # Nor is the fare that was told of that wish.
    row.told_minor = row.told_at = None
    await session.flush()
    if edit.consent is not None:
        await insert_mandate(session, row, edit.consent)
    if not told["shape_changed"]:
        await keep_fares(session, row.id, version - 1)
    was = {"criteria_version": version - 1, "budget_minor": told["budget_was_minor"]}
    now_is = {name: told[name] for name in ("criteria_version", "budget_minor", "currency", "mode")}
    await write_down(session, _entry(Action.CAMPAIGN_EDITED, row, was, now_is), now)
    consented = edit.consent is not None or not edit.mode.books
    if row.status is CampaignState.AWAITING_APPROVAL or (
        row.status is CampaignState.AWAITING_CONSENT and consented
    ):
        await change_state(
            session, row, CampaignState.ACTIVE, now=now, event="campaign.edited", data=told
        )
    else:
        row.row_version += 1
        told["state"] = row.status.value
        await append_event(session, row.id, "campaign.edited", told, now)


async def stop_for(
    session: AsyncSession,
    row: CampaignRow,
    reason: str,
    now: datetime,
    *,
    subject_id: UUID | None = None,
) -> None:
    """Stop a locked campaign until its traveller acts; told once for each subject."""
    await close_open_proposal(session, row.id, ProposalStatus.VOID, now)
    row.action_reason = reason
    await change_state(
        session,
        row,
        CampaignState.NEEDS_ACTION,
        now=now,
        event="campaign.needs_action",
        data={"reason": reason},
        notices=[
            NewNotice(
                event=reason,
                subject_id=subject_id or row.id,
                user_id=row.user_id,
                campaign_id=row.id,
                data={"reason": reason},
            )
        ],
    )


async def unsigned_campaigns(session: AsyncSession, seller: str, limit: int) -> list[UUID]:
    """Return campaigns that watch under a consent from before consents were signed."""
    query = (
        select(col(CampaignRow.id))
        .join(MandateRow, col(MandateRow.campaign_id) == col(CampaignRow.id))
        .where(
            col(MandateRow.revoked_at).is_(None),
            col(MandateRow.document).is_(None),
            col(CampaignRow.seller) == seller,
            col(CampaignRow.status).in_([CampaignState.ACTIVE, CampaignState.AWAITING_APPROVAL]),
        )
        .limit(limit)
    )
    return list(await session.scalars(query))


def _entry(
    action: Action, row: CampaignRow, before: dict[str, Any], after: dict[str, Any]
) -> Entry:
    return Entry(action, "campaign", str(row.id), row.user_id, before, after)


def edited_so(row: CampaignRow, edit: CampaignEdit) -> bool:
    """Say whether the row is what this edit made of it."""
    wished = _wish_columns(edit) | {
        "criteria_version": edit.expected_version + 1,
        "payment_method_id": edit.payment_method_id,
        "ends_at": edit.ends_at,
    }
    return all(getattr(row, name) == value for name, value in wished.items())


def _told(row: CampaignRow, edit: CampaignEdit, version: int) -> dict[str, Any]:
    """Say in the event what a reader of the wish's past wants to know."""
    same = row.wish.flights == edit.criteria.flights and row.travelling == edit.party
    return {
        "criteria_version": version,
        "mode": edit.mode.value,
        "budget_was_minor": row.budget_minor,
        "budget_minor": edit.criteria.budget.minor,
        "currency": edit.criteria.budget.currency,
        "shape_changed": not same,
    }


async def close_open_proposal(
    session: AsyncSession, campaign_id: UUID, status: ProposalStatus, now: datetime
) -> UUID | None:
    """Close the campaign's open proposal, if it has one, and return its id."""
    closed = await session.execute(
        update(ProposalRow)
        .where(
            col(ProposalRow.campaign_id) == campaign_id,
            col(ProposalRow.status) == ProposalStatus.OPEN,
        )
        .values(status=status, closed_at=now)
        .returning(col(ProposalRow.id))
    )
    proposal_id: UUID | None = closed.scalar_one_or_none()
    return proposal_id


async def facts(
    session: AsyncSession,
    campaign_id: UUID,
    now: datetime,
    *,
    warn_before: timedelta = _WARN_BEFORE,
) -> CampaignFacts | None:
    """Gather what the campaign's workflow needs for its timers; None: no such campaign."""
    row = await get_campaign(session, campaign_id)
    return await facts_of(session, row, now, warn_before=warn_before) if row else None


async def facts_of(
    session: AsyncSession, row: CampaignRow, now: datetime, *, warn_before: timedelta
) -> CampaignFacts:
    """Gather the same for a campaign that is at hand."""
    attempt_id, attempt_state, proposal_id, proposal_expires_at, untold = await _stands(
        session, row.id
    )
    return CampaignFacts(
        campaign_id=CampaignId(row.id),
        owner_id=UserId(row.user_id),
        state=row.status,
        mode=row.mode,
        criteria_version=row.criteria_version,
        ends_at=row.ends_at,
        warn_at=None if row.warned_at else max(row.ends_at - warn_before, row.created_at),
        opens_at=row.opens_at if row.opens_at and row.opens_at > now else None,
        proposal_id=ProposalId(proposal_id) if proposal_id else None,
        proposal_expires_at=proposal_expires_at,
        market=f"{row.origin_code}-{row.destination_code}",
        summary=summary_of(row),
        attempt_id=AttemptId(attempt_id) if attempt_id else None,
        past_no_return=attempt_state in PAST_NO_RETURN,
        seller=row.seller,
        undo_until=row.undo_until,
        untold=untold,
    )


async def _stands(
    session: AsyncSession, campaign_id: UUID
) -> tuple[UUID | None, AttemptState | None, UUID | None, datetime | None, bool]:
    """Return the live attempt, the open proposal, and whether something waits to be told.

    Told of the wish itself, that is; attempts tell their own.
    """
    consents = select(col(MandateRow.id)).where(col(MandateRow.campaign_id) == campaign_id)
    subject = col(NoticeRow.subject_id)
    of_the_wish = or_(
        subject == campaign_id,
        subject == col(ProposalRow.id),
        subject.in_(consents),
        col(NoticeRow.event).in_(_OF_THE_WISH),
    )
    untold = exists().where(
        col(NoticeRow.campaign_id) == campaign_id,
        of_the_wish,
        col(NoticeRow.state) == NoticeState.PENDING,
        # What waits for an hour to come is told by another.
        col(NoticeRow.due_at) <= col(NoticeRow.created_at),
    )
    live = and_(col(AttemptRow.campaign_id) == col(CampaignRow.id), col(AttemptRow.state).in_(LIVE))
    still_open = and_(
        col(ProposalRow.campaign_id) == col(CampaignRow.id),
        col(ProposalRow.status) == ProposalStatus.OPEN,
    )
    query = (
        select(
            col(AttemptRow.id),
            col(AttemptRow.state),
            col(ProposalRow.id),
            col(ProposalRow.expires_at),
            untold,
        )
        .select_from(CampaignRow)
        .outerjoin(AttemptRow, live)
        .outerjoin(ProposalRow, still_open)
        .where(col(CampaignRow.id) == campaign_id)
    )
    found = (await session.execute(query)).one()
    return found[0], found[1], found[2], found[3], found[4]


async def wishes_called(session: AsyncSession, user_id: UserId, words: str) -> list[UUID]:
    """Find the person's wishes by their own words for them, which no query can look into.

    So many of the newest are opened and no more: whoever has more finds the older ones by place. A
    blind index would find whole words only, and tell which wishes share one.
    """
    query = (
        select(col(CampaignRow.id), col(CampaignRow.name))
        .where(col(CampaignRow.user_id) == user_id)
        .order_by(col(CampaignRow.created_at).desc())
        .limit(_OPENED)
    )
    wanted = words.casefold()
    return [one for one, name in await session.execute(query) if wanted in name.casefold()]


def _wish_columns(wish: NewCampaign | CampaignEdit) -> dict[str, Any]:
    criteria: Criteria = wish.criteria
    party: Party = wish.party
    return {
        "name": wish.name,
        "mode": wish.mode,
        "criteria": criteria.model_dump(mode="json"),
        "traveler_ids": list(wish.traveler_ids),
        "party": party.model_dump(mode="json"),
        "budget_minor": criteria.budget.minor,
        "currency": criteria.budget.currency,
        "currency_exponent": exponent(criteria.budget.currency),
        "origin_code": criteria.origins[0],
        "destination_code": criteria.destinations[0],
        "departure_date_start": criteria.departure_from,
        "departure_date_end": criteria.departure_until,
    }


def summary_of(row: CampaignRow) -> str:
    wish = row.wish
    nights = ""
    if wish.is_return:
        ends = sorted({wish.nights_min or 0, wish.nights_max or 0})
        nights = f", {'-'.join(str(end) for end in ends)} nights"
    dates = f"{wish.departure_from} to {wish.departure_until}"
    places = f"{'/'.join(wish.origins)} to {'/'.join(wish.destinations)}"
    return f"{places}, {dates}{nights}, up to {wish.budget}"

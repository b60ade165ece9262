"""Wishes read whole for their pages: one with everything, or a list with what its cards show.

Short transactions, a handful of statements each, however long a wish has been watched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.services import Services
from db.models.attempt import AttemptRow
from db.models.campaign import CampaignRow
from db.models.campaign_draft import CampaignDraftRow
from db.models.campaign_event import CampaignEventRow
from db.models.offer_decision import OfferDecisionRow
from db.models.payment import PaymentRow
from db.models.payment_method import PaymentMethodRow, PaymentMethodStatus
from db.models.proposal import ProposalRow
from db.queries.campaigns import get_campaign
from db.queries.display import Standing, payment_to_confirm, standings
from db.queries.drafts import list_drafts
from db.queries.fares import FareDay, fare_days
from db.queries.notices import address_refused
from db.queries.payment_methods import list_payment_methods
from db.queries.switches import hindrances
from db.queries.watching import (
    BadCards,
    Consented,
    Decided,
    Place,
    attempts_of,
    caps_of,
    consents_of,
    count_places,
    decided_lately,
    matched_beside,
    newest_events,
    open_proposals,
    snapshots_of,
    spent_by,
    stops_of,
    unread_lately,
    was_considered,
    wishes_in_order,
)
from domain.campaigns import CampaignState
from domain.criteria import Criteria
from domain.ids import UserId
from domain.matching import Reason
from domain.money import Money
from domain.needs import CardHealth
from domain.offers import Offer
from domain.travelers import add_months

CHART_DAYS = 60
CARD_DAYS = 30
PAGE = 20
_STORY = 60
_BEING_BOOKED = frozenset({CampaignState.BOOKING, CampaignState.BOOKED})
# Judged anew for the table of the nearest; the decisions say which ones are worth it.
_NEAREST = 12
# Another city or currency is no near miss.
_FAR = frozenset({Reason.ROUTE.value, Reason.CURRENCY.value})


@dataclass(frozen=True)
class Card:
    """The card that a wish is paid with, as far as there is one."""

    row: PaymentMethodRow | None
    health: CardHealth


@dataclass(frozen=True)
class Brief:
    """What a card of the list shows of a wish."""

    row: CampaignRow
    standing: Standing
    card: Card
    consent: Consented | None
    proposal: ProposalRow | None
    days: tuple[FareDay, ...]
    next_look: datetime | None
    address_bounces: bool = False
    """Told by the page of one wish; a list says it once for all of them."""

    @cached_property
    def wish(self) -> Criteria:
        """The wish, read once: a card mentions it many times."""
        return self.row.wish


@dataclass(frozen=True)
class ListRead:
    wishes: tuple[Brief, ...]
    counts: Mapping[Place, int]
    searched: tuple[int, int]  # looks, offers
    spent: tuple[tuple[str, int], ...]  # currency, minor
    drafts: tuple[CampaignDraftRow, ...]
    stopped: bool
    away: tuple[str, ...]  # providers that do not answer
    more: bool
    address_bounces: bool


@dataclass(frozen=True)
class NearOffer:
    """An offer of the last looks, to be held against the wish once more."""

    decided: Decided
    offer: Offer


@dataclass(frozen=True)
class WishRead:
    """Everything of one wish that its page shows."""

    brief: Brief
    best_offer: Offer | None
    taken: Offer | None  # what is being booked, as it was seen
    near: tuple[NearOffer, ...]
    attempts: tuple[AttemptRow, ...]
    beside: tuple[OfferDecisionRow, ...]
    stops: Mapping[str, int]  # of the offers beside
    events: tuple[CampaignEventRow, ...]
    caps: Mapping[int, Money]
    unread: OfferDecisionRow | None  # why the last look had no offers to decide on
    to_confirm: PaymentRow | None
    stopped: bool
    away: tuple[str, ...]

    @property
    def row(self) -> CampaignRow:
        return self.brief.row

    @cached_property
    def left_alone(self) -> Mapping[str, datetime]:
        """The flights that are not tried again for a while, and until when."""
        return {one.itinerary_key: one.ignore_until for one in self.attempts if one.ignore_until}

    @property
    def standing(self) -> Standing:
        return self.brief.standing


async def read_list(
    services: Services,
    owner: UserId,
    *,
    places: Sequence[Place] = (),
    text: str | None = None,
    skip: int = 0,
) -> ListRead:
    """Read a page of a person's wishes, in the order of who needs them."""
    async with services.database.transaction(owner) as session:
        return await read_list_in(session, services, owner, places=places, text=text, skip=skip)


async def read_list_in(
    session: AsyncSession,
    services: Services,
    owner: UserId,
    *,
    places: Sequence[Place] = (),
    text: str | None = None,
    skip: int = 0,
) -> ListRead:
    """Read it in a transaction that sees the person's rows, whoever looks."""
    now = services.clock()
    cards = await list_payment_methods(session, owner)
    bad, held = bad_cards(cards, now), await hindrances(session, now)
    rows = await wishes_in_order(
        session, owner, bad, places=places, text=text, skip=skip, limit=PAGE + 1
    )
    return ListRead(
        wishes=await _briefs(services, session, rows[:PAGE], cards, now, CARD_DAYS),
        counts=await count_places(session, owner, bad),
        searched=await services.outlook.searched(session, owner, now),
        spent=await spent_by(session, owner),
        drafts=tuple(await list_drafts(session, owner, now)) if not skip else (),
        stopped=held.stopped,
        away=held.away,
        more=len(rows) > PAGE,
        address_bounces=await address_refused(session, owner) is not None,
    )


async def read_wish(services: Services, owner: UserId, campaign_id: UUID) -> WishRead | None:
    """Read one wish whole; None where the person has no such one."""
    now = services.clock()
    async with services.database.transaction(owner) as session:
        row = await get_campaign(session, campaign_id)
        if row is None or row.user_id != owner:
            return None
        cards = await list_payment_methods(session, owner)
        (brief,) = await _briefs(services, session, [row], cards, now, CHART_DAYS)
        bounces = await address_refused(session, owner) is not None
        brief = replace(brief, address_bounces=bounces)
        near = await _near(session, row) if row.status is not CampaignState.BOOKED else ()
        attempt = brief.standing.attempt
        beside: list[OfferDecisionRow] = []
        if attempt is not None and row.status in _BEING_BOOKED:
            beside = await matched_beside(
                session, row.id, attempt.itinerary_key, attempt.started_at
            )
        waiting, held = None, await hindrances(session, now)
        if row.status is CampaignState.BOOKING and attempt is not None:
            waiting = await payment_to_confirm(session, attempt.id)
        return WishRead(
            brief=brief,
            best_offer=await _best_offer(session, brief),
            taken=await _taken(session, attempt, beside),
            near=near,
            attempts=tuple(await attempts_of(session, row.id)),
            beside=tuple(beside),
            stops=await stops_of(session, beside[0].look_id) if beside else {},
            events=tuple(await newest_events(session, row.id, limit=_STORY)),
            caps=await caps_of(session, row.id),
            unread=await unread_lately(session, row),
            to_confirm=waiting,
            stopped=held.stopped,
            away=held.away,
        )


async def read_offer(
    services: Services, owner: UserId, campaign_id: UUID, look_id: UUID, offer_id: str
) -> Offer | None:
    """Return an offer as it was when it was considered for this wish of the person's."""
    async with services.database.transaction(owner) as session:
        if not await was_considered(session, campaign_id, look_id, offer_id):
            return None
        found = await snapshots_of(session, [(look_id, offer_id)])
        return next((Offer.model_validate(row.offer) for row in found.values()), None)


def card_of(row: CampaignRow, cards: Sequence[PaymentMethodRow], now: datetime) -> Card:
    """Return the card that would be charged, and whether it can be."""
    wanted = row.payment_method_id
    found = next(
        (card for card in cards if (card.id == wanted if wanted else card.is_default)), None
    )
    if found is None:
        return Card(None, CardHealth.MISSING)
    if found.status is not PaymentMethodStatus.USABLE:
        return Card(found, CardHealth.ATTENTION)
    ends = add_months(now.date().replace(year=found.exp_year, month=found.exp_month, day=1), 1)
    if ends <= now.date():
        return Card(found, CardHealth.EXPIRED)
    if ends <= row.ends_at.date():
        return Card(found, CardHealth.EXPIRES_FIRST)
    return Card(found, CardHealth.GOOD)


def bad_cards(cards: Sequence[PaymentMethodRow], now: datetime) -> BadCards:
    """Return which cards nothing can be paid with, and whether the default is one."""
    bad = set()
    for card in cards:
        first = now.date().replace(year=card.exp_year, month=card.exp_month, day=1)
        if card.status is not PaymentMethodStatus.USABLE or add_months(first, 1) <= now.date():
            bad.add(card.id)
    default = next((card for card in cards if card.is_default), None)
    return BadCards(frozenset(bad), default=default is None or default.id in bad)


async def _briefs(  # noqa: PLR0917
    services: Services,
    session: AsyncSession,
    rows: Sequence[CampaignRow],
    cards: Sequence[PaymentMethodRow],
    now: datetime,
    days_shown: int,
) -> tuple[Brief, ...]:
    if not rows:
        return ()
    ids = [row.id for row in rows]
    standing = await standings(session, rows)
    fares = {one: found.fares for one, found in standing.items() if found.fares is not None}
    policy = services.settings.policy
    upcoming = await services.outlook.next_looks(session, rows, fares, policy, now)
    days = await fare_days(session, ids, now.date() - timedelta(days=days_shown - 1))
    proposals = await open_proposals(session, ids)
    allowed = await consents_of(session, ids)
    return tuple(
        Brief(
            row=row,
            standing=standing[row.id],
            card=card_of(row, cards, now),
            consent=allowed.get(row.id),
            proposal=proposals.get(row.id),
            days=tuple(days.get(row.id, ())),
            next_look=upcoming[row.id],
        )
        for row in rows
    )


async def _best_offer(session: AsyncSession, brief: Brief) -> Offer | None:
    """Return the best offer of the last day on which one fitted."""
    for day in reversed(brief.days):
        if day.best_look_id is not None and day.best_offer_id is not None:
            place = (day.best_look_id, day.best_offer_id)
            found = await snapshots_of(session, [place])
            return Offer.model_validate(found[place].offer) if place in found else None
    return None


async def _taken(
    session: AsyncSession, attempt: AttemptRow | None, beside: Sequence[OfferDecisionRow]
) -> Offer | None:
    for one in beside:
        if attempt and one.offer_id and one.itinerary_key == attempt.itinerary_key:
            found = await snapshots_of(session, [(one.look_id, one.offer_id)])
            return next((Offer.model_validate(row.offer) for row in found.values()), None)
    return None


async def _near(session: AsyncSession, row: CampaignRow) -> tuple[NearOffer, ...]:
    """Choose the offers of the last looks that are worth judging once more."""
    newest: dict[str, Decided] = {}
    for decided in await decided_lately(session, row):
        if decided.reason not in _FAR:
            newest.setdefault(decided.itinerary_key, decided)
    priced = sorted(newest.values(), key=lambda one: one.total_minor)
    fitting = [one for one in priced if one.reason in {r.value for r in _ALMOST}]
    others = [one for one in priced if one not in fitting]
    chosen = [*fitting[: _NEAREST // 2], *others[: _NEAREST // 2]]
    places = [(one.look_id, one.offer_id) for one in chosen]
    snapshots = await snapshots_of(session, places)
    return tuple(
        NearOffer(one, Offer.model_validate(snapshots[place].offer))
        for one, place in zip(chosen, places, strict=True)
        if place in snapshots
    )


_ALMOST = (Reason.MATCHES, Reason.IGNORED, Reason.OVER_BUDGET, Reason.BAGS_NOT_PRICED)

"""The list of wishes as its page shows it, with what was done for all of them."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.standing import etag_of
from api.web.views.wish_card import (
    NeedView,
    WishCard,
    account_needs,
    day_prices,
    needs_of_brief,
    wish_card,
)
from api.wish_reading import Brief, ListRead
from db.models.campaign_draft import CampaignDraftRow
from db.queries.drafts import draft_answers
from db.queries.watching import Place
from domain.campaigns import ENDED, CampaignState
from domain.money import Money
from domain.trends import trend_of
from domain.wish_words import city, counted

GROUPS = {
    Place.NEEDS_YOU: "Needs you",
    Place.ACTIVE: "Watching",
    Place.PAUSED: "Paused",
    Place.ENDED: "Ended",
}


@dataclass(frozen=True)
class Group:
    title: str
    place: Place
    cards: tuple[WishCard, ...]


@dataclass(frozen=True)
class DraftView:
    id: UUID
    path: str
    words: str
    touched_at: datetime


@dataclass(frozen=True)
class Figure:
    label: str
    value: str
    meta: str


@dataclass(frozen=True)
class DashboardView:
    sentence: str
    needs_code: str
    account: tuple[NeedView, ...]  # what the account itself needs its owner for
    groups: tuple[Group, ...]
    figures: tuple[Figure, ...]
    drafts: tuple[DraftView, ...]
    filters: tuple[tuple[str, str, int], ...]  # key, word, number
    total: int
    more: bool
    stopped: bool
    away: tuple[str, ...]
    version: str


def dashboard_view(read: ListRead, now: datetime) -> DashboardView:
    cards = [(place_of(brief), wish_card(brief, now)) for brief in read.wishes]
    groups = tuple(
        Group(title, place, tuple(card for at, card in cards if at is place))
        for place, title in GROUPS.items()
        if any(at is place for at, _ in cards)
    )
    counts = read.counts
    total = sum(counts.values())
    return DashboardView(
        sentence=sentence_of(read),
        needs_code="|".join(str(counts[place]) for place in Place),
        account=account_needs(address_bounces=read.address_bounces),
        groups=groups,
        figures=figures_of(read) if total else (),
        drafts=tuple(_draft(row) for row in read.drafts),
        filters=(
            ("all", "All", total),
            ("needs", "Need you", counts[Place.NEEDS_YOU]),
            ("active", "Active", counts[Place.NEEDS_YOU] + counts[Place.ACTIVE]),
            ("paused", "Paused", counts[Place.PAUSED]),
            ("ended", "Ended", counts[Place.ENDED]),
        ),
        total=total,
        more=read.more,
        stopped=read.stopped,
        away=read.away,
        version=version_of(read),
    )


def place_of(brief: Brief) -> Place:
    """Return the group under which the card stands, as the query orders them."""
    if brief.row.status in ENDED:
        return Place.ENDED
    if brief.row.status is CampaignState.PAUSED:
        return Place.PAUSED
    return Place.NEEDS_YOU if needs_of_brief(brief) else Place.ACTIVE


def sentence_of(read: ListRead) -> str:
    """Say in one sentence how the wishes stand."""
    counts = read.counts
    needing, watching = counts[Place.NEEDS_YOU], counts[Place.ACTIVE]
    if needing:
        verb = "needs" if needing == 1 else "need"
        rest = f"; {counted(watching, 'other')} watched" if watching else ""
        return f"{counted(needing, 'wish', 'wishes')} {verb} you{rest}."
    if watching:
        nearest = _nearest(read)
        return f"{counted(watching, 'wish', 'wishes')} watched, none needs you{nearest}."
    if counts[Place.PAUSED]:
        return f"{counted(counts[Place.PAUSED], 'wish', 'wishes')} paused. Nothing is searched."
    if counts[Place.ENDED]:
        return "No wish is watched at the moment. Nothing is searched and nothing is charged."
    return "You have no wishes yet."


def _nearest(read: ListRead) -> str:
    """Name the fare that is nearest to its budget."""
    best: tuple[float, str] | None = None
    for brief in read.wishes:
        lately = brief.standing.lately_minor
        if lately is None or brief.standing.booking is not None:
            continue
        fare = Money(minor=lately, currency=brief.row.currency)
        over = fare - brief.row.budget
        share = over.minor / max(1, brief.row.budget_minor)
        goal = city(brief.row.destination_code)
        words = f"; the nearest is {goal} at {fare.short()}, {over.figure()} above its budget"
        if over.minor <= 0:
            words = f"; {goal} at {fare.short()} is within its budget"
        if best is None or share < best[0]:
            best = (share, words)
    return best[1] if best else ""


def figures_of(read: ListRead) -> tuple[Figure, ...]:
    """Return the analytics overview: searching, best price, trend, spending."""
    found = [Figure("Looks", f"{read.searched[0]:,}", f"{read.searched[1]:,} offers compared")]
    falling = rising = 0
    for brief in read.wishes:
        prices = [(one.day, one.minor) for one in day_prices(brief)]
        trend = trend_of(prices, brief.row.budget)
        if trend is not None and trend.weekly.minor:
            falling += trend.weekly.minor < 0
            rising += trend.weekly.minor > 0
    if falling or rising:
        found.append(Figure("Trend", _trend(falling, rising), "over the last two weeks"))
    spent = [Money(minor=minor, currency=currency) for currency, minor in read.spent]
    if spent:
        words = " + ".join(one.short() for one in spent)
        found.append(Figure("Spent", words, "charged, less what came back"))
    else:
        found.append(Figure("Spent", "Nothing", "no booking was charged"))
    return tuple(found)


def _trend(falling: int, rising: int) -> str:
    parts = []
    if falling:
        parts.append(f"{falling} falling")
    if rising:
        parts.append(f"{rising} rising")
    return ", ".join(parts)


def version_of(read: ListRead) -> str:
    """Name what the list shows; it changes with any wish, look, answer or card."""
    said = [f"{read.counts}", f"{read.stopped}", f"{read.spent}"]
    for brief in read.wishes:
        looked = brief.standing.fares.last_at if brief.standing.fares else None
        proposal = brief.proposal.id if brief.proposal else None
        said.append(f"{brief.row.id} {etag_of(brief.row)} {looked} {proposal} {brief.card.health}")
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]


def _draft(row: CampaignDraftRow) -> DraftView:
    answers = draft_answers(row)
    places = [city(code) for name in ("origins", "destinations") for code in answers.get(name, [])]
    return DraftView(
        id=row.id,
        path=f"/auto-booking/new/{row.id}",
        words=" → ".join(places[:2]) if len(places) > 1 else "A wish without places yet",
        touched_at=row.updated_at,
    )

"""One wish as its page shows it: the sentence, the money, the chart, why not yet, what happened."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from urllib.parse import urlencode
from uuid import UUID

from api.standing import display_of, etag_of
from api.web.charts import PriceChart, price_chart
from api.web.views.booking_parts import card_name
from api.web.views.wish_card import (
    CHIPS,
    Chip,
    NeedView,
    being_booked,
    best_of,
    day_prices,
    gap_words,
    needs_views,
    warnings_of,
    wish_path,
)
from api.web.words import zone_of
from api.wish_reading import NearOffer, WishRead
from db.models.offer_decision import DecisionVerdict, OfferDecisionRow
from domain.attempts import LIVE, AttemptState
from domain.campaigns import ENDED, CampaignState
from domain.display import StatusCode
from domain.explanations import NOTHING_READ, Contender, WhyNot, why_booked, why_not
from domain.itineraries import Itinerary
from domain.matching import Unread
from domain.money import Money
from domain.needs import CardHealth
from domain.offers import Offer
from domain.progress import (
    Stage,
    Step,
    booking_steps,
    can_close,
    stage_of,
    will_finish,
    wish_steps,
)
from domain.scoring import ScorePart
from domain.storyline import BECAUSE, DayFare, StoryFacts, StoryLine, fare_lines, story_line
from domain.trends import trend_of
from domain.wish_words import (
    counted,
    flights_words,
    numbers_words,
    route_words,
    shape_words,
    travel_words,
    wanted_words,
    window_words,
)

NEAREST = 5
_STORY = 8
# An offer this far over the budget is no longer "just over" it.
_JUST_OVER_PERCENT = 25
_PAYS = frozenset({CardHealth.GOOD, CardHealth.EXPIRES_FIRST})


@dataclass(frozen=True)
class WhyRow:
    """One of the nearest offers: its flights, its price, why not, and what would book it."""

    flights: str
    dates: str
    bags: str
    total: Money
    words: str
    change: str | None
    seen_at: datetime


@dataclass(frozen=True)
class AllowOnce:
    """An offer just over the budget that could be allowed this once."""

    figure: Money
    path: str


@dataclass(frozen=True)
class BookingNow:
    """A booking in progress."""

    price: Money
    flights: str | None
    dates: str | None
    steps: tuple[Step, ...]
    since: datetime
    may_close: bool
    unknown: bool
    will_finish: bool


@dataclass(frozen=True)
class StoryView:
    lines: tuple[StoryLine, ...]
    more: bool


@dataclass(frozen=True)
class WishPage:
    id: UUID
    path: str
    version: str
    title: str
    when: str
    shape: str
    wanted: tuple[str, ...]
    budget: Money
    code: str
    chip: Chip
    sentence: str
    booked_words: str | None
    last_look: datetime | None
    unread_words: str | None
    unread_at: datetime | None
    next_look: datetime | None
    due: bool
    looks_today: int
    looks: int
    offers: int
    best: Money | None
    best_gap: str | None
    best_flights: str | None
    best_dates: str | None
    cheapest: Money | None
    cheapest_at: datetime | None
    trend: str | None
    outlook: str | None
    ends_at: datetime
    card: str | None
    cap: Money | None
    cap_until: datetime | None
    steps: tuple[Step, ...]
    needs: tuple[NeedView, ...]
    warnings: tuple[str, ...]
    allow: AllowOnce | None
    booking_now: BookingNow | None
    booking_path: str | None
    booking_reference: str | None
    chart: PriceChart | None
    why: tuple[WhyRow, ...]
    story: StoryView
    can_edit: bool
    can_pause: bool
    can_resume: bool
    can_cancel: bool
    undo_until: datetime | None
    ended: bool
    stopped: bool


def wish_page(read: WishRead, now: datetime, zone: str = "UTC") -> WishPage:
    row, brief, standing = read.row, read.brief, read.standing
    display = display_of(row, standing, now, brief.proposal)
    code = StatusCode(display.code)
    best, prices = best_of(brief), day_prices(brief)
    attempt = being_booked(brief)
    near = nearest(read, now, zone_of(zone))
    lowest = min(
        (day for day in brief.days if day.best_minor is not None),
        key=lambda day: (day.best_minor, day.day),
        default=None,
    )
    trend = trend_of([(price.day, price.minor) for price in prices], row.budget)
    firm = will_finish(attempt)
    offer = read.best_offer
    consent = brief.consent
    return WishPage(
        id=row.id,
        path=wish_path(row.id),
        version=version_of(read),
        title=route_words(brief.wish),
        when=window_words(brief.wish, now.date()),
        shape=shape_words(brief.wish, row.travelling),
        wanted=wanted_words(brief.wish, row.mode.value),
        budget=row.budget,
        code=code.value,
        chip=CHIPS[code],
        sentence=display.sentence,
        booked_words=booked_words(read),
        last_look=standing.fares.last_at if standing.fares else None,
        unread_words=NOTHING_READ[Unread(read.unread.reason)] if read.unread else None,
        unread_at=read.unread.at if read.unread else None,
        next_look=brief.next_look,
        due=brief.next_look is not None and brief.next_look <= now,
        looks_today=looks_today(read, now),
        looks=standing.fares.looks if standing.fares else 0,
        offers=standing.fares.offers if standing.fares else 0,
        best=best,
        best_gap=gap_words(best, row.budget),
        best_flights=flights_words(offer.itinerary) if offer and best else None,
        best_dates=travel_words(offer.itinerary) if offer and best else None,
        cheapest=_money(read, standing.best_minor),
        cheapest_at=lowest.best_at if lowest else None,
        trend=trend.words if trend else None,
        outlook=trend.outlook if trend else None,
        ends_at=row.ends_at,
        card=card_name(brief.card.row) if brief.card.row else None,
        cap=consent.cap if consent else None,
        cap_until=consent.expires_at if consent else None,
        steps=steps_of(read, best),
        needs=needs_views(brief),
        warnings=warnings_of(brief, now),
        allow=allowance(read, near),
        booking_now=booking_now(read),
        booking_path=f"/bookings/{standing.booking.id}" if standing.booking else None,
        booking_reference=standing.booking.booking_reference if standing.booking else None,
        chart=price_chart(prices, row.budget, now.date()),
        why=tuple(_why_row(one, found) for one, found in near),
        story=story_of(read),
        can_edit=row.status not in ENDED and not firm,
        can_pause=row.status
        in {CampaignState.ACTIVE, CampaignState.AWAITING_APPROVAL, CampaignState.BOOKING}
        and not firm,
        can_resume=row.status in {CampaignState.PAUSED, CampaignState.NEEDS_ACTION},
        can_cancel=row.status not in ENDED and not firm,
        undo_until=row.undo_until if row.undo_until and now < row.undo_until else None,
        ended=row.status in ENDED,
        stopped=read.stopped,
    )


def looks_today(read: WishRead, now: datetime) -> int:
    newest = read.brief.days[-1] if read.brief.days else None
    return newest.looks if newest is not None and newest.day == now.date() else 0


def version_of(read: WishRead) -> str:
    """Name what is shown: it changes with the row, its events, its looks, and the switch."""
    looked = read.standing.fares.last_at.isoformat() if read.standing.fares else "-"
    row_version = etag_of(read.row).strip('"')
    unread = read.unread.at.isoformat() if read.unread else "-"
    return f"{row_version}.{looked}.{unread}.{int(read.stopped)}{int(read.brief.address_bounces)}"


def nearest(read: WishRead, now: datetime, zone: tzinfo = UTC) -> list[tuple[NearOffer, WhyNot]]:
    """Hold the offers of the last looks against the wish as it is now; the nearest first."""
    row = read.row
    if row.status in ENDED:
        return []
    found = [(one, _judged(read, one, now, zone)) for one in read.near]
    found.sort(key=lambda pair: (pair[1].distance, pair[1].total.minor))
    return found[:NEAREST]


def allowance(read: WishRead, near: list[tuple[NearOffer, WhyNot]]) -> AllowOnce | None:
    """Return the offer that only the budget keeps from being booked, if it is just over."""
    books = read.row.mode.books and read.brief.card.health in _PAYS
    if read.row.status is not CampaignState.ACTIVE or read.stopped or not books:
        return None
    for one, found in near:
        most = read.row.budget_minor * (100 + _JUST_OVER_PERCENT) // 100
        if found.allow is not None and found.allow.minor <= most:
            asked = urlencode({"look": one.decided.look_id, "offer": one.decided.offer_id})
            return AllowOnce(found.allow, wish_path(read.row.id, f"/allow-once?{asked}"))
    return None


def booked_words(read: WishRead) -> str | None:
    """Say why these flights were booked, of all that fitted; None before a booking."""
    booking, attempt = read.standing.booking, read.standing.attempt
    if booking is None or attempt is None or read.row.status is not CampaignState.BOOKED:
        return None
    chosen = next((d for d in read.beside if d.itinerary_key == attempt.itinerary_key), None)
    if chosen is None:
        return None
    flights = chosen.summary
    if booking.itinerary.get("slices"):
        flights = numbers_words(Itinerary.model_validate(booking.itinerary))
    others = [_contender(read, d, d.summary) for d in read.beside if d is not chosen]
    return why_booked(
        _contender(read, chosen, flights),
        others,
        paid=Money(minor=booking.price_minor, currency=booking.currency),
        budget=read.row.budget,
    )


def booking_now(read: WishRead) -> BookingNow | None:
    attempt = read.standing.attempt
    if attempt is None:
        return None
    booking = read.standing.booking
    issuing = attempt.state is AttemptState.CAPTURED and booking is not None
    if attempt.state not in LIVE and not issuing:
        return None
    steps = booking_steps(
        attempt.state,
        booking=booking.state if booking else None,
        reason=attempt.failure_reason,
        order_sent=attempt.order_sent_at is not None,
    )
    if all(step.state.value == "done" for step in steps):
        return None
    return BookingNow(
        price=Money(minor=attempt.matched_minor, currency=attempt.currency),
        flights=flights_words(read.taken.itinerary) if read.taken else None,
        dates=travel_words(read.taken.itinerary) if read.taken else None,
        steps=steps,
        since=attempt.started_at,
        may_close=can_close(attempt.state),
        unknown=attempt.state is AttemptState.ORDER_UNKNOWN,
        will_finish=will_finish(attempt.state),
    )


def steps_of(read: WishRead, best: Money | None) -> tuple[Step, ...]:
    """Return the wish's five steps, the one under way with a line that has numbers."""
    attempt = being_booked(read.brief)
    stage = stage_of(read.row.status, attempt)
    fares = read.standing.fares
    seen = fares and f"{counted(fares.looks, 'look')}, {counted(fares.offers, 'offer')}"
    lines = {Stage.SEARCH: seen or ""}
    if stage is Stage.SELECT and read.brief.proposal is not None:
        price = Money(minor=read.brief.proposal.price_minor, currency=read.row.currency)
        lines[stage] = f"{price.short()}, waiting for you"
    elif stage is Stage.MONITOR and best is not None:
        lines[stage] = "the price, once more"
    elif stage is Stage.NOTIFY:
        lines[stage] = "booked, and you were told"
    return wish_steps(read.row.status, attempt, lines)


def story_of(read: WishRead, limit: int = _STORY) -> StoryView:
    """Merge what happened with what the fares did, newest first."""
    facts = story_facts(read)
    told = (story_line(event.kind, event.data, event.at, facts) for event in read.events)
    lines = [line for line in told if line is not None]
    days = [
        DayFare(day=day.day, best_minor=day.best_minor, at=day.best_at or day.last_at)
        for day in read.brief.days
    ]
    lines += fare_lines(days, read.row.budget)
    lines.sort(key=lambda line: line.at, reverse=True)
    return StoryView(tuple(lines[:limit]), more=len(lines) > limit)


def story_facts(read: WishRead) -> StoryFacts:
    return StoryFacts(currency=read.row.currency, caps=read.caps)


def _judged(read: WishRead, one: NearOffer, now: datetime, zone: tzinfo) -> WhyNot:
    until = read.left_alone.get(one.offer.itinerary.key)
    found = why_not(
        one.offer,
        read.brief.wish,
        party=read.row.travelling,
        ignored_until=f"{until.astimezone(zone):%H:%M}" if until and until > now else None,
        price_limit=_cap(read),
    )
    if found.reasons:
        return found
    return found.model_copy(update={"words": _fitting_words(read, one)})


def _fitting_words(read: WishRead, one: NearOffer) -> str:
    """Say what became of an offer that fitted the wish."""
    key = one.offer.itinerary.key
    tried = next((a for a in read.attempts if a.itinerary_key == key), None)
    if tried is not None and tried.failure_reason is not None:
        return f"Fitted your wish and was tried: {BECAUSE.get(tried.failure_reason, 'it failed')}."
    if one.decided.verdict is DecisionVerdict.PROPOSED:
        return "Fits your wish; you were asked about it."
    if tried is not None:
        return "Fits your wish and is being booked."
    return "Fits your wish."


def _cap(read: WishRead) -> Money | None:
    consent = read.brief.consent
    same = consent is not None and consent.cap.currency == read.row.currency
    return consent.cap if consent is not None and same else None


def _why_row(one: NearOffer, found: WhyNot) -> WhyRow:
    itinerary = one.offer.itinerary
    return WhyRow(
        flights=flights_words(itinerary),
        dates=travel_words(itinerary),
        bags=_bags(one.offer),
        total=found.total,
        words=found.words,
        change=found.change,
        seen_at=one.decided.at,
    )


def _bags(offer: Offer) -> str:
    if offer.checked_bags == 0:
        return "no checked bag"
    return f"{offer.checked_bags} checked bag{'s' if offer.checked_bags > 1 else ''} each"


def _contender(read: WishRead, row: OfferDecisionRow, flights: str) -> Contender:
    assert row.offer_id is not None  # only an offer has a score
    assert row.price is not None
    return Contender(
        flights=flights,
        total=row.price,
        stops=read.stops.get(row.offer_id, 0),
        score=row.score or 0.0,
        parts=tuple(ScorePart.model_validate(part) for part in row.score_parts or ()),
    )


def _money(read: WishRead, minor: int | None) -> Money | None:
    return None if minor is None else Money(minor=minor, currency=read.row.currency)

"""One wish as a card of the list, and the pieces that its own page shares with it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from api.standing import display_of
from api.web.charts import DayPrice, Sparkline, sparkline
from api.web.views.booking_parts import card_name
from api.wish_reading import Brief
from domain.attempts import AttemptState
from domain.campaigns import ENDED, CampaignState
from domain.display import StatusCode
from domain.money import Money
from domain.needs import CardHealth, Need, NeedAction, NeedFacts, needs_of, needs_of_account
from domain.wish_words import route_words, shape_words, window_words

ADDRESS_PATH = "/account/email"
_ENDS_SOON = timedelta(days=14)


@dataclass(frozen=True)
class Chip:
    """A state in a word, with a mark and a tone that never speak alone."""

    words: str
    tone: str
    mark: str


CHIPS = {
    StatusCode.WATCHING: Chip("Watching", "accent", "◉"),
    StatusCode.ASLEEP: Chip("Asleep", "quiet", "☾"),
    StatusCode.YOUR_CONSENT: Chip("Your consent", "wait", "!"),
    StatusCode.YOUR_CONSENT: Chip("Your consent", "wait", "!"),
    StatusCode.YOUR_ANSWER: Chip("Your answer", "wait", "!"),
    StatusCode.CHECKING_PRICE: Chip("Checking price", "accent", "◉"),
    StatusCode.HOLDING_MONEY: Chip("Booking", "accent", "◉"),
    StatusCode.CONFIRM_WITH_BANK: Chip("Your bank asks", "wait", "!"),
    StatusCode.BOOKING_SEATS: Chip("Booking", "accent", "◉"),
    StatusCode.OUTCOME_UNKNOWN: Chip("Finding out", "wait", "?"),
    StatusCode.CHARGING: Chip("Booking", "accent", "◉"),
    StatusCode.UNDOING: Chip("Undoing", "wait", "↩"),
    StatusCode.NEEDS_YOU: Chip("Needs you", "wait", "!"),
    StatusCode.PAUSED: Chip("Paused", "quiet", "‖"),
    StatusCode.TICKETING: Chip("Booked", "good", "✓"),
    StatusCode.BOOKED: Chip("Booked", "good", "✓"),
    StatusCode.CANCELLING: Chip("Being cancelled", "wait", "↩"),
    StatusCode.BOOKING_CANCELLED: Chip("Booking cancelled", "quiet", "✕"),
    StatusCode.FLOWN: Chip("Flown", "quiet", "✓"),
    StatusCode.CANCELLED: Chip("Cancelled", "quiet", "✕"),
    StatusCode.EXPIRED: Chip("Ended", "quiet", "–"),
}


@dataclass(frozen=True)
class NeedView:
    """What a wish needs its traveller for, with where the button leads."""

    need: Need
    path: str
    posts: bool = False


@dataclass(frozen=True)
class WishCard:
    """CampaignCard: everything that one card of the list says."""

    id: UUID
    path: str
    route: str
    when: str
    shape: str
    code: str
    chip: Chip
    sentence: str
    last_look: datetime | None
    next_look: datetime | None
    due: bool  # the next look is about to be made
    best: Money | None
    budget: Money
    gap: str | None
    spark: Sparkline | None
    warnings: tuple[str, ...]
    needs: tuple[NeedView, ...]
    ended: bool
    booking_path: str | None


def account_needs(*, address_bounces: bool) -> tuple[NeedView, ...]:
    """Return what the account needs its owner for, as pages show it."""
    found = needs_of_account(address_bounces=address_bounces)
    return tuple(NeedView(need, ADDRESS_PATH) for need in found)


def wish_path(campaign_id: UUID, rest: str = "") -> str:
    return f"/auto-booking/wishes/{campaign_id}{rest}"


def wish_card(brief: Brief, now: datetime) -> WishCard:
    row, standing = brief.row, brief.standing
    display = display_of(row, standing, now, brief.proposal)
    code = StatusCode(display.code)
    best = best_of(brief)
    return WishCard(
        id=row.id,
        path=wish_path(row.id),
        route=route_words(brief.wish),
        when=window_words(brief.wish, now.date()),
        shape=shape_words(brief.wish, row.travelling),
        code=code.value,
        chip=CHIPS[code],
        sentence=display.sentence,
        last_look=standing.fares.last_at if standing.fares else None,
        next_look=brief.next_look,
        due=brief.next_look is not None and brief.next_look <= now,
        best=best,
        budget=row.budget,
        gap=gap_words(best, row.budget),
        spark=sparkline(day_prices(brief), row.budget, now.date()),
        warnings=warnings_of(brief, now),
        needs=needs_views(brief),
        ended=row.status in ENDED,
        booking_path=f"/bookings/{standing.booking.id}" if standing.booking else None,
    )


def day_prices(brief: Brief) -> list[DayPrice]:
    return [DayPrice(day.day, day.best_minor) for day in brief.days if day.best_minor is not None]


def best_of(brief: Brief) -> Money | None:
    """Return the best fare of the last day of looks."""
    lately = brief.standing.lately_minor
    return None if lately is None else Money(minor=lately, currency=brief.row.currency)


def gap_words(best: Money | None, budget: Money) -> str | None:
    if best is None:
        return None
    if best <= budget:
        return f"within your budget of {budget.figure()}"
    return f"{(best - budget).figure()} above your budget of {budget.figure()}"


def needs_of_brief(brief: Brief) -> tuple[Need, ...]:
    row, attempt = brief.row, brief.standing.attempt
    live = attempt is not None and row.status is CampaignState.BOOKING
    amount, until = None, None
    if brief.proposal is not None:
        amount = Money(minor=brief.proposal.price_minor, currency=brief.proposal.currency)
        until = brief.proposal.expires_at
    elif live and attempt is not None:
        amount = Money(minor=attempt.matched_minor, currency=attempt.currency)
    return needs_of(
        NeedFacts(
            campaign=row.status,
            attempt=attempt.state if live and attempt else None,
            action_reason=row.action_reason,
            # A wish that only tells charges nothing: it needs neither.
            consent=brief.consent is not None or not row.mode.books,
            card=brief.card.health if row.mode.books else CardHealth.GOOD,
            card_name=card_name(brief.card.row) if brief.card.row else "your card",
            amount=amount,
            until=until,
            address_bounces=brief.address_bounces,
        )
    )


def needs_views(brief: Brief) -> tuple[NeedView, ...]:
    return tuple(
        NeedView(
            need,
            need_path(need, brief),
            posts=need.action is NeedAction.RESUME,
        )
        for need in needs_of_brief(brief)
    )


def need_path(need: Need, brief: Brief) -> str:
    """Return where somebody does what is needed."""
    row = brief.row
    match need.action:
        case NeedAction.CONFIRM_WITH_BANK:
            return wish_path(row.id, "/bank")
        case NeedAction.ANSWER:
            return wish_path(row.id, "/approve")
        case NeedAction.RESUME:
            return wish_path(row.id, "/resume")
        case NeedAction.TRAVELLERS:
            return "/travelers"
        case NeedAction.CORRECT_ADDRESS:
            return ADDRESS_PATH
        case NeedAction.RENEW_CONSENT:
            return wish_path(row.id, "/consent")
        case NeedAction.CHOOSE_CARD:
            # A wish that names its card is given another one by an edit.
            return wish_path(row.id, "/edit") if row.payment_method_id else "/payment-methods"


def warnings_of(brief: Brief, now: datetime) -> tuple[str, ...]:
    """Return what the traveller should know, though nothing has stopped."""
    row, card = brief.row, brief.card.row
    if row.status in ENDED:
        return ()
    found = []
    expires = brief.card.health is CardHealth.EXPIRES_FIRST and row.mode.books
    if expires and card is not None:
        month = f"{card.exp_month:02d}/{card.exp_year}"
        found.append(f"{card_name(card)} expires in {month}, before this wish ends.")
    if row.ends_at - now <= _ENDS_SOON:
        found.append(f"This wish ends on {_day(row.ends_at.date())}.")
    if row.hold_off_until is not None and row.hold_off_until > now:
        found.append("We wait a little before trying again, since the last booking did not work.")
    return tuple(found)


def being_booked(brief: Brief) -> AttemptState | None:
    """Return how far the live attempt is, if there is one."""
    attempt = brief.standing.attempt
    if attempt is None or brief.row.status is not CampaignState.BOOKING:
        return None
    return attempt.state


def _day(day: date) -> str:
    return f"{day:%-d %B %Y}"

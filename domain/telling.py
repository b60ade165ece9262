"""Which notice goes where and when: by what happened, by what its reader chose, by the hour.

Booked, charged, failed and what needs somebody are told at once whatever was chosen: a muted
channel and the night concern only the rest. What is held waits for the morning; what would be
stale by then is left to the inbox, where everything can be found.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.money import Money
from domain.values import Value


class Channel(StrEnum):
    EMAIL = "email"
    INBOX = "inbox"
    WEBHOOK = "webhook"


class Kind(StrEnum):
    """What a reader chooses about: events that belong together."""

    BOOKED = "booked"
    FAILED = "failed"
    NEEDS_YOU = "needs_you"
    TRIP_CHANGED = "trip_changed"
    TICKETS = "tickets"
    REFUNDS = "refunds"
    WISH_ENDS = "wish_ends"
    PAPERS = "papers"
    FARES = "fares"
    ACCOUNT = "account"


class Choice(StrEnum):
    AT_ONCE = "at_once"
    DAILY = "daily"
    OFF = "off"


class AtNight(StrEnum):
    HOLD = "hold"  # still true and useful in the morning
    DROP = "drop"  # stale by then: the inbox keeps it


ALWAYS = frozenset({Kind.BOOKED, Kind.FAILED, Kind.NEEDS_YOU, Kind.TRIP_CHANGED, Kind.ACCOUNT})
CHOSEN = tuple(kind for kind in Kind if kind not in ALWAYS)
_AT_NIGHT = {Kind.FARES: AtNight.DROP}
_EVERYWHERE = frozenset(Channel)
_LETTER_ONLY = frozenset({Channel.EMAIL})
# Who holds an account needs no third party to hear how it is opened.
_OWNER_ONLY = frozenset({Channel.EMAIL, Channel.INBOX})

KIND_OF: Mapping[str, Kind] = {
    "booked": Kind.BOOKED,
    "failed": Kind.FAILED,
    "allowance_ended": Kind.FAILED,
    "not_cancellable": Kind.FAILED,
    "action_needed": Kind.NEEDS_YOU,
    "no_card": Kind.NEEDS_YOU,
    "consent_needed": Kind.NEEDS_YOU,
    "authentication_required": Kind.NEEDS_YOU,
    "approval_needed": Kind.NEEDS_YOU,
    "address_refused": Kind.NEEDS_YOU,
    "webhook_disabled": Kind.NEEDS_YOU,
    "booking_cancelled": Kind.TRIP_CHANGED,
    "schedule_changed": Kind.TRIP_CHANGED,
    "ticketed": Kind.TICKETS,
    "refunded": Kind.REFUNDS,
    "refund_by_person": Kind.REFUNDS,
    "expiring_soon": Kind.WISH_ENDS,
    "expired": Kind.WISH_ENDS,
    "card_expiring": Kind.PAPERS,
    "passport_expiring": Kind.PAPERS,
    "fare_found": Kind.FARES,
    "confirm_email": Kind.ACCOUNT,
    "confirm_new_email": Kind.ACCOUNT,
    "reset_password": Kind.ACCOUNT,
    "account_exists": Kind.ACCOUNT,
    "password_changed": Kind.ACCOUNT,
    "password_reset": Kind.ACCOUNT,
    "email_change_asked": Kind.ACCOUNT,
    "email_changed": Kind.ACCOUNT,
    "email_kept": Kind.ACCOUNT,
    "factor_added": Kind.ACCOUNT,
    "factor_removed": Kind.ACCOUNT,
    "recovery_code_used": Kind.ACCOUNT,
    "codes_guessed": Kind.ACCOUNT,
    "api_key_created": Kind.ACCOUNT,
    "erasure_asked": Kind.ACCOUNT,
    "erasure_waits": Kind.ACCOUNT,
    "erasure_withdrawn": Kind.ACCOUNT,
    "erasure_begun": Kind.ACCOUNT,
}
_CHANNELS = {
    # Whoever asks for these may not be able to sign in, or is not yet known to be the owner.
    "confirm_email": _LETTER_ONLY,
    "confirm_new_email": _LETTER_ONLY,
    "reset_password": _LETTER_ONLY,
    "account_exists": _LETTER_ONLY,
    "email_change_asked": _LETTER_ONLY,
    # No mail arrives there: that is what it says.
    "address_refused": frozenset({Channel.INBOX, Channel.WEBHOOK}),
    # The endpoint that would hear of it is the one that does not answer.
    "webhook_disabled": _OWNER_ONLY,
}
_MORNING = time(8)
# Below this nobody wants to hear again of a fare that was told before.
LEAST_CHANGE_PERCENT = 5
TELL_AGAIN_AFTER = timedelta(days=7)


class QuietHours(Value):
    """Every night between two hours on the reader's clock; it may pass midnight."""

    begins: time
    ends: time


class Preferences(Value):
    """What a reader chose; what is absent is told at once."""

    choices: Mapping[tuple[Kind, Channel], Choice] = {}
    quiet: QuietHours | None = None
    time_zone: str = "UTC"
    least_change_percent: int = LEAST_CHANGE_PERCENT
    has_webhooks: bool = False

    def choice(self, kind: Kind, channel: Channel) -> Choice:
        return self.choices.get((kind, channel), Choice.AT_ONCE)


class Delivery(Value):
    """One channel that a notice goes to, and not before when."""

    channel: Channel
    due_at: datetime


def deliveries(event: str, reader: Preferences, now: datetime) -> tuple[Delivery, ...]:
    """Decide where a notice goes and when.

    An event that nobody has sorted is told everywhere at once: silence would be the worse mistake.
    """
    kind = KIND_OF.get(event, Kind.NEEDS_YOU)
    found = []
    for channel in sorted(channels_of(event)):
        if channel is Channel.WEBHOOK and not reader.has_webhooks:
            continue
        due_at = _due(kind, channel, reader, now)
        if due_at is not None:
            found.append(Delivery(channel=channel, due_at=due_at))
    return tuple(found)


def channels_of(event: str) -> frozenset[Channel]:
    """Return where an event may be told at all."""
    default = _OWNER_ONLY if KIND_OF.get(event) is Kind.ACCOUNT else _EVERYWHERE
    return _CHANNELS.get(event, default)


def is_quiet(quiet: QuietHours | None, zone: str, now: datetime) -> bool:
    """Say whether it is night for the reader."""
    if quiet is None or quiet.begins == quiet.ends:
        return False
    clock = now.astimezone(zone_of(zone)).time()
    if quiet.begins < quiet.ends:
        return quiet.begins <= clock < quiet.ends
    return clock >= quiet.begins or clock < quiet.ends


def next_time(at: time, zone: str, now: datetime) -> datetime:
    """Return the next instant at which the reader's clock shows an hour, after now."""
    place = zone_of(zone)
    day = now.astimezone(place).date()
    while True:
        # An hour that the clock jumps over in spring is taken as if it had not jumped.
        instant = datetime.combine(day, at, place).astimezone(UTC)
        if instant > now:
            return instant
        day += timedelta(days=1)


def worth_telling(told: Money | None, price: Money, least_percent: int) -> bool:
    """Say whether a fare is news to somebody who was told of another one before.

    Only a fall counts, of at least so many percent of what was told.
    """
    if told is None or told.currency != price.currency:
        return True
    fall = told.minor - price.minor
    return fall > 0 and fall * 100 >= told.minor * least_percent


def is_news(
    told: Money | None, told_at: datetime | None, price: Money, *, least_percent: int, now: datetime
) -> bool:
    """Say whether a wish that only tells has something to tell: once a fall, and once a day.

    What still fits after a week is worth a word although it fell no further.
    """
    if told is None or told_at is None:
        return True
    if now - told_at < timedelta(days=1):
        return False
    return now - told_at >= TELL_AGAIN_AFTER or worth_telling(told, price, least_percent)


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone; UTC where nobody knows the name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _due(kind: Kind, channel: Channel, reader: Preferences, now: datetime) -> datetime | None:
    if kind in ALWAYS or channel is Channel.INBOX:
        return now
    choice = reader.choice(kind, channel)
    if choice is Choice.OFF:
        return None
    if channel is Channel.WEBHOOK:  # a machine does not sleep
        return now
    morning = reader.quiet.ends if reader.quiet else _MORNING
    if choice is Choice.DAILY:
        return next_time(morning, reader.time_zone, now)
    if not is_quiet(reader.quiet, reader.time_zone, now):
        return now
    if _AT_NIGHT.get(kind, AtNight.HOLD) is AtNight.DROP:
        return None
    return next_time(morning, reader.time_zone, now)

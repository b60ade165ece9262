"""Where notices go and when, for every event, reader and hour."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.account_notices import ACCOUNT_WRITERS
from domain.money import Money
from domain.notices import WRITERS
from domain.telling import (
    ALWAYS,
    KIND_OF,
    Channel,
    Choice,
    Kind,
    Preferences,
    QuietHours,
    channels_of,
    deliveries,
    is_news,
    is_quiet,
    next_time,
    worth_telling,
    zone_of,
)

ZONES = (
    "UTC",
    "America/New_York",
    "Europe/Lisbon",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "no/zone",
)
hours = st.times().map(lambda t: t.replace(second=0, microsecond=0))
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
instants = st.integers(0, 2 * 365 * 24 * 60).map(
    lambda minutes: _BEGIN + timedelta(minutes=minutes)
)
readers = st.builds(
    Preferences,
    choices=st.dictionaries(
        st.tuples(st.sampled_from(Kind), st.sampled_from(Channel)), st.sampled_from(Choice)
    ),
    quiet=st.none() | st.builds(QuietHours, begins=hours, ends=hours),
    time_zone=st.sampled_from(ZONES),
    has_webhooks=st.booleans(),
)
events = st.sampled_from([*KIND_OF, "an event of tomorrow"])


def test_every_message_that_we_can_write_is_sorted_and_no_other():
    assert set(KIND_OF) == set(WRITERS) | set(ACCOUNT_WRITERS)


@given(events, readers, instants)
def test_no_notice_is_lost_early_or_told_by_night(event: str, reader: Preferences, now: datetime):
    kind = KIND_OF.get(event, Kind.NEEDS_YOU)
    found = {d.channel: d.due_at for d in deliveries(event, reader, now)}
    assert set(found) <= channels_of(event)
    assert (Channel.WEBHOOK in found) <= reader.has_webhooks
    assert all(due >= now for due in found.values())
    # Everything can be found somewhere, at once.
    assert now in found.values()
    if kind in ALWAYS:
        wanted = set(channels_of(event)) - (set() if reader.has_webhooks else {Channel.WEBHOOK})
        assert found == dict.fromkeys(wanted, now)
        return
    assert found[Channel.INBOX] == now
    for channel in (Channel.EMAIL, Channel.WEBHOOK):
        if reader.choice(kind, channel) is Choice.OFF:
            assert channel not in found
    mail = found.get(Channel.EMAIL)
    if mail and mail > now:
        assert not is_quiet(reader.quiet, reader.time_zone, mail) or _jumped(reader, mail)
        assert mail - now <= timedelta(hours=26)
        clock = mail.astimezone(zone_of(reader.time_zone)).time()
        assert clock == (reader.quiet.ends if reader.quiet else time(8)) or _jumped(reader, mail)
    if mail == now:
        assert not is_quiet(reader.quiet, reader.time_zone, now)


def _jumped(reader: Preferences, at: datetime) -> bool:
    """Say whether the reader's clock is put forward or back about then."""
    zone = zone_of(reader.time_zone)
    return len({(at + timedelta(hours=h)).astimezone(zone).utcoffset() for h in (-3, 3)}) > 1


@given(hours, st.sampled_from(ZONES), instants)
@example(time(2, 30), "America/New_York", datetime(2027, 3, 14, 5, tzinfo=UTC))
def test_the_next_time_is_the_first_one(at: time, zone: str, now: datetime):
    found = next_time(at, zone, now)
    assert now < found <= now + timedelta(hours=26)


NIGHT = QuietHours(begins=time(22), ends=time(7, 30))
LISBON = Preferences(quiet=NIGHT, time_zone="Europe/Lisbon", has_webhooks=True)


@pytest.mark.parametrize(
    ("event", "at", "mail"),
    [
        ("ticketed", "2026-07-01T12:00", "2026-07-01T12:00"),
        ("ticketed", "2026-07-01T21:30", "2026-07-02T06:30"),  # 22:30 in Lisbon; 07:30 there
        ("booked", "2026-07-01T21:30", "2026-07-01T21:30"),
        ("fare_found", "2026-07-01T21:30", None),  # gone by the morning
        ("fare_found", "2026-07-01T12:00", "2026-07-01T12:00"),
    ],
)
def test_the_night_in_lisbon(event: str, at: str, mail: str | None):
    now = datetime.fromisoformat(f"{at}+00:00")
    found = {d.channel: d.due_at for d in deliveries(event, LISBON, now)}
    assert found.get(Channel.EMAIL) == (datetime.fromisoformat(f"{mail}+00:00") if mail else None)
    assert found[Channel.WEBHOOK] == found[Channel.INBOX] == now


@given(st.integers(1, 10**7), st.integers(1, 10**7), st.integers(1, 50))
def test_only_a_real_fall_is_news(told: int, price: int, percent: int):
    def usd(minor: int) -> Any:
        return Money(minor=minor, currency="USD")

    news = worth_telling(usd(told), usd(price), percent)
    assert news == (price <= told * (1 - percent / 100) + 1e-6)
    assert worth_telling(None, usd(price), percent)


@pytest.mark.parametrize(
    ("told", "hours", "price", "news"),
    [
        (None, None, 48_000, True),
        (48_000, 2, 30_000, False),  # once a day, however far it falls
        (48_000, 24, 45_600, True),
        (48_000, 24, 45_601, False),
        (48_000, 7 * 24 - 1, 48_000, False),
        (48_000, 7 * 24, 48_000, True),
    ],
)
def test_a_fare_is_told_once_a_fall_and_once_a_day(
    told: int | None, hours: int | None, price: int, news: bool
) -> None:
    now = datetime(2026, 11, 26, 18, tzinfo=UTC)
    before = None if told is None else Money(minor=told, currency="USD")
    told_at = None if hours is None else now - timedelta(hours=hours)
    fare = Money(minor=price, currency="USD")
    assert is_news(before, told_at, fare, least_percent=5, now=now) is news

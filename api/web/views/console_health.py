"""The console's first page: a sentence, then figures, those first that want somebody."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from api.health import ProviderHealth
from api.web.admin.certificates import Certificate
from api.web.admin.queues import Queue
from api.web.views.console_retention import MISSED, is_under_way
from api.web.words import plural, span_of
from db.models.attempt import AttemptRow
from db.models.switch import SwitchRow
from db.queries.console.books import Books, Unmatched
from db.queries.console.health import Backlog, ProviderFigures
from domain.money import Money
from domain.retention import Run
from runtime.key_ids import read_id

TARGET = timedelta(seconds=30)
"""From the decision to book to the money taken, for 95 of 100 bookings."""
_LATE_SHARE = 0.05
_LATE = timedelta(minutes=10)
_RENEW = timedelta(days=21)
_WORST_RATE = 0.1
_SLOW_SECONDS = 30


@dataclass(frozen=True)
class HealthRead:
    """All that was read for the page."""

    reachable: Sequence[ProviderHealth]
    away: Sequence[str]
    """Providers that workers leave alone for now."""
    figures: Sequence[ProviderFigures]
    queues: Sequence[Queue] | None
    stuck: Sequence[AttemptRow]
    stuck_count: int
    open_calls: int
    unmatched: Sequence[Unmatched]
    books: Sequence[Books]
    in_time: tuple[int, int]
    mail: Backlog
    webhooks: Backlog
    events: Backlog
    tasks: tuple[int, datetime | None]
    switch: SwitchRow | None
    certificates: Sequence[Certificate]
    keys: Sequence["Key"]
    rotate_after: timedelta
    retention: Run | None


@dataclass(frozen=True)
class Key:
    """A key of the installation's own, and the command that exchanges it."""

    what: str
    id: str
    older: int
    rotate: str
    used: datetime | None = None
    """When it was used first, where that is known."""

    @property
    def made(self) -> datetime | None:
        """When it was made, where its id says so."""
        known = read_id(self.id)
        return datetime.combine(known.made, time(), UTC) if known and known.made else None


class Gauge(NamedTuple):
    words: str
    value: str
    tone: str
    meta: str = ""


@dataclass(frozen=True)
class HealthView:
    sentence: str
    gauges: tuple[Gauge, ...]
    stopped: bool
    stopped_by: str
    providers: tuple[tuple[str, str, str, str, str, str, str], ...]


def health_view(read: HealthRead, now: datetime) -> HealthView:
    gauges = tuple(_gauges(read, now))
    wants = tuple(f"{one.words.lower()}: {one.value}" for one in gauges if one.tone == "bad")
    value = read.switch.value if read.switch else {}
    stopped = bool(value.get("stopped"))
    return HealthView(
        sentence=_sentence(wants, stopped=stopped),
        gauges=gauges,
        stopped=stopped,
        stopped_by=read.switch.changed_by if read.switch and stopped else "",
        providers=tuple(_providers(read)),
    )


def _sentence(wants: Sequence[str], *, stopped: bool) -> str:
    first = "Booking is stopped for everybody. " if stopped else ""
    if not wants:
        return f"{first}Nothing needs somebody: money and bookings agree, and nothing is stuck."
    verb = "needs" if len(wants) == 1 else "need"
    return f"{first}{plural(len(wants), 'thing')} {verb} somebody: {'; '.join(wants)}."


def _gauges(read: HealthRead, now: datetime) -> Iterable[Gauge]:
    number, oldest = read.tasks
    yield _counted("Open tasks", number, _since("the oldest waits", oldest, now))
    yield _counted("Stuck attempts", read.stuck_count, "nothing has moved for 15 minutes")
    yield _counted("Calls without an answer", read.open_calls, "sent more than 15 minutes ago")
    without = [one for one in read.unmatched if one.without_booking]
    missing = [one for one in read.unmatched if not one.without_booking]
    yield _money("Money without a booking", without)
    yield _money("Bookings without money", missing)
    yield _in_time(*read.in_time)
    yield _backlog("Letters overdue", read.mail, now)
    yield _backlog("Webhooks overdue", read.webhooks, now)
    yield _backlog("Providers' events overdue", read.events, now)
    yield from _queues(read.queues)
    yield _retention(read.retention, now)
    for one in read.certificates:
        yield _certificate(one, now)
    for key in read.keys:
        yield _key(key, now, read.rotate_after)


def _counted(words: str, number: int, meta: str = "") -> Gauge:
    return Gauge(words, str(number), "bad" if number else "good", meta if number else "")


def _money(words: str, found: Sequence[Unmatched]) -> Gauge:
    """Bad is what nothing will settle: no attempt is under way, and nobody was asked."""
    tone = "good"
    if found:
        tone = "wait" if all(one.under_way or one.tasks for one in found) else "bad"
    sums: dict[str, int] = {}
    for one in found:
        sums[one.currency] = sums.get(one.currency, 0) + one.gap.minor
    meta = " + ".join(str(Money(minor=minor, currency=name)) for name, minor in sums.items())
    return Gauge(words, str(len(found)), tone, meta)


def _in_time(within: int, total: int) -> Gauge:
    """Say how fast what may be late is used up: above 1 the promise is broken."""
    seconds = TARGET.seconds
    if not total:
        return Gauge(f"Booked within {seconds} s", "–", "good", "no booking in a day")
    burn = (total - within) / total / _LATE_SHARE
    tone = "bad" if burn > 1 else "good"
    words = f"{burn:.1f} of what may be late is used up" if within < total else "none was late"
    return Gauge(f"Booked within {seconds} s", f"{within} of {total}", tone, words)


def _backlog(words: str, backlog: Backlog, now: datetime) -> Gauge:
    late = backlog.oldest is not None and now - backlog.oldest > _LATE
    parts = [_since("the oldest", backlog.oldest, now)]
    if backlog.given_up:
        parts.append(f"{backlog.given_up} given up in a day")
    tone = "bad" if late else "wait" if backlog.given_up else "good"
    return Gauge(words, str(backlog.waiting), tone, ", ".join(filter(None, parts)))


def _queues(queues: Sequence[Queue] | None) -> Iterable[Gauge]:
    if queues is None:
        yield Gauge("Temporal", "away", "bad", "nothing new is booked meanwhile")
        return
    for one in queues:
        late = one.age > _LATE
        tone = "bad" if late or not one.workers else "good"
        waits = f"the oldest waits {span_of(int(one.age.total_seconds()))}, " if one.backlog else ""
        limit = f", at most {one.limit:g} a second" if one.limit else ""
        meta = f"{waits}{plural(one.workers, 'worker')}{limit}"
        yield Gauge(f"Queue {one.name}, {one.kind}", str(one.backlog), tone, meta)


def _retention(last: Run | None, now: datetime) -> Gauge:
    words = "Retention run"
    if last is None:
        return Gauge(words, "not yet", "wait", "it runs every night")
    age = span_of(int((now - last.at).total_seconds()))
    if now - last.at > MISSED:
        return Gauge(words, f"{age} ago", "bad", "nights were missed")
    left = () if is_under_way(last, now) else last.missing
    meta = f"{plural(len(left), 'kind')} not done" if left else plural(last.total, "row")
    return Gauge(words, f"{age} ago", "bad" if left else "good", meta)


def _certificate(one: Certificate, now: datetime) -> Gauge:
    if one.until is None:
        why = f"it does not hold: {one.wrong}" if one.wrong else "it does not answer, or not well"
        return Gauge(f"Certificate of {one.host}", "none", "bad", why)
    left = one.until - now
    tone = "bad" if left < _RENEW else "good"
    return Gauge(
        f"Certificate of {one.host}", f"{left.days} days", tone, f"until {one.until:%Y-%m-%d}"
    )


def _key(key: Key, now: datetime, rotate_after: timedelta) -> Gauge:
    known = key.made or key.used
    age = plural((now - known).days, "day") if known else ""
    told = [f"{age} old" if key.made else f"in use for {age}" if key.used else ""]
    told.append("" if key.made else "nobody wrote down when it was made")
    told.append(f"{plural(key.older, 'older one')} beside it" if key.older else "")
    old = known is not None and now - known > rotate_after
    told.append(f"rotate it: {key.rotate}" if old else "")
    return Gauge(key.what, key.id, "wait" if old else "good", "; ".join(filter(None, told)))


def _since(words: str, oldest: datetime | None, now: datetime) -> str:
    return f"{words} {span_of(int((now - oldest).total_seconds()))}" if oldest else ""


def _providers(read: HealthRead) -> Iterable[tuple[str, str, str, str, str, str, str]]:
    """Yield name, mode, whether it answers, calls, error rate, p95 and the tone of it all."""
    figures = {one.provider: one for one in read.figures}
    for one in read.reachable:
        found = figures.get(one.name)
        calls, rate, slow = "0", "–", "–"
        tone = "good" if one.reachable else "bad"
        if found:
            calls = f"{found.calls}, {found.refused} refused"
            rate = f"{found.error_rate:.1%} ({found.failed})"
            if found.p95_seconds is not None:
                slow = f"{found.p95_seconds:.2f} s"
            if found.error_rate > _WORST_RATE or (found.p95_seconds or 0) > _SLOW_SECONDS:
                tone = "bad"
        answers = "answers" if one.reachable else "does not answer"
        if one.name in read.away:
            answers, tone = "left alone", "bad"
        yield one.name, one.mode.value, answers, calls, rate, slow, tone

"""The page of the run that clears away: a sentence, the last run by kind, the nights before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.web.admin.schedules import Scheduled
from api.web.words import plural, span_of
from domain.retention import PERIODS, Run

MISSED = timedelta(hours=36)
"""From then on the night that should have followed is missed."""
_PATIENCE = timedelta(hours=2)
"""A run that has cleared something as lately as this may be clearing on."""


@dataclass(frozen=True)
class Line:
    """One kind of thing: for how long it is kept, and what the last run removed of it."""

    what: str
    days: int
    then: str
    removed: int | None
    """None: it was not cleared."""


@dataclass(frozen=True)
class RetentionView:
    sentence: str
    next_run: str
    lines: tuple[Line, ...]
    runs: Sequence[Run]
    under_way: bool


def retention_view(
    runs: Sequence[Run], scheduled: Scheduled | None, now: datetime
) -> RetentionView:
    last = runs[0] if runs else None
    under_way = last is not None and is_under_way(last, now)
    removed = last.removed if last else {}
    lines = tuple(
        Line(period.what, period.days, period.then, removed.get(sweep.value))
        for sweep, period in PERIODS.items()
    )
    return RetentionView(
        sentence=_sentence(last, now, under_way=under_way),
        next_run=_next_run(scheduled, now),
        lines=lines,
        runs=runs,
        under_way=under_way,
    )


def is_under_way(run: Run, now: datetime) -> bool:
    return bool(run.missing) and now - run.at < _PATIENCE


def _sentence(last: Run | None, now: datetime, *, under_way: bool) -> str:
    if last is None:
        return "It has not run yet; it runs every night, and nothing was removed so far."
    when = f"{_span(now - last.at)} ago"
    if under_way:
        return f"It is under way: {plural(last.total, 'row')} removed so far, {when} the last."
    first = f"The last run was {when} and removed {plural(last.total, 'row')}."
    if last.missing:
        kinds = plural(len(last.missing), "kind")
        first += f" It did not get {kinds} done; the next one does, and the worker's log says why."
    if now - last.at > MISSED:
        first += " Nights were missed since: look whether a worker runs, and at the schedule."
    return first


def _next_run(scheduled: Scheduled | None, now: datetime) -> str:
    if scheduled is None:
        return "Temporal does not answer, so nobody knows when the next run is."
    if not scheduled.known:
        return "Temporal knows no schedule of it: a worker that starts declares it again."
    if scheduled.running:
        return "A run is under way now."
    if scheduled.paused:
        return "The schedule is paused: nothing is removed until somebody unpauses it in Temporal."
    if scheduled.next_at is None:
        return "Temporal names no next run."
    return f"The next run is in {_span(scheduled.next_at - now)}."


def _span(span: timedelta) -> str:
    return span_of(max(int(span.total_seconds()), 0))

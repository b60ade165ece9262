"""Decides what to look at next: looks cost money, so they go where a booking is likeliest.

Each date pair of a wish has a pace: the time in which its price could well fall to the limit,
between an hour and three days, and shorter caps as the wish nears its end. Pairs share the
wish's allowance: with `k` pairs a check, a pair's interval grows by the number of pairs at
least as hot as it is, divided by `k`, so that one wish never costs more than `k` looks an
interval and every pair has its turn. Pure: the same facts and the same `now` give the same plan.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from domain.money import Money
from domain.offers import Cabin, DatePair, Party
from domain.search_pace import (
    HOTTEST,
    UNSEEN_CHANCE,
    booking_chance,
    daily_change,
    first_turn,
    own_interval,
)
from domain.search_slots import Shape, Slot, slots_of
from domain.values import Value

FRESH = timedelta(minutes=5)  # a wish made after a look waits at most this long for another one
SHORTEST_WAKE = timedelta(minutes=1)  # rounds never spin, even if looks fail
CHECK_PAUSE = timedelta(hours=1)  # between two checks of one wish
BLIND_PAUSE = timedelta(hours=1)  # after a failed look at a pair that no look has told of yet
# A look ends a little after the round that planned it, so its next turn would come a little after
# the round that it caused: what is due so soon is taken now, else each turn costs another wake.
EARLY_SHARE, EARLIEST = 0.05, timedelta(seconds=30)


class Watch(Value):
    """Campaigns whose looks would be the same. `budget_minor` is the highest of their limits;
    `since` is when the youngest of them began, was edited or resumed.
    """

    key: str
    campaigns: int
    origins: tuple[str, ...]
    destinations: tuple[str, ...]
    departure_from: date
    departure_until: date
    nights_min: int | None = None
    nights_max: int | None = None
    cabin: Cabin = Cabin.ECONOMY
    party: Party = Party()
    budget_minor: int
    currency: str
    since: datetime


class Known(Value):
    """What earlier looks told of a date pair, by `DatePair.key`.

    `last_look_at` counts failed looks too; `looks` does not, so that 0 means nothing is known yet.
    `best_minor` is the lowest price of the last look, in the watches' currency; `volatility` is
    the typical change of that price in a day, as a fraction (0.02: two per cent).
    """

    last_look_at: datetime
    best_minor: int | None = None
    volatility: float = 0.0
    looks: int = 1


class Budget(Value):
    """What may be spent: the seller's quota, and the looks left before looking costs extra."""

    looks_per_minute: int
    looks_left: int | None = None

    def looks_for(self, span: timedelta) -> int:
        """Return how many looks fit into the span."""
        quota = int(self.looks_per_minute * span.total_seconds() / 60)
        return quota if self.looks_left is None else max(0, min(quota, self.looks_left))

    @property
    def words(self) -> str:
        left = "" if self.looks_left is None else f", {self.looks_left:,} left without extra cost"
        return f"at most {self.looks_per_minute} looks a minute{left}"


class PlannedLook(Value):
    """A date pair to look at now. The higher the weight, the sooner."""

    pair: DatePair
    campaigns: int
    reason: str
    weight: float


class Plan(Value):
    """`next_due_at` None: nothing is watched. `shortfall`: pairs due now that must wait."""

    looks: tuple[PlannedLook, ...]
    next_due_at: datetime | None
    asleep: tuple[tuple[str, date], ...] = ()
    shortfall: int = 0


def plan_budgeted(
    watches: Sequence[Watch],
    known: Mapping[str, Known],
    *,
    now: datetime,
    horizon_days: int,
    pairs_per_campaign: int,
    max_looks: int,
    slower: float = 1.0,
) -> Plan:
    """Plan a round that spends looks where a booking is likeliest.

    `slower` stretches every interval: 2.0 looks half as often, when the looks that the seller
    includes are used up.
    """
    share = max(1, pairs_per_campaign)
    return _plan(watches, known, _Round(now, horizon_days, share, max_looks, slower=slower))


def plan_fixed(
    watches: Sequence[Watch],
    known: Mapping[str, Known],
    *,
    now: datetime,
    interval: timedelta = timedelta(seconds=600),
    horizon_days: int,
    pairs_per_campaign: int,
    max_looks: int,
) -> Plan:
    """Plan a round that looks at `pairs_per_campaign` pairs of each wish every `interval`."""
    share = max(1, pairs_per_campaign)
    return _plan(watches, known, _Round(now, horizon_days, share, max_looks, interval))


@dataclass(frozen=True)
class _Round:
    now: datetime
    horizon_days: int
    pairs_per_campaign: int
    max_looks: int
    fixed_interval: timedelta | None = None
    slower: float = 1.0


@dataclass
class _Group:
    """Watches of one shape: their date pairs are the same."""

    slots: tuple[Slot, ...]
    cabin: Cabin
    party: Party
    currency: str
    departure_until: date
    since: datetime
    newest: datetime
    campaigns: int = 0
    budget_minor: int = 0
    keys: list[str] = field(default_factory=list)

    def opens_on(self, horizon_days: int) -> date:
        return min(slot.last_day for slot in self.slots) - timedelta(days=horizon_days)


class _Candidate(NamedTuple):
    slot: Slot
    group: _Group
    seen: Known | None
    due: datetime
    interval: float


def _plan(watches: Sequence[Watch], known: Mapping[str, Known], this: _Round) -> Plan:
    today = this.now.date()
    on_sale_until = today + timedelta(days=this.horizon_days)
    due: dict[str, _Candidate] = {}
    campaigns: dict[str, int] = {}
    wakes: list[datetime] = []
    asleep: list[tuple[str, date]] = []
    for group in _groups(watches):
        future = [slot for slot in group.slots if slot.departs_on > today]
        open_slots = [slot for slot in future if slot.last_day <= on_sale_until]
        if len(open_slots) < len(future):
            opens = min(s.last_day for s in future if s.last_day > on_sale_until)
            opens -= timedelta(days=this.horizon_days)
            wakes.append(_midnight(opens))
            if not open_slots:
                asleep += [(key, opens) for key in group.keys]
        for slot in open_slots:
            campaigns[slot.key] = campaigns.get(slot.key, 0) + group.campaigns
        candidates = _candidates(group, open_slots, known, this)
        chosen, later = _check(candidates, this)
        wakes += later
        for candidate in chosen:
            other = due.setdefault(candidate.slot.key, candidate)
            if _urgency(candidate) < _urgency(other):
                due[candidate.slot.key] = candidate
    return _round(due.values(), campaigns, wakes, asleep, this)


def _urgency(candidate: _Candidate) -> tuple[float, int]:
    return candidate.interval, -candidate.group.budget_minor


def _groups(watches: Iterable[Watch]) -> list[_Group]:
    groups: dict[tuple[Shape, str], _Group] = {}
    for watch in watches:
        shape = Shape(
            watch.origins,
            watch.destinations,
            watch.departure_from,
            watch.departure_until,
            watch.nights_min,
            watch.nights_max,
            watch.cabin,
            watch.party.code,
        )
        group = groups.get((shape, watch.currency))
        if group is None:
            group = groups[shape, watch.currency] = _Group(
                slots=slots_of(shape),
                cabin=watch.cabin,
                party=watch.party,
                currency=watch.currency,
                departure_until=watch.departure_until,
                since=watch.since,
                newest=watch.since,
            )
        group.campaigns += watch.campaigns
        group.budget_minor = max(group.budget_minor, watch.budget_minor)
        group.since = min(group.since, watch.since)
        group.newest = max(group.newest, watch.since)
        group.keys.append(watch.key)
    return list(groups.values())


def _candidates(
    group: _Group,
    open_slots: Sequence[Slot],
    known: Mapping[str, Known],
    this: _Round,
) -> list[_Candidate]:
    """Say for each date pair of the group when it is due and how often it has its turn."""
    if not open_slots:
        return []
    share = this.pairs_per_campaign
    seen = [known.get(slot.key) for slot in open_slots]
    own = [_own_interval(facts, group, this) for facts in seen]
    crowd = _as_hot(own)
    begins = max(group.since, _midnight(group.opens_on(this.horizon_days)))
    # Pairs seen since count as turns taken, so that newly opened ones do not come in a rush.
    turn = sum(1 for facts in seen if facts is not None and facts.last_look_at >= begins)
    found = []
    for slot, facts, interval in zip(open_slots, seen, own, strict=True):
        every = interval * max(1.0, crowd[interval] / share)
        if facts is not None:
            if facts.looks == 0:
                every = min(every, BLIND_PAUSE.total_seconds())
            due = facts.last_look_at + timedelta(seconds=every)
        else:
            check, turn = turn // share, turn + 1
            waits = check * interval if this.fixed_interval else first_turn(check, interval)
            due = begins + timedelta(seconds=waits)
        found.append(_Candidate(slot, group, facts, due, every))
    return _serve_newcomers(found, this)


def _own_interval(seen: Known | None, group: _Group, this: _Round) -> float:
    if this.fixed_interval is not None:
        return this.fixed_interval.total_seconds()
    days_left = (group.departure_until - this.now.date()).days
    if seen is None:
        return own_interval(None, 0.0, group.budget_minor, days_left)
    change = daily_change(seen.volatility, seen.looks)
    return this.slower * own_interval(seen.best_minor, change, group.budget_minor, days_left)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _as_hot(intervals: Sequence[float]) -> dict[float, int]:
    """Count for each interval the pairs that want it or a shorter one."""
    counts: dict[float, int] = {}
    for interval in intervals:
        counts[interval] = counts.get(interval, 0) + 1
    total = 0
    for interval in sorted(counts):
        total += counts[interval]
        counts[interval] = total
    return counts


def _serve_newcomers(candidates: list[_Candidate], this: _Round) -> list[_Candidate]:
    """Make the best pairs due for a wish that began after they were last looked at.

    Only those that serve it best; the others keep their turns.
    """
    newest = candidates[0].group.newest
    nearest = sorted(
        range(len(candidates)),
        key=lambda i: (
            candidates[i].seen is None,
            _price(candidates[i].seen),
            i,
        ),
    )
    for index in nearest[: this.pairs_per_campaign]:
        seen = candidates[index].seen
        if seen is not None and seen.last_look_at < newest:
            due = min(candidates[index].due, max(newest, seen.last_look_at + FRESH))
            candidates[index] = candidates[index]._replace(due=due)
    return candidates


def _price(seen: Known | None) -> float:
    return float("inf") if seen is None or seen.best_minor is None else seen.best_minor


def _check(candidates: list[_Candidate], this: _Round) -> tuple[list[_Candidate], list[datetime]]:
    """Choose at most `pairs_per_campaign` pairs that are due; say when the others will be."""
    due = [c for c in candidates if _is_due(c, this.now)]
    waiting = [c.due for c in candidates if not _is_due(c, this.now)]
    later = [min(waiting)] if waiting else []
    share = this.pairs_per_campaign
    if len(due) > share:
        due.sort(key=lambda c: (-_weight(c, c.group.campaigns, this.now), c.slot.key))
        later.append(this.now + (this.fixed_interval or CHECK_PAUSE))
    return due[:share], later


def _is_due(candidate: _Candidate, now: datetime) -> bool:
    if candidate.seen is None:
        return candidate.due <= now
    early = min(timedelta(seconds=candidate.interval * EARLY_SHARE), EARLIEST)
    return candidate.due - early <= now


def _round(
    due: Iterable[_Candidate],
    campaigns: Mapping[str, int],
    wakes: list[datetime],
    asleep: list[tuple[str, date]],
    this: _Round,
) -> Plan:
    """Choose the weightiest looks that the round can pay for."""
    weighed = sorted(
        ((_weight(c, campaigns[c.slot.key], this.now), c) for c in due),
        key=lambda pair: (-pair[0], pair[1].slot.key),
    )
    chosen, left = weighed[: max(0, this.max_looks)], weighed[max(0, this.max_looks) :]
    if left:
        wakes.append(this.now + SHORTEST_WAKE)
    wakes += [this.now + _pause(c) for _, c in chosen]
    return Plan(
        looks=tuple(
            PlannedLook(
                pair=_pair(c),
                campaigns=campaigns[c.slot.key],
                reason=_reason(c, campaigns[c.slot.key], this),
                weight=weight,
            )
            for weight, c in chosen
        ),
        next_due_at=max(min(wakes), this.now + SHORTEST_WAKE) if wakes else None,
        asleep=tuple(asleep),
        shortfall=len(left),
    )


def _pause(candidate: _Candidate) -> timedelta:
    """Say when to think of the pair again: soon after its first look, which sets its pace."""
    blind = candidate.seen is None or candidate.seen.looks == 0
    return timedelta(seconds=min(candidate.interval, HOTTEST) if blind else candidate.interval)


def _pair(candidate: _Candidate) -> DatePair:
    slot, group = candidate.slot, candidate.group
    return DatePair(
        origin=slot.origin,
        destination=slot.destination,
        departs_on=slot.departs_on,
        returns_on=slot.returns_on,
        cabin=group.cabin,
        party=group.party,
    )


def _weight(candidate: _Candidate, campaigns: int, now: datetime) -> float:
    """Campaigns served, times the chance of a booking, times how long the turn is overdue.

    The last factor grows without end, so that no pair waits for ever.
    """
    seen = candidate.seen
    if seen is None:
        overdue = (now - candidate.due).total_seconds() / candidate.interval
        return campaigns * UNSEEN_CHANCE * (1 + overdue)
    age = (now - seen.last_look_at).total_seconds()
    change = daily_change(seen.volatility, seen.looks)
    chance = booking_chance(seen.best_minor, change, candidate.group.budget_minor, age)
    return campaigns * chance * max(1.0, age / candidate.interval)


def _reason(candidate: _Candidate, campaigns: int, this: _Round) -> str:
    """Say in plain words why this pair is looked at now."""
    seen, group = candidate.seen, candidate.group
    words = ["1 wish" if campaigns == 1 else f"{campaigns} wishes"]
    if seen is None:
        words.append("never looked at")
    else:
        if seen.looks == 0:
            words.append("the last look failed")
        elif seen.best_minor is None:
            words.append("no fare found last time")
        elif seen.best_minor <= group.budget_minor:
            words.append("the last fare was within the limit")
        else:
            above = Money(minor=seen.best_minor - group.budget_minor, currency=group.currency)
            words.append(f"the last fare was {above} above the highest limit")
        words.append(f"last look {_ago(this.now - seen.last_look_at)} ago")
    days_left = (candidate.slot.departs_on - this.now.date()).days
    words.append("leaves tomorrow" if days_left == 1 else f"leaves in {days_left} days")
    return ", ".join(words)


def _ago(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"

"""When a campaign's dates are looked at next: the search plan asked about this one wish."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaign import CampaignRow
from db.queries.display import known_of
from db.queries.fares import Fares
from db.queries.watching import searched_for
from domain.campaigns import CampaignState
from domain.ids import UserId
from domain.search_plan import Known, Watch, plan_budgeted, plan_fixed
from domain.search_slots import Shape, slots_of
from runtime.policy import MonitorMode, Policy

# A wide wish has thousands of date pairs; the first ones that are due tell when it is looked at.
_MOST_PAIRS = 400
_KEPT = 2000
_SUMS_HOLD = timedelta(minutes=1)


async def next_look(
    session: AsyncSession, row: CampaignRow, policy: Policy, now: datetime
) -> datetime | None:
    """Return when the next look is due; None while nobody looks for it."""
    if row.status is not CampaignState.ACTIVE:
        return None
    if row.hold_off_until is not None and row.hold_off_until > now:
        return row.hold_off_until
    keys = _keys(row, policy, now)
    known = await known_of(session, row.seller, keys, row.currency)
    return _planned(row, known, policy, now)


class Outlook:
    """Remembers the answers, which hold until the next look at the wish or its next change.

    A list of wishes asks about all of them at once, and most of the answers are known.
    """

    def __init__(self) -> None:
        self._searched: OrderedDict[UUID, tuple[datetime, tuple[int, int]]] = OrderedDict()
        self._known: OrderedDict[UUID, tuple[tuple[object, ...], datetime | None]] = OrderedDict()

    async def next_looks(
        self,
        session: AsyncSession,
        rows: Sequence[CampaignRow],
        fares: Mapping[UUID, Fares],
        policy: Policy,
        now: datetime,
    ) -> dict[UUID, datetime | None]:
        """Return when each of these wishes is looked at next; a past moment means any time now."""
        found: dict[UUID, datetime | None] = {}
        asked: list[CampaignRow] = []
        for row in rows:
            kept = self._known.get(row.id)
            if row.status is not CampaignState.ACTIVE:
                found[row.id] = None
            elif kept is not None and kept[0] == _state(row, fares):
                found[row.id] = kept[1]
            else:
                asked.append(row)
        for group in _groups(asked):
            keys = {row.id: _keys(row, policy, now) for row in group}
            every = sorted({key for one in keys.values() for key in one})
            known = await known_of(session, group[0].seller, every, group[0].currency)
            for row in group:
                holding = row.hold_off_until is not None and row.hold_off_until > now
                own = {key: known[key] for key in keys[row.id] if key in known}
                at = row.hold_off_until if holding else _planned(row, own, policy, now)
                self._keep(row, fares, at)
                found[row.id] = at
        return found

    async def searched(
        self, session: AsyncSession, user_id: UserId, now: datetime
    ) -> tuple[int, int]:
        """Return the looks and offers of all a person's wishes, of at most a minute ago."""
        kept = self._searched.get(user_id)
        # Nothing is summed up at no cost, and the first look is what somebody new waits for.
        if kept is None or not any(kept[1]) or now - kept[0] > _SUMS_HOLD:
            kept = now, await searched_for(session, user_id)
            self._searched[user_id] = kept
            self._searched.move_to_end(user_id)
            while len(self._searched) > _KEPT:
                self._searched.popitem(last=False)
        return kept[1]

    def _keep(self, row: CampaignRow, fares: Mapping[UUID, Fares], at: datetime | None) -> None:
        self._known[row.id] = (_state(row, fares), at)
        self._known.move_to_end(row.id)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)


def _state(row: CampaignRow, fares: Mapping[UUID, Fares]) -> tuple[object, ...]:
    seen = fares.get(row.id)
    return row.row_version, row.criteria_version, seen.last_at if seen else None


def _groups(rows: Iterable[CampaignRow]) -> Iterable[list[CampaignRow]]:
    groups: dict[tuple[str, str], list[CampaignRow]] = {}
    for row in rows:
        groups.setdefault((row.seller, row.currency), []).append(row)
    return groups.values()


def _keys(row: CampaignRow, policy: Policy, now: datetime) -> list[str]:
    """Name the date pairs that can be looked at: those to come that are on sale."""
    wish = row.wish
    shape = Shape(
        wish.origins,
        wish.destinations,
        wish.departure_from,
        wish.departure_until,
        wish.nights_min,
        wish.nights_max,
        wish.cabin,
        row.travelling.code,
    )
    until = now.date() + timedelta(days=policy.horizon_days)
    found = (
        slot.key
        for slot in slots_of(shape)
        if slot.departs_on > now.date() and slot.last_day <= until
    )
    return [key for key, _ in zip(found, range(_MOST_PAIRS), strict=False)]


def _planned(
    row: CampaignRow, known: Mapping[str, Known], policy: Policy, now: datetime
) -> datetime | None:
    wish = row.wish
    watch = Watch(
        key=str(row.id),
        campaigns=1,
        origins=wish.origins,
        destinations=wish.destinations,
        departure_from=wish.departure_from,
        departure_until=wish.departure_until,
        nights_min=wish.nights_min,
        nights_max=wish.nights_max,
        cabin=wish.cabin,
        party=row.travelling,
        budget_minor=row.budget_minor,
        currency=row.currency,
        since=row.created_at,
    )
    if policy.monitor_mode is MonitorMode.FIXED:
        plan = plan_fixed(
            [watch],
            known,
            now=now,
            interval=policy.monitor_interval,
            horizon_days=policy.horizon_days,
            pairs_per_campaign=policy.look_pairs_per_campaign,
            max_looks=policy.max_looks_per_round,
        )
    else:
        plan = plan_budgeted(
            [watch],
            known,
            now=now,
            horizon_days=policy.horizon_days,
            pairs_per_campaign=policy.look_pairs_per_campaign,
            max_looks=policy.max_looks_per_round,
        )
    return now if plan.looks else plan.next_due_at

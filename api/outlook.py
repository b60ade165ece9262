"""When a campaign's dates are looked at next: the search plan asked about this one wish."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaign import CampaignRow
from db.queries.display import known_of
from domain.campaigns import CampaignState
from domain.search_plan import Watch, plan_budgeted, plan_fixed
from domain.wishes import date_pairs
from runtime.policy import MonitorMode, Policy

# A wide wish has thousands of date pairs; the first ones that are due tell when it is looked at.
_MOST_PAIRS = 400


async def next_look(
    session: AsyncSession, row: CampaignRow, policy: Policy, now: datetime
) -> datetime | None:
    """Return when the next look is due; None while nobody looks for it."""
    if row.status is not CampaignState.ACTIVE:
        return None
    if row.hold_off_until is not None and row.hold_off_until > now:
        return row.hold_off_until
    wish, party = row.wish, row.travelling
    pairs = date_pairs(wish, party, today=now.date(), horizon_days=policy.horizon_days)
    keys = [pair.key for pair, _ in zip(pairs, range(_MOST_PAIRS), strict=False)]
    known = await known_of(session, row.seller, keys, row.currency)
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
        party=party,
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

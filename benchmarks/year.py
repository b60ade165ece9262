"""A year of one campaign on a real Temporal server whose clocks are moved day by day."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistoryEventFilterType
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from benchmarks.consents import Seals
from benchmarks.installation import SERVERS, inside, installation
from benchmarks.people import BENCH, Registry, new_campaign, wish
from benchmarks.rows import count
from db.queries.campaigns import get_campaign
from domain.messages.campaign import CampaignInput, campaign_workflow_id
from domain.messages.search import SearchInput, search_workflow_id
from domain.money import Money
from runtime.temporal import MAIN_QUEUE
from workflows.campaign import CampaignWorkflow
from workflows.search import SearchWorkflow

SKIPS = 1_000_000  # the server stops a clock after 200 unless told otherwise
_T = EventType
_ONE_ACTION = {
    _T.EVENT_TYPE_TIMER_STARTED: "timers",
    _T.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: "signals received",
    _T.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: "signals sent",
    _T.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: "updates",
    _T.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: "continued as new",
    _T.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: "search attributes",
    _T.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: "children",
}
# Written for each step of the simulation; a server whose time passes by itself has none.
_OF_SKIPPING = {
    number
    for name, number in EventType.items()
    if "TIME_SKIPPING" in name or name.endswith("WORKFLOW_EXECUTION_OPTIONS_UPDATED")
}


@dataclass(frozen=True)
class History:
    """What a process wrote over all its runs, and what Temporal Cloud would bill for it."""

    events: int
    actions: Counter[str]
    runs: int

    @property
    def billable(self) -> int:
        return self.actions.total()


@dataclass(frozen=True)
class Year:
    days: int
    seconds: float
    campaign: History
    search: History
    looks: int
    state: str


@cache
def a_year(days: int) -> Year:
    """Live so many days with one wish that never comes true; two benchmarks read the same life."""
    return asyncio.run(_live(days))


async def _live(days: int) -> Year:
    with installation(SERVERS, time_skipping=True) as stack:
        async with inside(stack) as house:
            registry = Registry.of(house)
            user, traveler = await registry.someone()
            today = datetime.now(UTC).date()
            criteria = wish(
                departure_from=today + timedelta(days=300),
                departure_until=today + timedelta(days=360),
                nights_min=6,
                nights_max=10,
                budget=Money(minor=15_000, currency="USD"),
            )
            new = new_campaign(user, traveler, criteria, seals=Seals.of(house.settings))
            search = search_workflow_id("duffel")
            await house.client.start_workflow(
                SearchWorkflow.run, SearchInput(seller="duffel"), id=search, task_queue=MAIN_QUEUE
            )
            begun = time.perf_counter()
            campaign = await house.client.start_workflow(
                CampaignWorkflow.run,
                CampaignInput(campaign_id=new.campaign_id, new=new),
                id=campaign_workflow_id(new.campaign_id),
                task_queue=MAIN_QUEUE,
            )
            await campaign.execute_update(CampaignWorkflow.created)
            await pass_days(house.client, days, campaign.id, search)
            seconds = time.perf_counter() - begun
            async with house.database.transaction(BENCH) as session:
                row = await get_campaign(session, new.campaign_id)
            return Year(
                days=days,
                seconds=seconds,
                campaign=await history_of(house.client, campaign.id),
                search=await history_of(house.client, search),
                looks=await count(house.database, "looks"),
                state=str(row.status) if row else "",
            )


async def pass_days(client: Client, days: int, *workflow_ids: str) -> None:
    """Move each process's clock by a day, in this order, again and again."""
    skipper = TimeSkipper(
        client, config=TimeSkippingConfig(enabled=False, max_session_skip_count=SKIPS)
    )
    for _ in range(days):
        for one in workflow_ids:
            try:
                await skipper.fast_forward(client.get_workflow_handle(one), timedelta(days=1))
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:  # it has ended
                    raise


async def history_of(client: Client, workflow_id: str) -> History:
    """Count events and billable actions over the whole chain of runs."""
    events, runs, actions = 0, 0, Counter[str]()
    run_id: str | None = (await client.get_workflow_handle(workflow_id).describe()).run_id
    while run_id:
        runs += 1
        handle = client.get_workflow_handle(workflow_id, run_id=run_id)
        history = await handle.fetch_history(
            event_filter_type=WorkflowHistoryEventFilterType.ALL_EVENT
        )
        events += sum(1 for event in history.events if event.event_type not in _OF_SKIPPING)
        actions += _actions(history.events)
        started = history.events[0].workflow_execution_started_event_attributes
        run_id = started.continued_execution_run_id or None
    return History(events, actions, runs)


def _actions(events: Any) -> Counter[str]:
    """Count what is billed: local activities once a workflow task, activities once a try."""
    found: Counter[str] = Counter()
    local_tasks = set()
    for event in events:
        if event.event_type in _ONE_ACTION:
            found[_ONE_ACTION[event.event_type]] += 1
        elif event.event_type == _T.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            attributes = event.workflow_execution_started_event_attributes
            found["starts"] += 0 if attributes.continued_execution_run_id else 1
        elif event.event_type == _T.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            found["activities"] += event.activity_task_started_event_attributes.attempt
        elif event.event_type == _T.EVENT_TYPE_MARKER_RECORDED:
            marker = event.marker_recorded_event_attributes
            local_tasks.add(marker.workflow_task_completed_event_id)
    found["local activities"] = len(local_tasks)
    return found

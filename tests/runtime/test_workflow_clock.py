"""A local activity tells the workflow's time, as an ordinary one does, where time is skipped."""

import asyncio
from datetime import datetime, timedelta

from temporalio import activity, workflow
from temporalio.testing import TimeSkippingConfig, WorkflowEnvironment
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from runtime.clock import activity_now
    from runtime.temporal import dev_server_extra_args, temporal_binary
    from runtime.workflow_clock import WorkflowClock

LONG = timedelta(days=100)


@activity.defn
async def tell_time() -> str:
    """Return the time once it has moved on, which takes a microsecond."""
    begun = activity_now()
    return next(now for _ in range(10_000) if (now := activity_now()) > begun).isoformat()


@workflow.defn
class ClockWorkflow:
    @workflow.run
    async def run(self) -> list[list[str]]:
        told = []
        for _ in range(2):
            limit = timedelta(seconds=10)
            local = await workflow.execute_local_activity(tell_time, start_to_close_timeout=limit)
            usual = await workflow.execute_activity(tell_time, start_to_close_timeout=limit)
            told.append([workflow.now().isoformat(), local, usual])
            await asyncio.sleep(LONG.total_seconds())
        return told


async def test_local_activities_tell_the_workflows_time() -> None:
    environment = await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=temporal_binary(),
        dev_server_log_level="error",
        dev_server_extra_args=dev_server_extra_args(time_skipping=True),
        ts_config=TimeSkippingConfig(enabled=True),
    )
    async with (
        environment,
        Worker(
            environment.client,
            task_queue="clock",
            workflows=[ClockWorkflow],
            activities=[tell_time],
            interceptors=[WorkflowClock()],
        ),
    ):
        told = await environment.client.execute_workflow(
            ClockWorkflow.run, id="clock", task_queue="clock"
        )
    first, second = ([datetime.fromisoformat(one) for one in row] for row in told)
    for row in (first, second):
        assert max(row) - min(row) < timedelta(minutes=1)
    assert min(second) - max(first) > LONG - timedelta(minutes=1)

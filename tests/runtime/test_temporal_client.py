"""The client and what a server is told: against a real development server."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio import activity, workflow
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.worker import Worker

from cli.stack import Stack
from runtime.clock import activity_now, system_now
from runtime.temporal import (
    CAMPAIGN_EXPIRES_AT,
    CAMPAIGN_STATE,
    MARKET,
    OWNER_REF,
    RPC_TIMEOUT,
    SEARCH_ATTRIBUTES,
    connect,
    dev_server_command,
    ensure_search_attributes,
    set_search_queue_limit,
)

TELL_NAME = "tell"


@activity.defn
async def what_time_is_it() -> datetime:
    return activity_now()


@workflow.defn(sandboxed=False)
class AskTheTime:
    @workflow.run
    async def run(self, name: str) -> list[datetime]:
        now = await workflow.execute_activity(
            what_time_is_it, start_to_close_timeout=timedelta(seconds=10)
        )
        return [now, workflow.now()]


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[Client]:
    stack = Stack.temporary(only=["temporal"], extra_env={"PARKER_DATABASE_URL": "postgresql://x"})
    await asyncio.to_thread(stack.start)
    try:
        yield await connect(stack.settings, identity="test")
    finally:
        await asyncio.to_thread(stack.stop)


async def test_the_history_is_encrypted_and_the_clock_is_utc(client: Client) -> None:
    attributes = TypedSearchAttributes(
        [
            SearchAttributePair(CAMPAIGN_STATE, "active"),
            SearchAttributePair(MARKET, "NYC-LIS"),
            SearchAttributePair(OWNER_REF, "owner-1"),
            SearchAttributePair(CAMPAIGN_EXPIRES_AT, datetime(2027, 5, 1, tzinfo=UTC)),
        ]
    )
    async with Worker(
        client, task_queue="clock", workflows=[AskTheTime], activities=[what_time_is_it]
    ):
        handle = await client.start_workflow(
            AskTheTime.run,
            "Ann Traveller",
            id="clock-1",
            task_queue="clock",
            search_attributes=attributes,
            static_summary="for Ann",
        )
        told, workflows_now = await handle.result()
    assert told.tzinfo is not None
    assert abs(told - system_now()) < timedelta(minutes=1)
    assert abs(told - workflows_now) < timedelta(minutes=1)
    history = await handle.fetch_history()
    assert not any(b"Ann" in event.SerializeToString() for event in history.events)
    described = await handle.describe()
    assert described.typed_search_attributes.get(MARKET) == "NYC-LIS"


async def test_the_queues_limit_is_the_queues(client: Client) -> None:
    await set_search_queue_limit(client, 1.8, queue="limited")
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name="limited"),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
            report_config=True,
        ),
        timeout=RPC_TIMEOUT,
    )
    limit = answer.config.queue_rate_limit.rate_limit.requests_per_second
    assert limit == pytest.approx(1.8)


async def test_declaring_search_attributes_again_changes_nothing(client: Client) -> None:
    await ensure_search_attributes(client)
    await ensure_search_attributes(client)


def test_the_development_server_is_told_what_we_need() -> None:
    command = dev_server_command(
        port=1, ui_port=2, database=Path("file.db"), codec_endpoint="http://x"
    )
    assert "history.transferProcessorMaxPollRPS=200" in command
    assert command.count("--search-attribute") == len(SEARCH_ATTRIBUTES)
    assert "journal_mode=wal" in command
    assert "http://x" in command
    skipping = dev_server_command(port=1, ui_port=None, database=None, time_skipping=True)
    assert "frontend.WorkflowTimeSkippingEnabled=true" in skipping
    assert "--headless" in skipping
    assert "--db-filename" not in skipping


def test_search_attributes_stay_within_the_servers_limit() -> None:
    assert sum(kind == "Keyword" for kind in SEARCH_ATTRIBUTES.values()) <= 10

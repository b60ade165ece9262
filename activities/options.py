"""Retries and time-outs that many activities share; an activity's own stand beside it."""

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy
from temporalio.workflow import LocalActivityConfig


class ActivityOptions(TypedDict, total=False):
    """Time-outs and retries of an activity; its queue, priority and summary stand at the call."""

    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy


# A short write to Postgres that may safely run twice. Tried for ever: Postgres comes back.
ROWS = LocalActivityConfig(
    start_to_close_timeout=timedelta(seconds=15),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=30)
    ),
)

# A worker that died in the middle of a provider call is noticed after this long.
HEARTBEAT_TIMEOUT = timedelta(seconds=10)

# A call that may be repeated until the provider answers: reads, and writes with a key.
REPEATABLE = ActivityOptions(
    start_to_close_timeout=timedelta(seconds=75),
    heartbeat_timeout=HEARTBEAT_TIMEOUT,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1),
        backoff_coefficient=2,
        maximum_interval=timedelta(minutes=2),
    ),
)

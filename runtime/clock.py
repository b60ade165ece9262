"""The two clocks outside workflows. SQL never asks for the time; rules take `now` instead."""

from datetime import UTC, datetime
from typing import Protocol

from temporalio import activity

from runtime.workflow_clock import local_activity_now, running_for


class Clock(Protocol):
    """What tells the time, in UTC."""

    def __call__(self) -> datetime: ...


def system_now() -> datetime:
    """Return the wall clock's time: for the API and the command line."""
    return datetime.now(UTC)


def activity_now() -> datetime:
    """Return the time on the clock of the workflow that runs this activity.

    In production it is the wall clock; where time is skipped the two differ, and only this one
    agrees with the workflow's timers. It goes on while the activity runs: what a provider took
    seconds to answer is written down as of its answer.
    """
    begun = local_activity_now() or activity.info().started_time.astimezone(UTC)
    return begun + running_for()

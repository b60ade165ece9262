"""What of the benchmarks can be checked without running them: their list, counts and page."""

import importlib
import json
from pathlib import Path

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from benchmarks.__main__ import NAMES
from benchmarks.report import missed, page
from benchmarks.result import Beside, Figure, Result, percentile
from benchmarks.year import _actions

KEPT = Path(__file__).parents[1] / "benchmarks" / "results"
MACHINE = {
    "cores": 2,
    "memory_gib": 4.0,
    "system": "Linux",
    "python": "3.11",
    "load_per_core_before": 0.1,
    "versions": {"temporalio": "1"},
}
RAN = {"date": "2026-11-21T09:00", "command": "c", "took_seconds": 1, "machine": MACHINE}


def test_every_benchmark_named_can_be_run() -> None:
    for name in NAMES:
        assert callable(importlib.import_module(f"benchmarks.{name}").run)


def test_the_kept_results_are_of_benchmarks_that_exist() -> None:
    for path in KEPT.glob("*.json"):
        kept = json.loads(path.read_text(encoding="utf-8"))
        assert path.stem == kept["name"]
        assert kept["name"] in NAMES
        assert kept["date"]
        assert kept["machine"]["cores"]


def test_a_ratio_is_ours_divided_by_theirs() -> None:
    figure = Figure("latency", 50.0, "ms", "100 ms", (Beside("another", 200.0),))
    told = Result("saga", "A booking", {"bookings": 3}, (figure,), ("a note",)).as_dict()
    assert told["figures"][0]["beside"][0]["ratio"] == 0.25
    shown = page([told | RAN], "## What was found\n")
    assert "| latency | 50.0 ms | 100 ms | another: 200.0 ms (x 0.25) |" in shown
    assert "- a note" in shown
    assert shown.endswith("\n\n## What was found\n")


def test_a_figure_above_its_target_is_named() -> None:
    figures = (
        Figure("median", 21.0, "s", at_most=30),
        Figure("p95", 30.1, "s", at_most=30),
        Figure("the slowest", 99.0, "s"),
    )
    told = Result("completion", "A booking", {"wishes": 3}, figures).as_dict()
    assert missed([told]) == ["completion: p95"]
    shown = page([told | RAN])
    assert "| median | 21.0 s | at most 30 s |" in shown
    assert "| p95 | 30.1 s | at most 30 s: missed |" in shown


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [5.0, 1.0, 3.0, 2.0, 4.0]
    assert percentile(values, 0.5) == 3.0
    assert percentile(values, 0.95) == 5.0


def test_actions_are_counted_as_they_are_billed() -> None:
    started = HistoryEvent(event_type=EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED)
    started.activity_task_started_event_attributes.attempt = 3
    markers = [HistoryEvent(event_type=EventType.EVENT_TYPE_MARKER_RECORDED) for _ in range(3)]
    for marker, task in zip(markers, (4, 4, 9), strict=True):
        marker.marker_recorded_event_attributes.workflow_task_completed_event_id = task
    first = HistoryEvent(event_type=EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED)
    again = HistoryEvent(event_type=EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED)
    again.workflow_execution_started_event_attributes.continued_execution_run_id = "before"
    timer = HistoryEvent(event_type=EventType.EVENT_TYPE_TIMER_STARTED)
    counted = _actions([first, again, timer, started, *markers])
    assert counted["activities"] == 3  # each try
    assert counted["local activities"] == 2  # each workflow task that had some
    assert counted["starts"] == 1  # continuing as new is counted where it was done
    assert counted["timers"] == 1

"""Histories recorded from real runs replay against today's code, one a workflow and ending.

A change that fails here would break the workflows that sleep at the moment of its deployment:
guard it with `workflow.patched`. `make histories` adds new ones.
"""

import json
from pathlib import Path

import pytest
from replays import RECORDED, replayer
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter

HISTORIES = sorted(RECORDED.glob("*.json"))


def test_every_workflow_is_recorded() -> None:
    import worker

    recorded = {path.stem.partition("-")[0] for path in HISTORIES}
    names = {each.__name__.removesuffix("Workflow").lower() for each in worker.WORKFLOWS}
    assert recorded >= names


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_it_replays(path: Path) -> None:
    await replayer(pydantic_data_converter).replay_workflow(_history(path))


def _history(path: Path) -> WorkflowHistory:
    recorded = json.loads(path.read_text())
    return WorkflowHistory.from_json(recorded.pop("workflow_id"), recorded)

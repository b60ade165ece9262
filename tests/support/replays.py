"""Replay histories against today's code: a change that breaks sleeping workflows shows at once."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

import worker
from runtime.workflow_clock import WorkflowClock

RECORDED = Path(__file__).parents[1] / "replay" / "histories"


def replayer(converter: DataConverter, runner: WorkflowRunner | None = None) -> Replayer:
    return Replayer(
        workflows=worker.WORKFLOWS,
        workflow_runner=runner or SandboxedWorkflowRunner(),
        data_converter=converter,
        interceptors=[WorkflowClock()],
        # Without its limit of two seconds a step, which says how busy the machine is.
        debug_mode=True,
    )


async def replay_everything(client: Client) -> None:
    """Replay every workflow of ours that the server knows.

    Outside the sandbox: they have run in it just before, and it takes half of the time.
    """
    await replayer(client.data_converter, UnsandboxedWorkflowRunner()).replay_workflows(
        _histories(client)
    )


async def _histories(client: Client) -> AsyncIterator[WorkflowHistory]:
    ours = {each.__name__ for each in worker.WORKFLOWS}
    async for found in client.list_workflows():
        if found.workflow_type in ours:  # tests write some for themselves
            handle = client.get_workflow_handle(found.id, run_id=found.run_id)
            try:
                history = await handle.fetch_history()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                continue  # deleted with its person; the list knows of it a moment longer
            yield history


async def decoded(history: WorkflowHistory, converter: DataConverter) -> dict[str, Any]:
    """Return the history as JSON with its payloads in clear: it outlives every key."""
    codec = converter.payload_codec
    assert codec is not None
    plain = history.to_json_dict()
    await _decode_in(plain, codec)
    return plain


async def _decode_in(node: Any, codec: Any) -> None:
    from google.protobuf import json_format
    from temporalio.api.common.v1 import Payload

    if isinstance(node, list):
        for each in node:
            await _decode_in(each, codec)
        return
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        if isinstance(value, dict) and "metadata" in value and "data" in value:
            payload = json_format.ParseDict(value, Payload())
            opened = (await codec.decode([payload]))[0]
            node[name] = json_format.MessageToDict(opened)
        elif (
            isinstance(value, list)
            and value
            and isinstance(value[0], dict)
            and ("metadata" in value[0] and "data" in value[0])
        ):
            payloads = [json_format.ParseDict(each, Payload()) for each in value]
            node[name] = [json_format.MessageToDict(o) for o in await codec.decode(payloads)]
        else:
            await _decode_in(value, codec)


def save(name: str, workflow_id: str, history: dict[str, Any]) -> Path:
    RECORDED.mkdir(parents=True, exist_ok=True)
    path = RECORDED / f"{name}.json"
    path.write_text(json.dumps({"workflow_id": workflow_id, **history}, indent=1) + "\n")
    return path

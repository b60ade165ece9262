"""What `SandboxRunner` relies on: nothing of ours encodes by context."""

from temporalio import workflow
from temporalio.converter import WorkflowSerializationContext

import worker
from domain.money import Money
from runtime.crypto import MasterKeys, new_master_key
from runtime.temporal import data_converter
from runtime.workflow_runner import SandboxRunner


def test_our_converter_knows_no_contexts() -> None:
    plain = data_converter(MasterKeys.parse(new_master_key("k1")))
    context = WorkflowSerializationContext(namespace="default", workflow_id="campaign:1")
    told = plain.with_context(context)
    values = [Money(minor=1, currency="USD"), "text", None]
    assert told.payload_converter.to_payloads(values) == plain.payload_converter.to_payloads(values)
    assert told.payload_codec is plain.payload_codec
    assert told.failure_converter is plain.failure_converter
    assert plain.external_storage is None


async def test_our_workflows_are_fit_for_the_sandbox() -> None:
    for each in worker.WORKFLOWS:
        definition = workflow._Definition.must_from_class(each)
        assert definition.sandboxed
        SandboxRunner().prepare_workflow(definition)

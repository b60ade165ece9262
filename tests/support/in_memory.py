"""A folder in memory, for what a run of tests throws away: databases, stores, logs."""

import os
import shutil
from pathlib import Path

_ROOM = 4 * 1024**3  # bytes; all of a run's servers together take some hundred million


def folder_in_memory() -> Path | None:
    """Return one that is large enough, if there is one; those of containers are often small."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or not os.access(memory, os.W_OK):
        return None
    runs_programs = not os.statvfs(memory).f_flag & os.ST_NOEXEC
    return memory if runs_programs and shutil.disk_usage(memory).free > _ROOM else None

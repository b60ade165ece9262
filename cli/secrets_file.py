"""The secrets of a local installation: made at the first start, kept, readable by nobody else."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from runtime.clock import system_now
from runtime.crypto import new_master_key
from runtime.key_ids import next_id
from runtime.signing import new_mandate_key


def ensure_secrets(state_dir: Path) -> dict[str, str]:
    """Return the secrets by environment variable, making those that are not there yet."""
    path, today = state_dir / "secrets.env", system_now().date()
    known = read_env_file(path)
    fresh: dict[str, Callable[[], str]] = {
        "PARKER_MASTER_KEYS": lambda: new_master_key(next_id((), "k", today)),
        "PARKER_HMAC_SECRET": lambda: secrets.token_urlsafe(48),
        "PARKER_MANDATE_KEYS": lambda: new_mandate_key(next_id((), "m", today)),
        "PARKER_SANDBOX_CONTROL_TOKEN": lambda: secrets.token_urlsafe(24),
    }
    missing = {name: make() for name, make in fresh.items() if not known.get(name)}
    if missing:
        write_env_file(path, known | missing)
    return known | missing


def read_env_file(path: Path) -> dict[str, str]:
    """Read NAME=value lines; nothing if there is no such file."""
    if not path.exists():
        return {}
    pairs = (line.partition("=") for line in path.read_text().splitlines())
    return {name: value for name, equals, value in pairs if equals and not name.startswith("#")}


def write_env_file(path: Path, values: dict[str, str]) -> None:
    """Write NAME=value lines for the owner's eyes only; whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
    draft.replace(path)

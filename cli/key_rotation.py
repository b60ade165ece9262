"""Exchanging the keys of an installation while it runs: the master key, and the one of mandates."""

import os
import sys
from collections.abc import Callable
from datetime import date
from enum import StrEnum

import typer
from pydantic import SecretStr

from cli.exits import Exit
from cli.output import complain, say
from cli.progress import tracked
from cli.secrets_file import read_env_file, write_env_file
from db.vault import vault_of
from runtime.clock import system_now
from runtime.crypto import DecryptionFailed, with_fresh_key
from runtime.settings import Settings, load_settings, variable
from runtime.signing import rotated


class Which(StrEnum):
    MASTER = "master"
    MANDATE = "mandate"


def rotate(which: Which, *, dry_run: bool) -> dict[str, object]:
    """Exchange a key, or finish what an earlier rotation did not get done; say what was done."""
    match which:
        case Which.MASTER:
            return rotate_master(load_settings(), dry_run=dry_run)
        case Which.MANDATE:
            return rotate_mandate(load_settings(require=("mandate_keys",)), dry_run=dry_run)


def rotate_master(settings: Settings, *, dry_run: bool = False) -> dict[str, object]:
    """Put a fresh master key in front and wrap every data key with it.

    What runs goes on meanwhile: a process that meets a key which it does not know reads the
    secrets anew. Cut off, the next call finishes before it makes another key.
    """
    vault = vault_of(settings)
    left = vault.keys_to_rewrap()
    fresh = not left
    if fresh:
        if dry_run:
            return {"fresh": True, "rewrapped": 0, "left": sum(1 for _ in vault.key_names())}
        keys = _write(settings, "master_keys", with_fresh_key)
        if keys is None:
            return {"fresh": False, "rewrapped": 0, "left": 0}
        vault = vault_of(settings.model_copy(update={"master_keys": SecretStr(keys)}))
        left = vault.keys_to_rewrap()
    if dry_run:
        return {"fresh": False, "rewrapped": 0, "left": len(left)}
    try:
        with tracked("Wrapping data keys", len(left)) as advance:
            done = vault.rotate_master_key(advance)
    except DecryptionFailed as error:
        complain(f"A data key does not open: {error}. Are all older master keys in the setting?")
        raise typer.Exit(Exit.FAILURE) from error
    return {"fresh": fresh, "rewrapped": done, "left": len(vault.keys_to_rewrap())}


def rotate_mandate(settings: Settings, *, dry_run: bool = False) -> dict[str, object]:
    """Put a fresh signing key in front; the public halves of the others go on checking."""
    if dry_run:
        return {"fresh": True}
    return {"fresh": _write(settings, "mandate_keys", rotated) is not None}


def _write(settings: Settings, name: str, exchange: Callable[[str, date], str]) -> str | None:
    """Write the new value beside the other secrets; where they are elsewhere, print it."""
    path, setting = settings.state_dir / "secrets.env", variable(name)
    known, fresh = read_env_file(path), exchange(settings.value_of(name), system_now().date())
    if known.get(setting) == settings.value_of(name) and setting not in os.environ:
        write_env_file(path, known | {setting: fresh})
        say(f"Written to {path}.")
        return fresh
    say(f"Set this as {setting}, keep it secret, restart worker and API, and call this again.")
    sys.stdout.write(fresh + "\n")
    return None

"""The master key is exchanged while everything runs."""

from pathlib import Path
from uuid import UUID, uuid4

from cli.key_rotation import rotate_mandate, rotate_master
from cli.secrets_file import ensure_secrets
from db.vault import vault_of
from runtime.clock import system_now
from runtime.settings import Settings, load_settings


def settings_in(folder: Path) -> Settings:
    values = ensure_secrets(folder) | {"PARKER_STATE_DIR": str(folder)}
    return load_settings(values, env_files=(), require=())


def test_the_master_key_is_exchanged_under_whoever_runs_and_goes_on_where_it_was_cut_off(
    tmp_path: Path,
) -> None:
    settings = settings_in(tmp_path)
    running = vault_of(settings)
    keys = {person: running.key_of(person, person) for person in (uuid4() for _ in range(5))}
    assert rotate_master(settings, dry_run=True) == {"fresh": True, "rewrapped": 0, "left": 5}
    assert rotate_master(settings) == {"fresh": True, "rewrapped": 5, "left": 0}
    # Who started before has only the older key in hand, and reads the newer where it was put.
    assert {person: vault_of(settings).key_of(person, person) for person in keys} == keys
    now = settings_in(tmp_path)
    assert now.keys.current_id == f"k2-{system_now():%Y%m%d}"
    # What was written meanwhile with the older one is found by the next call, which makes no key.
    late = UUID(int=7)
    late_key = running.key_of(late, late)
    assert rotate_master(now) == {"fresh": False, "rewrapped": 1, "left": 0}
    assert vault_of(now).key_of(late, late) == late_key
    assert settings_in(tmp_path).keys.current_id == now.keys.current_id


def test_the_key_of_mandates_is_exchanged_and_the_old_one_goes_on_checking(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    key_id, signature = settings.mandate_signing.sign(b"a consent")
    assert rotate_mandate(settings) == {"fresh": True}
    now = settings_in(tmp_path).mandate_signing
    assert now.current_id == f"m2-{system_now():%Y%m%d}"
    assert now.server_signed(key_id, b"a consent", signature)

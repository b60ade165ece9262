"""Whether secrets are those that a backup was made under, found out without having them in it."""

from runtime.crypto import DecryptionFailed, hmac_hex, new_data_key, unwrap, wrap
from runtime.settings import Settings


def check_of(settings: Settings) -> str:
    """Return what opens only with the master key, and beside the secret, that are in use now."""
    return wrap(new_data_key(), settings.keys, _subject(settings))


def opens_with(settings: Settings, check: str) -> bool:
    """Say whether these settings have the master key and the secret of a backup."""
    try:
        unwrap(check, settings.keys, _subject(settings))
    except DecryptionFailed:
        return False
    return True


def _subject(settings: Settings) -> str:
    return f"backup:{hmac_hex(settings.api_key_pepper, 'backup')}"

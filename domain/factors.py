"""Second factors: what proves a person besides a password, and what one proof is good for."""

import hmac
from datetime import datetime, timedelta

import pyotp

from domain.values import Value

RECOVERY_CODES = 10
RECOVERY_CODE_BYTES = 10
CODE_DIGITS = 6
CODE_SECONDS = 30
# Telephones' clocks are off and people type slowly: the code before and the one after count too.
_STEPS_AROUND = 1
# No letter that is read as another or as a number; 32 of them, so that every byte is as likely.
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_GROUP = 5
FREE_TRIES = 5
"""So many wrong codes are slips; at the last of them the owner is told."""
_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(minutes=15)
_FORGOTTEN_AFTER = timedelta(hours=24)


class Factors(Value):
    """What a person has besides a password."""

    totp: bool = False
    passkeys: int = 0
    codes_left: int = 0

    @property
    def any(self) -> bool:
        """Say whether a password alone is not enough. Recovery codes only stand in for others."""
        return self.totp or self.passkeys > 0

    @property
    def count(self) -> int:
        return int(self.totp) + self.passkeys


def accepted_step(secret: str, code: str, now: datetime, last_step: int | None) -> int | None:
    """Return the time step that a code belongs to, or None: wrong, too old, or used before.

    A code counts once: only steps after the last one that was used are looked at.
    """
    if len(code) != CODE_DIGITS or not (code.isascii() and code.isdigit()):
        return None
    totp = pyotp.TOTP(secret, digits=CODE_DIGITS, interval=CODE_SECONDS)
    current = int(now.timestamp()) // CODE_SECONDS
    found = None
    # All are compared, whatever the first one says: how long it takes tells nothing.
    for step in range(current - _STEPS_AROUND, current + _STEPS_AROUND + 1):
        if hmac.compare_digest(totp.generate_otp(step), code) and step > (last_step or 0):
            found = step
    return found


def provisioning_uri(secret: str, account: str, issuer: str) -> str:
    """Return what the QR code says to an authenticator app."""
    return pyotp.TOTP(secret, digits=CODE_DIGITS, interval=CODE_SECONDS).provisioning_uri(
        name=account, issuer_name=issuer
    )


def grouped(text: str, size: int = 4) -> str:
    """Part a long text into groups, so that a person can copy it by hand."""
    return " ".join(text[at : at + size] for at in range(0, len(text), size))


def recovery_code(chance: bytes) -> str:
    """Write ten random bytes as a code of two groups: `K7QXN-4MHTB`."""
    letters = "".join(_LETTERS[byte % len(_LETTERS)] for byte in chance[:RECOVERY_CODE_BYTES])
    return f"{letters[:_GROUP]}-{letters[_GROUP:]}"


def read_recovery_code(text: str) -> str | None:
    """Return a code as we wrote it, however it was typed; None if it cannot be one."""
    letters = "".join(text.split()).replace("-", "").upper()
    if len(letters) != 2 * _GROUP or not set(letters) <= set(_LETTERS):
        return None
    return f"{letters[:_GROUP]}-{letters[_GROUP:]}"


def wait_until(failures: int, last_failed_at: datetime) -> datetime:
    """Return when another code may be tried: at once at first, then after longer and longer.

    It never grows past a quarter of an hour, so that whoever guesses gets nowhere and whoever
    owns the account is not locked out.
    """
    if failures < FREE_TRIES:
        return last_failed_at
    doubled: int = 1 << min(failures - FREE_TRIES, 10)
    return last_failed_at + min(_FIRST_WAIT * doubled, _LONGEST_WAIT)


def failures_still_counted(failures: int, last_failed_at: datetime, now: datetime) -> int:
    """Forget failures after a day without one."""
    return 0 if now - last_failed_at >= _FORGOTTEN_AFTER else failures


def is_fresh(shown_at: datetime | None, now: datetime, lasts: timedelta) -> bool:
    """Say whether a factor that was shown then still counts; the future counts for nothing."""
    return shown_at is not None and timedelta(0) <= now - shown_at < lasts

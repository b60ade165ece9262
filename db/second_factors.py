"""Second factors that are codes: set up, shown, used up. Each call is part of a transaction."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import pyotp
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.second_factor import TotpFactorRow
from db.queries import factors, passkeys
from db.vault import PersonalVault
from domain.factors import (
    RECOVERY_CODE_BYTES,
    RECOVERY_CODES,
    accepted_step,
    failures_still_counted,
    read_recovery_code,
    recovery_code,
    wait_until,
)
from domain.ids import UserId
from runtime.crypto import hmac_hex

_TABLE, _COLUMN = "totp_factors", "secret"


class CodeKind(StrEnum):
    TOTP = "totp"
    RECOVERY = "recovery"


@dataclass(frozen=True)
class CodeAnswer:
    """What became of a code: what it was, or None; and how many were wrong one after the other.

    `not_before`: nothing was looked at, too many were wrong; try again then.
    """

    kind: CodeKind | None = None
    not_before: datetime | None = None
    failures: int = 0


class SecondFactors:
    """Apps and recovery codes of people. Each call works inside the caller's transaction."""

    def __init__(self, vault: PersonalVault, pepper: str) -> None:
        self._vault, self._pepper = vault, pepper

    async def begin_app(self, session: AsyncSession, user_id: UserId, now: datetime) -> bool:
        """Make a secret for an authenticator app; False if the person has an app already."""
        secret = pyotp.random_base32()
        sealed = await self._vault.seal(
            session, user_id, secret, table=_TABLE, column=_COLUMN, row_id=user_id
        )
        return await factors.keep_totp(session, user_id, sealed, now)

    async def pending_app(self, session: AsyncSession, user_id: UserId) -> str | None:
        """Return the secret that waits for its first code."""
        row = await factors.get_totp(session, user_id)
        if row is None or row.confirmed_at is not None:
            return None
        return await self._secret(session, row)

    async def confirm_app(
        self, session: AsyncSession, user_id: UserId, code: str, now: datetime
    ) -> bool:
        """Let the app count from now on, if this is a code of it."""
        row = await factors.get_totp(session, user_id, lock=True)
        if row is None or row.confirmed_at is not None:
            return False
        step = accepted_step(await self._secret(session, row), _digits(code), now, None)
        if step is None:
            return False
        row.confirmed_at, row.last_step = now, step
        return True

    async def check_code(
        self, session: AsyncSession, user_id: UserId, typed: str, *, place: str, now: datetime
    ) -> CodeAnswer:
        """Take a code of the app or a recovery code. Commit whatever the answer: it was counted.

        `place` is where it was typed, so that guessing at one place slows no other one down.
        """
        count = await factors.lock_failures(session, user_id, place, now)
        failures = failures_still_counted(count.failures, count.last_failed_at, now)
        if failures and now < (opens := wait_until(failures, count.last_failed_at)):
            return CodeAnswer(not_before=opens, failures=failures)
        kind = await self._kind_of(session, user_id, typed, now)
        if kind is not None:
            await factors.forget_failures(session, user_id, place)
            return CodeAnswer(kind)
        count.failures, count.last_failed_at = failures + 1, now
        return CodeAnswer(failures=failures + 1)

    async def new_codes(
        self, session: AsyncSession, user_id: UserId, now: datetime
    ) -> tuple[str, ...]:
        """Make ten recovery codes in the place of all older ones; they are returned this once."""
        codes = tuple(
            recovery_code(secrets.token_bytes(RECOVERY_CODE_BYTES)) for _ in range(RECOVERY_CODES)
        )
        hashes = [self._code_hash(user_id, code) for code in codes]
        await factors.replace_recovery_codes(session, user_id, hashes, now)
        return codes

    async def _kind_of(
        self, session: AsyncSession, user_id: UserId, typed: str, now: datetime
    ) -> CodeKind | None:
        row = await factors.get_totp(session, user_id, lock=True)
        if row is not None and row.confirmed_at is not None:
            secret = await self._secret(session, row)
            step = accepted_step(secret, _digits(typed), now, row.last_step)
            if step is not None:
                row.last_step = step
                return CodeKind.TOTP
        code = read_recovery_code(typed)
        if code is None:
            return None
        hashed = self._code_hash(user_id, code)
        used = await factors.use_recovery_code(session, user_id, hashed, now)
        return CodeKind.RECOVERY if used else None

    async def _secret(self, session: AsyncSession, row: TotpFactorRow) -> str:
        return await self._vault.open(
            session,
            UserId(row.user_id),
            row.secret_encrypted,
            table=_TABLE,
            column=_COLUMN,
            row_id=row.user_id,
        )

    def _code_hash(self, user_id: UserId, code: str) -> str:
        return hmac_hex(self._pepper, f"recovery-code:{user_id}:{code}")


async def forget_factors(session: AsyncSession, user_id: UserId, now: datetime) -> None:
    """Take away all that the person had besides a password."""
    await factors.delete_totp(session, user_id)
    await passkeys.delete_passkeys(session, user_id)
    await factors.replace_recovery_codes(session, user_id, (), now)


def _digits(typed: str) -> str:
    return "".join(typed.split())

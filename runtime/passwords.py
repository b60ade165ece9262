"""Hashing passwords: argon2id, in a thread, a few at a time, as long for nobody's as for ours."""

import asyncio
from dataclasses import dataclass
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

# Each takes the memory of the settings while it runs; more at once would only wait for a core.
_AT_ONCE = 4


@dataclass(frozen=True)
class Verdict:
    """Whether a password is right; `new_hash` replaces one made with older parameters."""

    right: bool
    new_hash: str | None = None


class Passwords:
    """Makes and checks hashes with the parameters of the installation."""

    def __init__(self, *, memory_kib: int, rounds: int, lanes: int) -> None:
        self._hasher = PasswordHasher(
            time_cost=rounds, memory_cost=memory_kib, parallelism=lanes, hash_len=32, salt_len=16
        )
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def hash(self, password: str) -> str:
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def check(self, known: str | None, password: str) -> Verdict:
        """Check a password; without a hash to check against it takes as long, and is wrong."""
        async with self._turns:
            return await asyncio.to_thread(self._check, known, password)

    def _check(self, known: str | None, password: str) -> Verdict:
        try:
            self._hasher.verify(known or self._nobodys, password)
        except (VerifyMismatchError, InvalidHashError):
            return Verdict(right=False)
        if known is None:
            return Verdict(right=False)
        outdated = self._hasher.check_needs_rehash(known)
        return Verdict(right=True, new_hash=self._hasher.hash(password) if outdated else None)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash("nobody has this password")

"""Hashes of passwords: argon2id, renewed when the parameters grow, and no faster for nobody."""

from typing import Literal

import pytest
from argon2 import Parameters, PasswordHasher, extract_parameters

from runtime import passwords
from runtime.passwords import Passwords

WEAK = Passwords(memory_kib=64, rounds=1, lanes=1)
STRONG = Passwords(memory_kib=128, rounds=2, lanes=1)


async def test_a_hash_is_argon2id_salted_and_checked() -> None:
    one, two = await WEAK.hash("correct horse"), await WEAK.hash("correct horse")
    assert one.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert one != two
    assert (await WEAK.check(one, "correct horse")).right
    assert not (await WEAK.check(one, "correct house")).right
    assert not (await WEAK.check("not a hash", "correct horse")).right


async def test_a_right_password_is_hashed_again_when_the_parameters_have_changed() -> None:
    old = await WEAK.hash("correct horse")
    verdict = await STRONG.check(old, "correct horse")
    assert verdict.right
    assert verdict.new_hash is not None
    assert verdict.new_hash.startswith("$argon2id$v=19$m=128,t=2")
    assert await STRONG.check(verdict.new_hash, "correct horse") == await STRONG.check(
        await STRONG.hash("correct horse"), "correct horse"
    )
    assert (await STRONG.check(old, "correct house")).new_hash is None


async def test_nobodys_password_takes_as_much_work_as_somebodys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worked: list[Parameters] = []

    class Watched(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002  # its name there
            worked.append(extract_parameters(str(hash)))
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "PasswordHasher", Watched)
    strong = Passwords(memory_kib=128, rounds=2, lanes=1)
    known = await strong.hash("correct horse")
    assert not (await strong.check(known, "wrong horse")).right
    assert not (await strong.check(None, "wrong horse")).right
    assert not (await strong.check(None, "nobody has this password")).right
    somebodys, *nobodys = worked
    assert (somebodys.time_cost, somebodys.memory_cost) == (2, 128)
    assert nobodys == [somebodys, somebodys]

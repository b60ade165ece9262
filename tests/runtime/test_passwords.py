"""Hashes of passwords: argon2id, renewed when the parameters grow, and no faster for nobody."""

import time

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


async def test_nobodys_password_takes_as_long_as_somebodys() -> None:
    slow = Passwords(memory_kib=16 * 1024, rounds=2, lanes=1)
    known = await slow.hash("correct horse")
    assert not (await slow.check(None, "nobody has this password")).right

    async def least(hashed: str | None) -> float:
        spans = []
        for _ in range(5):
            began = time.perf_counter()
            await slow.check(hashed, "wrong horse")
            spans.append(time.perf_counter() - began)
        return min(spans)

    somebody, nobody = await least(known), await least(None)
    assert 0.5 < nobody / somebody < 2

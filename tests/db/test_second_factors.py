import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pyotp
import pytest
from key_folder import KEYS_DIR
from sqlalchemy import text

from db.models.passkey import PasskeyRow
from db.queries import passkeys
from db.queries.factors import delete_totp, factors_of, get_totp
from db.second_factors import CodeAnswer, CodeKind, SecondFactors, forget_factors
from db.session import Database, SystemActor
from db.vault import PersonalVault
from domain.factors import Factors
from domain.ids import UserId
from runtime.crypto import MasterKeys, new_master_key
from runtime.key_store import KeyStore

PEPPER = "p" * 40
MINUTE = timedelta(minutes=1)


class Keeper:
    """Somebody with an account, and what they do with codes."""

    def __init__(self, database: Database, user_id: UserId, now: datetime) -> None:
        self.database, self.user_id, self.now = database, user_id, now
        vault = PersonalVault(MasterKeys.parse(new_master_key("k1")), KeyStore(KEYS_DIR))
        self.desk = SecondFactors(vault, PEPPER)
        self.secret = ""

    async def begin(self) -> bool:
        async with self.database.transaction(self.user_id) as session:
            begun = await self.desk.begin_app(session, self.user_id, self.now)
            self.secret = await self.desk.pending_app(session, self.user_id) or ""
        return begun

    async def confirm(self, code: str) -> bool:
        async with self.database.transaction(self.user_id) as session:
            return await self.desk.confirm_app(session, self.user_id, code, self.now)

    async def with_app(self) -> "Keeper":
        assert await self.begin()
        assert await self.confirm(self.code(-1))
        return self

    async def codes(self) -> tuple[str, ...]:
        async with self.database.transaction(self.user_id) as session:
            return await self.desk.new_codes(session, self.user_id, self.now)

    async def check(self, typed: str, place: str = "sign-in") -> CodeAnswer:
        async with self.database.transaction(self.user_id) as session:
            return await self.desk.check_code(
                session, self.user_id, typed, place=place, now=self.now
            )

    async def factors(self) -> Factors:
        async with self.database.transaction(self.user_id) as session:
            return await factors_of(session, self.user_id)

    def code(self, steps: int = 0) -> str:
        return pyotp.TOTP(self.secret).at(self.now + steps * timedelta(seconds=30))

    def wrong(self) -> str:
        near = {self.code(n) for n in range(-2, 3)}
        return next(code for code in ("000000", "111111", "222222") if code not in near)


@pytest.fixture
async def ana(database: Database, app_database: Database, cast: Any, now: datetime) -> Keeper:
    async with database.transaction(SystemActor("test")) as session:
        user_id = await cast.person(session)
    return Keeper(app_database, user_id, now)


async def test_an_app_counts_once_its_first_code_was_typed(ana: Keeper):
    assert await ana.begin()
    first = ana.secret
    assert not (await ana.factors()).any
    assert await ana.check(ana.code()) == CodeAnswer(failures=1)
    assert not await ana.confirm(ana.wrong())
    assert await ana.begin()  # begun anew, the first secret is gone
    assert ana.secret != first
    assert await ana.confirm(f" {ana.code()[:3]} {ana.code()[3:]} ")
    assert (await ana.factors()).totp
    assert not await ana.confirm(ana.code(1))
    # An app that counts is not written over, and its secret is not told again.
    assert not await ana.begin()
    assert ana.secret == ""
    async with ana.database.transaction(ana.user_id) as session:
        row = await get_totp(session, ana.user_id)
        assert row is not None
        assert row.secret_encrypted.startswith("f1.")
        assert await delete_totp(session, ana.user_id)
        assert not await delete_totp(session, ana.user_id)


async def test_a_code_is_good_once_even_at_the_same_instant(ana: Keeper):
    await ana.with_app()
    answers = await asyncio.gather(*(ana.check(ana.code(), f"place {n}") for n in range(4)))
    assert sorted(answer.kind is CodeKind.TOTP for answer in answers) == [False, False, False, True]
    # The code that confirmed the app was used by that.
    assert (await ana.check(ana.code(-1), "elsewhere")).kind is None


async def test_recovery_codes_are_good_once_each_and_new_ones_replace_them(ana: Keeper, cast: Any):
    await ana.with_app()
    codes = await ana.codes()
    assert len(set(codes)) == 10
    assert (await ana.check(codes[0].lower().replace("-", " "))).kind is CodeKind.RECOVERY
    assert (await ana.check(codes[0])).kind is None
    assert (await ana.factors()).codes_left == 9
    fresh = await ana.codes()
    assert (await ana.check(codes[1])).kind is None
    assert (await ana.check(fresh[1])).kind is CodeKind.RECOVERY
    async with ana.database.transaction(ana.user_id) as session:
        stored = str((await session.execute(text("SELECT * FROM recovery_codes"))).all())
    assert not any(code in stored for code in fresh)


async def test_wrong_codes_make_one_wait_at_that_place_only(ana: Keeper):
    await ana.with_app()
    for failures in range(1, 6):
        assert await ana.check(ana.wrong()) == CodeAnswer(failures=failures)
    held = await ana.check(ana.code())
    assert held == CodeAnswer(not_before=ana.now + timedelta(seconds=30), failures=5)
    assert (await ana.check(ana.code(), "step-up")).kind is CodeKind.TOTP
    ana.now += MINUTE
    assert (await ana.check(ana.code())).kind is CodeKind.TOTP
    # A good code wipes the slate.
    assert (await ana.check(ana.wrong())).failures == 1
    ana.now += timedelta(hours=25)
    assert (await ana.check(ana.wrong())).failures == 1


async def test_guesses_at_the_same_instant_are_counted_one_by_one(ana: Keeper):
    await ana.with_app()
    answers = await asyncio.gather(*(ana.check(ana.wrong()) for _ in range(9)))
    assert sorted(answer.failures for answer in answers) == [1, 2, 3, 4, 5, 5, 5, 5, 5]
    assert sum(answer.not_before is not None for answer in answers) == 4


async def test_forgetting_takes_every_factor_away(ana: Keeper, now: datetime):
    await ana.with_app()
    await ana.codes()
    async with ana.database.transaction(ana.user_id) as session:
        assert await passkeys.add_passkey(session, _passkey(ana.user_id, b"one", now))
    assert await ana.factors() == Factors(totp=True, passkeys=1, codes_left=10)
    async with ana.database.transaction(ana.user_id) as session:
        await forget_factors(session, ana.user_id, now)
    assert await ana.factors() == Factors()


def _passkey(user_id: UserId, credential: bytes, now: datetime) -> PasskeyRow:
    return PasskeyRow(
        id=uuid4(),
        user_id=user_id,
        credential_id=credential,
        public_key=b"key",
        sign_count=3,
        transports=["internal"],
        backed_up=True,
        name_encrypted="sealed",
        created_at=now,
    )


async def test_a_passkey_is_found_by_its_credential_and_seen_by_its_owner_only(
    ana: Keeper, database: Database, cast: Any, now: datetime
):
    async with database.transaction(SystemActor("test")) as session:
        ben = await cast.person(session)
    row = _passkey(ana.user_id, b"\x01credential", now)
    async with ana.database.transaction(ana.user_id) as session:
        assert await passkeys.add_passkey(session, row)
    async with ana.database.transaction(SystemActor("api")) as session:
        found = await passkeys.find_passkey(session, b"\x01credential")
        assert found == passkeys.PasskeyIds(row.id, ana.user_id)
        assert await passkeys.find_passkey(session, b"other") is None
        assert await passkeys.list_passkeys(session, ana.user_id) == []
    async with ana.database.transaction(ben) as session:
        # Not told apart from somebody else's authenticator: one credential, one account.
        assert not await passkeys.add_passkey(session, _passkey(ben, b"\x01credential", now))
        assert await passkeys.get_passkey(session, ana.user_id, row.id) is None
        assert not await passkeys.delete_passkey(session, ana.user_id, row.id)
    async with ana.database.transaction(ana.user_id) as session:
        assert [one.id for one in await passkeys.list_passkeys(session, ana.user_id)] == [row.id]
        assert await passkeys.get_passkey(session, ben, row.id) is None
        assert await passkeys.delete_passkey(session, ana.user_id, row.id)


async def test_a_question_is_answered_once_by_whom_it_was_asked_and_in_time(
    app_database: Database, now: datetime
):
    async def keep(asked: str, bound: str = "ana") -> None:
        async with app_database.transaction(SystemActor("api")) as session:
            await passkeys.keep_challenge(session, asked, bound, now + 5 * MINUTE, now)

    async def take(asked: str, bound: str = "ana", at: datetime = now) -> bool:
        async with app_database.transaction(SystemActor("api")) as session:
            return await passkeys.take_challenge(session, asked, bound, at)

    await keep("q1")
    assert not await take("q1", "ben")
    assert sorted(await asyncio.gather(*(take("q1") for _ in range(4)))) == [False] * 3 + [True]
    await keep("q2")
    assert not await take("q2", at=now + 5 * MINUTE)
    # Put again, it is good for one answer all the same, and what has run out is swept away.
    await keep("q2")
    assert await take("q2")
    async with app_database.transaction(SystemActor("api")) as session:
        await passkeys.keep_challenge(session, "old", "ana", now, now - MINUTE)
        await passkeys.keep_challenge(session, "new", "ana", now + MINUTE, now)
        count = await session.scalar(text("SELECT count(*) FROM passkey_challenges"))
    assert count == 1

"""Passkeys below the pages: what is asked, what counts, and what must never count."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import webauthn
from authenticator import Authenticator, decoded, encoded
from key_folder import KEYS_DIR
from sqlalchemy import text

from api.health import ProviderWatch
from api.live import LiveFeed
from api.services import Services, TemporalLink
from api.web import passkeys
from api.web.passkeys import Assertion, PasskeyRefused, Purpose, Question, relying_party
from db.accounts import ensure_account
from db.session import Database, SystemActor
from db.vault import vault_of
from domain.ids import UserId
from providers.registry import build_providers
from runtime.clock import system_now
from runtime.crypto import new_master_key
from runtime.settings import Settings, load_settings

PEPPER = "p" * 40


def settings_with(database_url: str, **more: str) -> Settings:
    values = {
        "PARKER_APP_ENV": "test",
        "PARKER_DATABASE_URL": database_url,
        "PARKER_MASTER_KEYS": new_master_key("k1"),
        "PARKER_KEYS_DIR": str(KEYS_DIR),
        "PARKER_HMAC_SECRET": PEPPER,
        **more,
    }
    return load_settings(values, env_files=())


@dataclass
class Clock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Desk:
    """What the pages do with passkeys, for one person."""

    services: Services
    clock: Clock
    user_id: UserId
    session_id: UUID

    async def register(self, device: Authenticator, answer: str | None = None) -> Any:
        async with self.services.database.transaction(self.user_id) as session:
            options = await passkeys.begin_registration(
                session, self.services, self.user_id, subject=self.session_id, account="a@b.example"
            )
        given = answer or device.register(options)
        async with self.services.database.transaction(self.user_id) as session:
            return await passkeys.finish_registration(
                session, self.services, self.user_id,
                subject=self.session_id, answer=given, name=" Ana's  laptop ",
            )  # fmt: skip

    async def ask(self, question: Question, challenge: bytes | None = None) -> str:
        async with self.services.database.transaction(self.user_id) as session:
            return await passkeys.begin_assertion(
                session, self.services, self.user_id, question, challenge=challenge
            )

    async def hear(self, question: Question, answer: str) -> Assertion:
        async with self.services.database.transaction(self.user_id) as session:
            return await passkeys.finish_assertion(
                session, self.services, self.user_id, question, answer=answer
            )

    @property
    def step_up(self) -> Question:
        return Question(Purpose.STEP_UP, self.session_id)

    def other(self, user_id: UserId) -> "Desk":
        return Desk(self.services, self.clock, user_id, uuid4())


@pytest.fixture
async def desk(database: Database, database_url: str) -> AsyncIterator[Desk]:
    settings, clock = settings_with(database_url), Clock(system_now())
    async with AsyncExitStack() as opened:
        app = Database(database_url, role="parker_app", pool_size=3)
        opened.push_async_callback(app.close)
        providers = await build_providers(settings)
        opened.push_async_callback(providers.aclose)
        services = Services(
            settings=settings,
            database=app,
            vault=vault_of(settings, clock=clock),
            temporal=TemporalLink(settings),
            cards=providers.vault,
            live=LiveFeed(app),
            clock=clock,
            providers_watch=ProviderWatch(),
        )
        yield Desk(services, clock, await _person(database, services, "ana"), uuid4())


async def _person(database: Database, services: Services, name: str) -> UserId:
    async with database.transaction(SystemActor("test")) as session:
        return await ensure_account(
            session,
            services.vault,
            email=f"{name}@example.com",
            pepper=PEPPER,
            now=services.clock(),
        )


@pytest.fixture
def device(desk: Desk) -> Authenticator:
    party = relying_party(desk.services.settings)
    assert party is not None
    return Authenticator(party.origin)


@pytest.mark.parametrize(
    ("address", "party"),
    [
        ({}, "localhost"),
        ({"PARKER_PUBLIC_URL": "https://fly.example:8443/"}, "fly.example"),
        ({"PARKER_PUBLIC_URL": "http://127.0.0.1:8000"}, None),
        ({"PARKER_PUBLIC_URL": "http://[::1]:8000"}, None),
    ],
)
def test_we_are_who_our_address_says(address: dict[str, str], party: str | None):
    found = relying_party(settings_with("postgresql://nobody@localhost/none", **address))
    assert (found.id if found else None) == party
    if found and address:
        assert found.origin == "https://fly.example:8443"


async def test_a_passkey_signs_in_steps_up_and_signs_what_it_is_given(
    desk: Desk, device: Authenticator
):
    row = await desk.register(device)
    async with desk.services.database.transaction(desk.user_id) as session:
        assert await passkeys.passkey_names(session, desk.services, [row]) == ["Ana's laptop"]
        assert "laptop" not in str((await session.execute(text("SELECT * FROM passkeys"))).all())

    stepped = await desk.hear(desk.step_up, device.answer(await desk.ask(desk.step_up)))
    assert stepped.user_verified

    options = await passkeys.begin_sign_in(desk.services, "visit-1")
    assert json.loads(options)["allowCredentials"] == []
    signed_in = await passkeys.finish_sign_in(desk.services, "visit-1", device.answer(options))
    assert signed_in.user_id == desk.user_id

    mandate, challenge = Question(Purpose.MANDATE, uuid4()), bytes(range(32))
    signed = await desk.hear(mandate, device.answer(await desk.ask(mandate, challenge)))
    # What is kept proves it again, without us and without the database.
    checked = webauthn.verify_authentication_response(
        credential={
            "id": encoded(signed.credential_id),
            "rawId": encoded(signed.credential_id),
            "type": "public-key",
            "response": {
                "clientDataJSON": encoded(signed.client_data),
                "authenticatorData": encoded(signed.authenticator_data),
                "signature": encoded(signed.signature),
            },
        },
        expected_challenge=challenge,
        expected_rp_id=signed.relying_party,
        expected_origin=device.origin,
        credential_public_key=signed.public_key,
        credential_current_sign_count=0,
        require_user_verification=True,
    )
    assert checked.user_verified


async def test_an_answer_counts_once_for_what_was_asked_and_in_time(
    desk: Desk, device: Authenticator
):
    await desk.register(device)
    answer = device.answer(await desk.ask(desk.step_up))
    with pytest.raises(PasskeyRefused, match="too long, or it was sent twice"):
        await desk.hear(Question(Purpose.MANDATE, desk.session_id), answer)
    with pytest.raises(PasskeyRefused, match="sent twice"):
        await desk.hear(Question(Purpose.STEP_UP, uuid4()), answer)
    with pytest.raises(PasskeyRefused, match="sent twice"):
        await passkeys.finish_sign_in(desk.services, str(desk.session_id), answer)
    await desk.hear(desk.step_up, answer)
    with pytest.raises(PasskeyRefused, match="sent twice"):
        await desk.hear(desk.step_up, answer)

    late = device.answer(await desk.ask(desk.step_up))
    desk.clock.now += timedelta(minutes=5)
    with pytest.raises(PasskeyRefused, match="too long"):
        await desk.hear(desk.step_up, late)

    # A mandate is read before it is signed.
    mandate = Question(Purpose.MANDATE, uuid4())
    read = device.answer(await desk.ask(mandate, bytes(32)))
    unread = device.answer(await desk.ask(mandate, bytes([1]) * 32))
    desk.clock.now += timedelta(minutes=29)
    await desk.hear(mandate, read)
    desk.clock.now += timedelta(minutes=1)
    with pytest.raises(PasskeyRefused, match="too long"):
        await desk.hear(mandate, unread)

    options = await passkeys.begin_sign_in(desk.services, "her browser")
    with pytest.raises(PasskeyRefused, match="sent twice"):
        await passkeys.finish_sign_in(desk.services, "his browser", device.answer(options))


async def test_what_does_not_prove_the_person_does_not_count(
    desk: Desk, device: Authenticator, database: Database
):
    for bad in (Authenticator(device.origin, verifies=False), Authenticator("http://evil.example")):
        with pytest.raises(PasskeyRefused, match="does not count"):
            await desk.register(bad)
    await desk.register(device)

    async def answered(by: Authenticator) -> Assertion:
        return await desk.hear(desk.step_up, by.answer(await desk.ask(desk.step_up)))

    for name, value in (("verifies", False), ("origin", "http://evil.example")):
        before = getattr(device, name)
        setattr(device, name, value)
        with pytest.raises(PasskeyRefused, match="does not count"):
            await answered(device)
        setattr(device, name, before)
    forger = Authenticator(device.origin, credential_id=device.credential_id)
    with pytest.raises(PasskeyRefused, match="does not count"):
        await answered(forger)
    await answered(device)
    # A copy of an authenticator that counts is behind the one that was used.
    device.count -= 1
    with pytest.raises(PasskeyRefused, match="does not count"):
        await answered(device)

    ben = desk.other(await _person(database, desk.services, "ben"))
    with pytest.raises(PasskeyRefused, match="You have no passkey here"):
        await ben.ask(ben.step_up)
    await ben.register(Authenticator(device.origin))
    with pytest.raises(PasskeyRefused, match="does not belong to your account"):
        await ben.hear(ben.step_up, device.answer(await ben.ask(ben.step_up)))
    with pytest.raises(PasskeyRefused, match="registered already"):
        await ben.register(device)
    # As one account's passkey that says it is another's.
    device.user_handle = ben.user_id.bytes
    options = await passkeys.begin_sign_in(desk.services, "visit")
    with pytest.raises(PasskeyRefused, match="another account"):
        await passkeys.finish_sign_in(desk.services, "visit", device.answer(options))
    stranger = Authenticator(device.origin).answer(options)
    with pytest.raises(PasskeyRefused, match="do not know this passkey"):
        await passkeys.finish_sign_in(desk.services, "visit", stranger)


async def test_an_authenticator_that_does_not_count_is_fine(desk: Desk, device: Authenticator):
    device.counts = False
    await desk.register(device)
    for _ in range(2):
        await desk.hear(desk.step_up, device.answer(await desk.ask(desk.step_up)))


@pytest.mark.parametrize("part", ["clientDataJSON", "authenticatorData", "signature"])
async def test_one_changed_byte_anywhere_and_the_answer_does_not_count(
    desk: Desk, device: Authenticator, part: str
):
    await desk.register(device)
    length = len(decoded(json.loads(device.answer(await desk.ask(desk.step_up)))["response"][part]))
    for place in range(0, length, 7):
        sent = json.loads(device.answer(await desk.ask(desk.step_up)))
        raw = bytearray(decoded(sent["response"][part]))
        raw[place % len(raw)] ^= 0x01
        sent["response"][part] = encoded(bytes(raw))
        with pytest.raises(PasskeyRefused):
            await desk.hear(desk.step_up, json.dumps(sent))


@pytest.mark.parametrize(
    "answer",
    ["", "null", "[]", "{}", "x" * 20_000, '{"id": 1}', '{"id":"a","rawId":"a","type":"public-key","response":{}}',
     '{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"","signature":"","attestationObject":""}}'],
)  # fmt: skip
async def test_rubbish_is_refused_in_words(desk: Desk, device: Authenticator, answer: str):
    await desk.register(device)
    await desk.ask(desk.step_up)
    with pytest.raises(PasskeyRefused):
        await desk.hear(desk.step_up, answer)
    with pytest.raises(PasskeyRefused):
        await desk.register(Authenticator(device.origin), answer or "{}")
    with pytest.raises(PasskeyRefused):
        await passkeys.finish_sign_in(desk.services, "visit", answer)

"""The vault of personal data against a real Postgres."""

import asyncio
from datetime import UTC, date, datetime
from uuid import uuid4

import psycopg
import pytest

from db.accounts import ensure_account
from db.queries.travelers import add_traveler
from db.session import Database, SystemActor
from db.vault import NoSuchTraveler, PersonalVault
from domain.ids import TravelerId, UserId
from domain.travelers import TravelerDetails, TravelerDocument
from runtime.crypto import DecryptionFailed, MasterKeys, new_master_key

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TESTS = SystemActor("tests")
OLD = new_master_key("old")
DETAILS = TravelerDetails(
    given_name="Ana",
    family_name="Souza",
    born_on=date(1990, 4, 12),
    gender="f",
    title="ms",
    email="ana@example.com",
    phone="+351912345678",
    documents=(
        TravelerDocument(
            kind="passport",
            number="CA123456",
            issuing_country="PT",
            expires_on=date(2031, 8, 1),
        ),
        TravelerDocument(kind="known_traveler_number", number="98765", issuing_country="US"),
    ),
    loyalty=(("TP", "512345678"),),
)


def vault_of(*keys: str) -> PersonalVault:
    return PersonalVault(MasterKeys.parse(",".join(keys)), clock=lambda: NOW)


async def person(database: Database, vault: PersonalVault, email: str = "a@example.com") -> UserId:
    async with database.transaction(TESTS) as session:
        return await ensure_account(session, vault, email=email, pepper="p", now=NOW)


async def traveler(database: Database, vault: PersonalVault, owner: UserId) -> TravelerId:
    traveler_id = TravelerId(uuid4())
    async with database.transaction(owner) as session:
        sealed = await vault.seal_traveler(session, owner, traveler_id, DETAILS, NOW, label="Me")
        await add_traveler(session, sealed.traveler, sealed.documents)
    return traveler_id


async def test_a_traveller_comes_back_as_they_were(
    database: Database, app_database: Database
) -> None:
    vault = vault_of(OLD)
    owner = await person(database, vault)
    traveler_id = await traveler(app_database, vault, owner)
    async with app_database.transaction(owner) as session:
        opened = await vault.open_traveler(session, traveler_id)
    assert set(opened.documents) == set(DETAILS.documents)
    assert opened.model_copy(update={"documents": ()}) == DETAILS.model_copy(
        update={"documents": ()}
    )


async def test_another_person_does_not_find_the_traveller(
    database: Database, app_database: Database
) -> None:
    vault = vault_of(OLD)
    traveler_id = await traveler(app_database, vault, await person(database, vault))
    other = await person(database, vault, "b@example.com")
    async with app_database.transaction(other) as session:
        with pytest.raises(NoSuchTraveler):
            await vault.open_traveler(session, traveler_id)


async def test_a_field_moved_to_another_place_does_not_open(database: Database) -> None:
    vault = vault_of(OLD)
    owner, place = await person(database, vault), {"table": "t", "column": "c"}
    async with database.transaction(TESTS) as session:
        token = await vault.seal(session, owner, "secret", row_id="1", **place)
        assert await vault.open(session, owner, token, row_id="1", **place) == "secret"
        for moved in (
            {"table": "t", "column": "c", "row_id": "2"},
            {"table": "t", "column": "d", "row_id": "1"},
            {"table": "u", "column": "c", "row_id": "1"},
        ):
            with pytest.raises(DecryptionFailed):
                await vault.open(session, owner, token, **moved)


async def test_first_uses_side_by_side_agree_on_one_key(database: Database) -> None:
    vault, owner = vault_of(OLD), UserId(uuid4())
    from db.queries.users import create_user

    async with database.transaction(TESTS) as session:
        await create_user(session, user_id=owner, email_encrypted="", email_hmac="x", now=NOW)

    async def key() -> bytes:
        async with database.transaction(TESTS) as session:
            return await vault.data_key(session, owner)

    assert len(set(await asyncio.gather(*(key() for _ in range(5))))) == 1


async def test_rotating_the_master_key_leaves_everything_readable(
    database: Database, app_database: Database, database_url: str
) -> None:
    first = vault_of(OLD)
    people = [await person(database, first, f"p{number}@example.com") for number in range(5)]
    travelers = [await traveler(app_database, first, one) for one in people]
    new = new_master_key("new")
    both = vault_of(new, OLD)
    assert await both.rotate_master_key(database, batch=2) == 5
    assert await both.rotate_master_key(database, batch=2) == 0
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        found = await connection.execute("SELECT DISTINCT master_key_id FROM data_keys")
        assert await found.fetchall() == [("new",)]
    only_new = vault_of(new)
    for owner, traveler_id in zip(people, travelers, strict=True):
        async with app_database.transaction(owner) as session:
            opened = await only_new.open_traveler(session, traveler_id)
            assert opened.family_name == "Souza"


async def test_an_account_is_opened_once(database: Database) -> None:
    vault = vault_of(OLD)
    assert await person(database, vault, "A@example.com ") == await person(
        database, vault, "a@example.com"
    )

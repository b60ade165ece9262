"""The vault of personal data against a real Postgres."""

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from key_folder import KEYS_DIR

from db import migrate
from db.accounts import ensure_account
from db.queries.travelers import add_traveler
from db.session import APP_ROLE, ActsForAnother, Database, SystemActor
from db.vault import NoSuchTraveler, PersonalVault
from domain.ids import TravelerId, UserId
from domain.travelers import TravelerDetails, TravelerDocument
from runtime.crypto import (
    DecryptionFailed,
    MasterKeys,
    encrypt_field,
    new_data_key,
    new_master_key,
    wrap,
)
from runtime.key_store import KeyDestroyed, KeyName, KeyStore

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


def vault_of(*keys: str, folder: Path = KEYS_DIR) -> PersonalVault:
    return PersonalVault(MasterKeys.parse(",".join(keys)), KeyStore(folder), clock=lambda: NOW)


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
    database: Database, app_database: Database, tmp_path: Path
) -> None:
    first = vault_of(OLD, folder=tmp_path)
    people = [await person(database, first, f"p{number}@example.com") for number in range(5)]
    travelers = [await traveler(app_database, first, one) for one in people]
    new = new_master_key("new")
    both = vault_of(new, OLD, folder=tmp_path)
    # An account's and a traveller's each.
    assert both.rotate_master_key() == 10
    assert both.rotate_master_key() == 0
    only_new = vault_of(new, folder=tmp_path)
    for owner, traveler_id in zip(people, travelers, strict=True):
        async with app_database.transaction(owner) as session:
            opened = await only_new.open_traveler(session, traveler_id)
            assert opened.family_name == "Souza"


async def test_a_traveller_has_a_key_of_their_own(
    database: Database, app_database: Database, tmp_path: Path
) -> None:
    vault, store = vault_of(OLD, folder=tmp_path), KeyStore(tmp_path)
    owner = await person(database, vault)
    first, second = [await traveler(app_database, vault, owner) for _ in range(2)]
    store.destroy(KeyName(str(owner), str(first)))
    async with app_database.transaction(owner) as session:
        with pytest.raises(KeyDestroyed):
            await vault.open_traveler(session, first)
        assert (await vault.open_traveler(session, second)).given_name == "Ana"
    store.destroy_all(str(owner))
    async with app_database.transaction(owner) as session:
        with pytest.raises(KeyDestroyed):
            await vault.open_traveler(session, second)
        with pytest.raises(KeyDestroyed):
            await vault.data_key(session, owner)


async def test_a_transaction_of_one_person_opens_nobody_elses_fields(
    database: Database, app_database: Database
) -> None:
    vault = vault_of(OLD)
    owner = await person(database, vault)
    async with app_database.transaction(UserId(uuid4())) as session:
        with pytest.raises(ActsForAnother):
            await vault.data_key(session, owner)


async def test_keys_leave_the_database_and_every_traveller_gets_one(
    empty_database_url: str, tmp_path: Path
) -> None:
    """As an installation of before goes on: keys in a table, one for the whole account."""
    vault = vault_of(OLD, folder=tmp_path)
    owner, traveler_id, document_id, old = uuid4(), uuid4(), uuid4(), new_data_key()

    def sealed(text: str, table: str, column: str, row_id: UUID) -> str:
        return encrypt_field(old, text, table=table, column=column, row_id=str(row_id))

    plain = DETAILS.model_dump(mode="json") | {"documents": [], "loyalty": []}
    names = ("given_name", "family_name", "born_on", "gender", "title", "email", "phone")
    fields = {n: sealed(plain[n], "travelers", n, traveler_id) for n in names}
    before = "20261126_1706"  # before 20261126_1735
    migrate.upgrade(empty_database_url, before)
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(
            "INSERT INTO users (id, email_encrypted, email_hmac, created_at)"
            " VALUES (%s, %s, 'h', %s)",
            (owner, sealed("a@example.com", "users", "email", owner), NOW),
        )
        connection.execute(
            "INSERT INTO data_keys VALUES (%s, %s, 'old', %s)",
            (owner, wrap(old, MasterKeys.parse(OLD), str(owner)), NOW),
        )
        columns = ", ".join(f"{name}_encrypted" for name in names)
        connection.execute(
            f"INSERT INTO travelers (id, user_id, label, {columns}, created_at, updated_at)"
            f" VALUES (%s, %s, '', {', '.join(['%s'] * len(names))}, %s, %s)",
            (traveler_id, owner, *fields.values(), NOW, NOW),
        )
        connection.execute(
            "INSERT INTO traveler_documents (id, traveler_id, user_id, kind, number_encrypted,"
            " issuing_country_encrypted, created_at) VALUES (%s, %s, %s, 'passport', %s, %s, %s)",
            (
                document_id,
                traveler_id,
                owner,
                sealed("CA1", "traveler_documents", "number", document_id),
                sealed("PT", "traveler_documents", "issuing_country", document_id),
                NOW,
            ),
        )
    with pytest.raises(RuntimeError, match="parker migrate"):
        migrate.upgrade(empty_database_url)
    migrate.upgrade(empty_database_url, vault=vault)
    KeyStore(tmp_path).destroy(KeyName(str(owner), str(owner)))
    database = Database(empty_database_url, role=APP_ROLE, pool_size=2)
    async with database.transaction(UserId(owner)) as session:
        opened = await vault.open_traveler(session, TravelerId(traveler_id))
    await database.close()
    assert (opened.family_name, opened.documents[0].number) == ("Souza", "CA1")


async def test_an_account_is_opened_once(database: Database) -> None:
    vault = vault_of(OLD)
    assert await person(database, vault, "A@example.com ") == await person(
        database, vault, "a@example.com"
    )

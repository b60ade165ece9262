"""People's own words: sealed in the table, read as they are by whoever has the keys, and findable."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import StatementError
from sqlmodel import col, select

from db import migrate
from db.models import ApiKeyRow, CampaignDraftRow, TravelerRow
from db.models.campaign import CampaignRow
from db.models.trip_request import TripRequestRow
from db.own_words import SEALED
from db.queries.campaigns import wishes_called
from db.queries.drafts import add_trip_request, draft_answers, get_trip_request
from db.session import APP_ROLE, WORKER_ROLE, Database, SystemActor
from db.vault import PersonalVault
from runtime.crypto import MasterKeys, new_master_key
from runtime.key_store import KeyStore

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TESTS = SystemActor("tests")
WORDS = "Lisbon with Oswaldina"


@pytest.fixture
def vault(tmp_path: Path) -> PersonalVault:
    return PersonalVault(MasterKeys.parse(new_master_key("k1")), KeyStore(tmp_path))


async def test_words_are_sealed_for_their_owner_and_read_as_they_are(
    database: Database, database_url: str, cast: Any, vault: PersonalVault
) -> None:
    async with database.transaction(TESTS) as session:
        owner = await cast.person(session)
        campaign = await cast.campaign(session, owner)
    app = Database(database_url, role=APP_ROLE, pool_size=2, words=vault.words())
    trip = TripRequestRow(
        id=uuid4(), user_id=owner, name=WORDS, criteria=cast.wish().model_dump(mode="json"),
        traveler_ids=[], created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    async with app.transaction(owner) as session:
        await add_trip_request(session, trip)
    async with app.transaction(owner) as session:
        found = await get_trip_request(session, trip.id)
        assert found is not None
        assert found.name == WORDS
        found.updated_at = NOW.replace(hour=10)  # what was read is written again as it was
    sealing = Database(database_url, role=WORKER_ROLE, pool_size=2, words=vault.words(opens=False))
    async with sealing.transaction(TESTS) as session:
        row = await session.get_one(CampaignRow, campaign.id)
        # From before words were sealed, and from an older workflow: plain until it is written.
        assert row.name == "Lisbon in spring"
        row.name = WORDS
    raw = "SELECT own_name FROM autobooking_campaigns UNION ALL SELECT name FROM trip_requests"
    async with database.transaction(TESTS) as session:
        stored = list(await session.scalars(text(raw)))
        assert all(token.startswith(f"{SEALED}{owner.hex}.") for token in stored)
        assert not any("Oswaldina" in token for token in stored)
        assert await session.scalar(text("SELECT name FROM autobooking_campaigns")) == "JFK to LIS"
    async with app.transaction(owner) as session:
        assert await wishes_called(session, owner, "oswaldina") == [campaign.id]
        assert await wishes_called(session, owner, "Madrid") == []
        # Where a statement names the column alone, too.
        assert await session.scalar(select(col(CampaignRow.name))) == WORDS
    # What travels in messages is sealed already, and is stored as it came.
    sealed = vault.words().seal(owner, owner, "autobooking_campaigns.name", "Elsewhere")
    async with sealing.transaction(TESTS) as session:
        row = await session.get_one(CampaignRow, campaign.id)
        row.name = sealed
    async with app.transaction(owner) as session:
        assert await session.scalar(select(col(CampaignRow.name))) == "Elsewhere"
    vault.forget_person(owner)
    async with app.transaction(owner) as session:
        assert await session.scalar(select(col(CampaignRow.name))) == ""
    for each in (app, sealing):
        await each.close()


async def test_words_of_nobody_are_refused_rather_than_written_in_clear(
    database: Database, database_url: str, cast: Any, vault: PersonalVault
) -> None:
    async with database.transaction(TESTS) as session:
        owner = await cast.person(session)
    app = Database(database_url, role=APP_ROLE, pool_size=1, words=vault.words())
    values = {
        "id": uuid4(), "user_id": owner, "name": WORDS, "criteria": {}, "traveler_ids": [],
        "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    with pytest.raises(StatementError, match="do not say whose they are"):
        async with app.transaction(owner) as session:
            await session.execute(insert(TripRequestRow).values(values))
    # What somebody types that looks like a sealed text is sealed like any other.
    trip = TripRequestRow(**values | {"name": f"{SEALED}{owner.hex}.{owner.hex}.f1.x"})
    async with app.transaction(owner) as session:
        await add_trip_request(session, trip)
    async with app.transaction(owner) as session:
        found = await get_trip_request(session, trip.id)
        assert found is not None
        assert found.name == trip.name
    await app.close()


_BEFORE = "20261126_1900"
_WORDS = {
    "autobooking_campaigns": "own_name", "travelers": "label", "trip_requests": "name",
    "api_keys": "name", "campaign_drafts": "answers",
}  # fmt: skip
_PLAIN = """
UPDATE autobooking_campaigns SET name = '{words}';
INSERT INTO travelers (id, user_id, label, given_name_encrypted, family_name_encrypted,
    born_on_encrypted, gender_encrypted, title_encrypted, email_encrypted, phone_encrypted,
    created_at, updated_at)
    SELECT gen_random_uuid(), id, '{words}', '-', '-', '-', '-', '-', '-', '-', now(), now()
    FROM users;
INSERT INTO trip_requests (id, user_id, name, criteria, traveler_ids, created_at, updated_at)
    SELECT gen_random_uuid(), id, '{words}', '{{}}', '{{}}', now(), now() FROM users;
INSERT INTO api_keys (id, user_id, key_hash, prefix, name, created_at, scopes)
    SELECT gen_random_uuid(), id, id::text, '-', '{words}', now(), '{{read}}' FROM users;
INSERT INTO campaign_drafts (id, user_id, answers, step, created_at, updated_at, expires_at)
    SELECT gen_random_uuid(), id, '{{"name": ["{words}"]}}', 'route', now(), now(), now() FROM users;
"""


async def test_words_that_stood_there_in_clear_are_sealed_by_the_upgrade(
    database: Database, database_url: str, cast: Any, vault: PersonalVault
) -> None:
    async with database.transaction(TESTS) as session:
        owners = [await cast.person(session), await cast.person(session)]
        for owner in owners:
            await cast.campaign(session, owner)
    await database.close()
    migrate.downgrade(database_url, _BEFORE)
    with psycopg.connect(database_url) as plain:
        for statement in _PLAIN.format(words=WORDS).split(";\n")[:-1]:
            plain.execute(statement.encode())
    with pytest.raises(RuntimeError, match="are to be sealed"):
        migrate.upgrade(database_url)
    migrate.upgrade(database_url, vault=vault)

    with psycopg.connect(database_url) as raw:
        for table, column in _WORDS.items():
            stored = [str(one) for (one,) in raw.execute(f"SELECT {column} FROM {table}".encode())]
            assert len(stored) == len(owners), table
            assert all(one.startswith(SEALED) for one in stored), table
    app = Database(database_url, role=APP_ROLE, pool_size=2, words=vault.words())
    for owner in owners:
        async with app.transaction(owner) as session:
            for column in (
                CampaignRow.name,
                TravelerRow.label,
                TripRequestRow.name,
                ApiKeyRow.name,
            ):
                assert list(await session.scalars(select(col(column)))) == [WORDS]
            (draft,) = await session.scalars(select(CampaignDraftRow))
            assert draft_answers(draft) == {"name": [WORDS]}
    await app.close()

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from db.queries.campaigns import get_campaign, list_campaigns
from db.queries.users import (
    create_api_key,
    create_user,
    find_api_key,
    find_user_id_by_email_hmac,
    get_api_key,
    get_user,
    list_api_keys,
    revoke_api_key,
    touch_api_key,
)
from db.session import Database, SystemActor, act_as
from domain.ids import UserId

OWNED = (
    "autobooking_campaigns",
    "mandates",
    "campaign_events",
    "booking_attempts",
    "bookings",
    "payment_methods",
)


async def test_a_person_sees_their_own_rows_only(
    database: Database, app_database: Database, cast: Any
):
    async with database.transaction(SystemActor("test")) as session:
        owner = await cast.person(session)
        other = await cast.person(session)
        campaign = await cast.campaign(session, owner)
        await cast.attempt(session, campaign)
        await cast.booking(session, campaign, owner)
    for actor, seen in ((owner, 1), (other, 0), (SystemActor("api"), 0)):
        async with app_database.transaction(actor) as session:
            for table in OWNED:
                count = await session.scalar(text(f"SELECT count(*) FROM {table}"))
                assert (table, count) == (table, seen)
            users = await session.scalar(text("SELECT count(*) FROM users"))
            assert users == (0 if isinstance(actor, SystemActor) else 1)
    async with app_database.transaction(other) as session:
        assert await get_campaign(session, campaign.id) is None
        assert (await list_campaigns(session, owner)).rows == ()
        assert await get_user(session, owner) is None


async def test_the_person_does_not_outlive_the_transaction(
    database_url: str, database: Database, cast: Any
):
    async with database.transaction(SystemActor("test")) as session:
        owner = await cast.person(session)
    one_connection = Database(database_url, role="parker_app", pool_size=1)
    async with one_connection.transaction(owner) as session:
        assert await session.scalar(text("SELECT count(*) FROM users")) == 1
    async with one_connection.transaction(SystemActor("api")) as session:
        assert await session.scalar(text("SELECT count(*) FROM users")) == 0
    await one_connection.close()


async def test_the_api_cannot_write_for_somebody_else(
    database: Database, app_database: Database, cast: Any, now: Any
):
    async with database.transaction(SystemActor("test")) as session:
        owner = await cast.person(session)

    async def sneak() -> None:
        async with app_database.transaction(UserId(uuid4())) as session:
            await create_api_key(
                session,
                key_id=uuid4(),
                user_id=owner,
                key_hash="h",
                prefix="pk_1",
                name="sneaky",
                now=now,
            )

    with pytest.raises(ProgrammingError, match="row-level security"):
        await sneak()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE bookings SET price_minor = 1",
        "UPDATE autobooking_campaigns SET budget_minor = 1",
        "DELETE FROM autobooking_campaigns",
        "UPDATE switches SET changed_by = 'me'",
        "UPDATE payments SET captured_minor = 1",
    ],
)
async def test_the_api_cannot_change_what_a_process_owns(app_database: Database, statement: str):
    async def change() -> None:
        async with app_database.transaction(UserId(uuid4())) as session:
            await session.execute(text(statement))

    with pytest.raises(ProgrammingError, match="permission denied"):
        await change()


async def test_a_key_is_found_before_its_owner_is_known(app_database: Database, now: Any):
    user_id, key_id = UserId(uuid4()), uuid4()
    async with app_database.transaction(user_id) as session:
        await create_user(
            session, user_id=user_id, email_encrypted="sealed", email_hmac="mail", now=now
        )
        await create_api_key(
            session,
            key_id=key_id,
            user_id=user_id,
            key_hash="hash",
            prefix="pk_1",
            name="laptop",
            now=now,
        )
    async with app_database.transaction(SystemActor("api")) as session:
        assert await find_api_key(session, "hash") == (key_id, user_id)
        assert await find_api_key(session, "other") is None
        assert await find_user_id_by_email_hmac(session, "mail") == user_id
        assert await find_user_id_by_email_hmac(session, "nobody") is None
        # Ids and no more: the rest is read as the person.
        assert await get_user(session, user_id) is None
        assert await get_api_key(session, key_id) is None
        await act_as(session, user_id)
        assert await get_user(session, user_id) is not None
        assert await get_api_key(session, key_id) is not None
    async with app_database.transaction(user_id) as session:
        await touch_api_key(session, key_id, now)
    async with app_database.transaction(user_id) as session:
        (key,) = await list_api_keys(session, user_id)
        assert key.last_used_at == now
        assert await revoke_api_key(session, user_id, key_id, now)
        assert not await revoke_api_key(session, UserId(uuid4()), key_id, now)
    async with app_database.transaction(SystemActor("api")) as session:
        assert await find_api_key(session, "hash") is None
        await act_as(session, user_id)
        assert await get_api_key(session, key_id) is None

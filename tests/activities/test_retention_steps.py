"""What was kept long enough goes, the rest stays, and what was forgotten stays forgotten."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from every_table import fill
from sqlalchemy import create_engine, make_url, text
from sqlmodel import col, select
from temporalio.testing import ActivityEnvironment

from activities.retention import RetentionActivities
from db.accounts import issue_api_key
from db.models.retained_record import RetainedRecordRow
from db.models.user import Role, UserRow
from db.queries.audit import list_audit
from db.queries.erasures import forget_person
from db.session import Database, SystemActor
from db.vault import PersonalVault
from domain.audit import Action
from domain.ids import UserId
from domain.retention import PERIODS, Record, Sweep
from runtime.crypto import MasterKeys, new_master_key
from runtime.key_store import KeyDestroyed, KeyStore
from runtime.privacy_settings import PrivacySettings

TESTS = SystemActor("tests")
NOW = datetime(2026, 11, 26, 3, 7, tzinfo=UTC)
CLEARED = {
    Sweep.OFFERS: ("offer_snapshots",),
    Sweep.DECISIONS: ("offer_decisions",),
    Sweep.MARKET: ("price_observations", "looks", "pair_states"),
    Sweep.EVENTS: ("campaign_events",),
    Sweep.NOTICES: ("webhook_tries", "webhook_deliveries", "notices"),
    Sweep.DRAFTS: ("campaign_drafts",),
    Sweep.SESSIONS: ("web_sessions",),
    Sweep.LINKS: (
        "account_links",
        "shareable_links",
        "pending_sign_ins",
        "passkey_challenges",
        "throttles",
    ),
    Sweep.CARD_VISITS: ("payment_setups",),
    Sweep.PROVIDER_EVENTS: ("provider_events",),
    Sweep.LOOKS_AT_PEOPLE: ("personal_reads",),
}


@pytest.fixture
def vault(tmp_path: Path) -> PersonalVault:
    return PersonalVault(MasterKeys.parse(new_master_key("k1")), KeyStore(tmp_path))


@pytest.fixture
def keeper(database: Database, vault: PersonalVault) -> RetentionActivities:
    return RetentionActivities(database, vault, PrivacySettings(), batch=2)


async def at(instant: datetime, step: Any, *args: Any) -> Any:
    """Run an activity as of an instant."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, started_time=instant)
    return await environment.run(step, *args)


def fill_all(url: str, people: dict[UUID, datetime]) -> None:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        for person, instant in people.items():
            fill(connection, person, instant)
        connection.execute(text("UPDATE autobooking_campaigns SET status = 'cancelled'"))
        connection.execute(text("UPDATE notices SET state = 'sent'"))
    engine.dispose()


async def count(database: Database, table: str) -> int:
    async with database.transaction(TESTS) as session:
        return int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


async def test_each_kind_goes_at_its_time_and_not_a_day_before(
    database: Database, database_url: str, keeper: RetentionActivities
) -> None:
    old = max(period.days for period in PERIODS.values())
    fill_all(
        database_url,
        {uuid4(): NOW, **{uuid4(): NOW - timedelta(days=old + 2) for _ in range(3)}},
    )
    for sweep in Sweep:
        for table in CLEARED.get(sweep, ()):
            assert await count(database, table) == 4, table
        early = NOW - timedelta(days=old + 2) + PERIODS[sweep].span - timedelta(hours=1)
        if sweep in CLEARED:
            assert await at(early, keeper.clear_away, sweep) == 0, sweep
        await at(NOW, keeper.clear_away, sweep)
        for table in CLEARED.get(sweep, ()):
            assert (table, await count(database, table)) == (table, 1)
    # Books, consents and people are nobody's to clear away by age alone.
    for table in ("users", "travelers", "bookings", "payments", "mandates", "refunds"):
        assert await count(database, table) == 4


async def test_of_each_day_and_pair_the_cheapest_price_stays(
    database: Database, keeper: RetentionActivities
) -> None:
    look, day = uuid4(), NOW - timedelta(days=200)
    async with database.transaction(TESTS) as session:
        await session.execute(
            text(
                "INSERT INTO looks (id, seller, pair_key, origin, destination, departs_on, cabin,"
                " party_code, reason, campaigns, offers, at) VALUES (:id, 's', 'p', 'JFK', 'LIS',"
                " :on, 'economy', 'A1', 'r', 1, 1, :at)"
            ),
            {"id": look, "on": date(2027, 5, 1), "at": day},
        )
        for pair, hours, price in (
            ("p", 0, 300), ("p", 1, 200), ("p", 2, 250), ("q", 1, 900), ("p", 24, 800),
            ("p", 24 * 150, 700), ("p", 24 * 150 + 1, 600),
        ):  # fmt: skip
            await session.execute(
                text(
                    "INSERT INTO price_observations (look_id, seller, pair_key, origin,"
                    " destination, departs_on, cabin, party_code, stops, airline, total_minor,"
                    " currency, at) VALUES (:look, 's', :pair, 'JFK', 'LIS', :on, 'economy',"
                    " 'A1', 0, 'TP', :price, 'USD', :at)"
                ),
                {
                    "look": look, "pair": pair, "on": date(2027, 5, 1), "price": price,
                    "at": day.replace(hour=1) + timedelta(hours=hours),
                },
            )  # fmt: skip
    assert await at(NOW, keeper.clear_away, Sweep.PRICES) == 2
    async with database.transaction(TESTS) as session:
        left = await session.scalars(text("SELECT total_minor FROM price_observations ORDER BY 1"))
        assert list(left) == [200, 600, 700, 800, 900]
        # When it ran and what it removed can be seen afterwards (`parker retention list`).
        runs = await list_audit(session, action=Action.RETENTION_RAN)
        assert [run.after for run in runs] == [{"kind": "prices", "removed": 2}]


async def test_accounts_that_nobody_took_up_are_erased_and_no_others(
    database: Database, keeper: RetentionActivities, vault: PersonalVault
) -> None:
    old = NOW - PERIODS[Sweep.UNCONFIRMED].span - timedelta(hours=1)
    plain: dict[str, Any] = {"created_at": old, "password_hash": "-", "role": Role.TRAVELLER}
    users = {
        name: UserRow(id=uuid4(), email_encrypted="-", **(plain | changes))
        for name, changes in {
            "one": {}, "two": {}, "three": {},
            "new": {"created_at": old + timedelta(hours=2)},
            "confirmed": {"email_confirmed_at": old},
            "added": {"password_hash": None},
            "support": {"role": Role.SUPPORT},
            "programmer": {},
        }.items()
    }  # fmt: skip
    async with database.transaction(TESTS) as session:
        session.add_all(users.values())
        await session.flush()
        owner = UserId(users["one"].id)
        sealed = await vault.seal(session, owner, "x", table="users", column="email", row_id=owner)
        await issue_api_key(
            session, UserId(users["programmer"].id), name="ci", pepper="-" * 40, now=NOW
        )
    assert await at(NOW, keeper.clear_away, Sweep.UNCONFIRMED) == 3
    assert await at(NOW, keeper.clear_away, Sweep.UNCONFIRMED) == 0
    async with database.transaction(TESTS) as session:
        gone = await session.scalars(
            select(col(UserRow.id)).where(col(UserRow.erased_at).is_not(None))
        )
        assert set(gone) == {users[name].id for name in ("one", "two", "three")}
        with pytest.raises(KeyDestroyed):
            await vault.open(session, owner, sealed, table="users", column="email", row_id=owner)


async def test_records_end_with_their_keys(
    database: Database, keeper: RetentionActivities, vault: PersonalVault, cast_person: UserId
) -> None:
    ends = {date(2025, 12, 31): "past", date(2026, 12, 31): "present"}
    ids = {}
    async with database.transaction(TESTS) as session:
        for until, words in ends.items():
            ids[until] = uuid4()
            sealed = vault.seal_retained(words, row_id=ids[until], keep_until=until)
            session.add(
                RetainedRecordRow(
                    id=ids[until],
                    user_id=cast_person,
                    record=Record.RECEIPT,
                    subject_id=uuid4(),
                    sealed=sealed,
                    keep_until=until,
                    created_at=NOW,
                )
            )
        kept = sealed
    assert await at(NOW, keeper.clear_away, Sweep.RECORDS) == 1
    until = date(2026, 12, 31)
    assert vault.open_retained(kept, row_id=ids[until], keep_until=until) == "present"
    with pytest.raises(KeyDestroyed):
        vault.seal_retained("x", row_id=uuid4(), keep_until=date(2025, 12, 31))


async def test_what_an_older_backup_brings_back_is_forgotten_again(
    database: Database, database_url: str, keeper: RetentionActivities, vault: PersonalVault
) -> None:
    erased, returned, stays = (UserId(uuid4()) for _ in range(3))
    fill_all(database_url, dict.fromkeys((erased, returned, stays), NOW))
    async with database.transaction(TESTS) as session:
        for person in (erased, stays):
            await vault.data_key(session, person)
        await forget_person(session, erased, NOW)
    # Of one the keys came back with an older copy of them, of another the rows.
    vault.forget_person(returned)
    assert await at(NOW, keeper.forget_again) == 1
    assert await at(NOW, keeper.forget_again) == 0
    assert set(vault.forgotten_people()) == {erased, returned}
    async with database.transaction(TESTS) as session:
        left = await session.scalars(text("SELECT user_id FROM travelers"))
        assert list(left) == [stays]
        await vault.data_key(session, stays)


@pytest.fixture
async def cast_person(database: Database) -> UserId:
    person = UserId(uuid4())
    async with database.transaction(TESTS) as session:
        await session.execute(
            text(
                "INSERT INTO users (id, email_encrypted, email_hmac, created_at)"
                " VALUES (:id, '', :hmac, :at)"
            ),
            {"id": person, "hmac": str(person), "at": NOW},
        )
    return person

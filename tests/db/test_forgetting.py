"""Everything of one person goes, empties or stays as the table says, and nothing of another's."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from every_table import fill
from psycopg import sql
from sqlalchemy import create_engine, make_url

from db.models.campaign import CampaignRow
from db.models.erasure import ErasureRow
from db.models.payment import PaymentRow
from db.models.refund import RefundRow
from db.models.traveler import TravelerRow
from db.queries.erasures import (
    add_erasure,
    erased_people,
    forget_person,
    forget_traveler,
    hindrances,
    open_erasure,
    people_not_erased,
)
from db.queries.transitions import change_state
from db.queries.users import find_user_id_by_email_hmac, get_user
from db.retained import keep_receipts, open_retained
from db.session import Database, SystemActor
from db.vault import PersonalVault
from domain.attempts import AttemptState
from domain.erasures import ErasureState, Obstacle, possible_from
from domain.errors import IllegalTransition
from domain.ids import TravelerId, UserId
from domain.orders import BookingState
from domain.payments import PaymentState
from domain.retention import TABLES, Fate
from runtime.crypto import MasterKeys, new_master_key
from runtime.key_store import KeyStore

TESTS = SystemActor("tests")
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def vault(tmp_path: Path) -> PersonalVault:
    # A folder of its own: the keys of what is kept belong to an installation, not to a person.
    return PersonalVault(MasterKeys.parse(new_master_key("k1")), KeyStore(tmp_path))


def rows_of(url: str, person: UUID) -> dict[str, list[dict[str, Any]]]:
    found = {}
    with psycopg.connect(url) as connection:
        for table, rule in TABLES.items():
            if rule.fate is Fate.NOBODYS:
                continue
            column = "id" if table == "users" else "user_id"
            query = sql.SQL("SELECT to_jsonb(t) FROM {} t WHERE {} = %s").format(
                sql.Identifier(table), sql.Identifier(column)
            )
            found[table] = [row for (row,) in connection.execute(query, (person,)).fetchall()]
    return found


async def test_every_table_is_treated_as_the_policy_says(
    database: Database, database_url: str
) -> None:
    ana, ben = uuid4(), uuid4()
    engine = create_engine(make_url(database_url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        for person in (ana, ben):
            fill(connection, person)
    engine.dispose()
    before, other = rows_of(database_url, ana), rows_of(database_url, ben)
    for _ in range(2):  # dying in the middle means doing it again
        async with database.transaction(TESTS) as session:
            await forget_person(session, UserId(ana), NOW)
    after = rows_of(database_url, ana)
    assert rows_of(database_url, ben) == other
    for table, rule in TABLES.items():
        if rule.fate is Fate.GONE:
            assert (table, after[table]) == (table, [])
        elif rule.fate is Fate.KEPT:
            assert after[table] == before[table]
        elif rule.fate is Fate.EMPTIED:
            (row,), (old,) = after[table], before[table]
            for column, empty in rule.empties.items():
                wanted = empty.isoformat() if isinstance(empty, date) else empty
                assert (table, column, row[column]) == (table, column, wanted)
            untouched = set(row) - set(rule.empties) - {"email_hmac", "erased_at"}
            derived = {"auto_booking_enabled", "budget_max", "name"}
            assert {c for c in untouched if row[c] != old[c]} <= derived, table
    async with database.transaction(TESTS) as session:
        assert await erased_people(session) == [ana]
        assert await people_not_erased(session, [ana, ben]) == [ben]
        assert await find_user_id_by_email_hmac(session, before["users"][0]["email_hmac"]) is None


async def test_a_traveller_goes_alone(database: Database, database_url: str, cast: Any) -> None:
    async with database.transaction(TESTS) as session:
        owner = await cast.person(session)
        gone, stays = TravelerId(uuid4()), TravelerId(uuid4())
        names = [name for name in TravelerRow.model_fields if name.endswith("_encrypted")]
        for traveler in (gone, stays):
            fields = dict.fromkeys(names, "sealed")
            session.add(
                TravelerRow(
                    id=traveler, user_id=owner, label="", created_at=NOW, updated_at=NOW, **fields
                )
            )
        both = await cast.campaign(session, owner, traveler_ids=(gone, stays))
        booked = await cast.booking(session, both, owner, raw_order_encrypted="sealed")
        other = await cast.campaign(session, owner, traveler_ids=(stays,))
        kept = await cast.booking(session, other, owner, raw_order_encrypted="sealed")
    async with database.transaction(TESTS) as session:
        await forget_traveler(session, owner, gone)
    rows = rows_of(database_url, owner)
    assert [row["id"] for row in rows["travelers"]] == [str(stays)]
    raw = {row["id"]: row["raw_order_encrypted"] for row in rows["bookings"]}
    assert raw == {str(booked.id): None, str(kept.id): "sealed"}
    travelling = {row["id"]: row["traveler_ids"] for row in rows["autobooking_campaigns"]}
    assert travelling == {str(both.id): [str(stays)], str(other.id): [str(stays)]}


async def test_what_is_under_way_is_in_the_way(database: Database, cast: Any) -> None:
    async with database.transaction(TESTS) as session:
        owner = await cast.person(session)
        traveler = TravelerId(uuid4())
        campaign: CampaignRow = await cast.campaign(session, owner, traveler_ids=(traveler,))
        assert await hindrances(session, owner, None, NOW) == []
        found = await hindrances(session, owner, traveler, NOW)
        assert [hindrance.obstacle for hindrance in found] == [Obstacle.WISH]
        attempt = await cast.attempt(session, campaign)
        booking = await cast.booking(session, campaign, owner, attempt_id=attempt.id)
        payment = PaymentRow(
            id=uuid4(), attempt_id=attempt.id, campaign_id=campaign.id, user_id=owner,
            rail="stripe", payment_method_id=attempt.payment_method_id,
            state=PaymentState.AUTHORISED, amount_minor=48_000, currency="USD",
            created_at=NOW, updated_at=NOW,
        )  # fmt: skip
        session.add(payment)
        session.add(
            RefundRow(
                id=uuid4(),
                payment_id=payment.id,
                booking_id=booking.id,
                user_id=owner,
                amount_minor=1,
                currency="USD",
                status="pending",
                reason="r",
                created_at=NOW,
                updated_at=NOW,
            )
        )
        await session.flush()
        found = await hindrances(session, owner, None, NOW)
        assert {h.obstacle for h in found} == {
            Obstacle.TRIP, Obstacle.BOOKING, Obstacle.REFUND, Obstacle.HOLD,
        }  # fmt: skip
        assert possible_from(found, NOW) == booking.arrives_at + timedelta(days=1)
        assert len(await hindrances(session, owner, traveler, NOW)) == 5
        stranger = TravelerId(uuid4())
        assert await hindrances(session, owner, stranger, NOW) == []
        attempt.state, booking.state = AttemptState.CAPTURED, BookingState.FLOWN
        payment.state = PaymentState.CAPTURED
        await session.flush()
        found = await hindrances(session, owner, None, NOW)
        assert [hindrance.obstacle for hindrance in found] == [Obstacle.REFUND]


async def test_receipts_are_kept_under_a_key_of_their_own(
    database: Database, database_url: str, cast: Any, vault: PersonalVault
) -> None:
    async with database.transaction(TESTS) as session:
        owner = await cast.person(session)
        user = await get_user(session, owner)
        assert user is not None
        user.email_encrypted = await vault.seal(
            session, owner, "buyer@example.com", table="users", column="email", row_id=owner
        )
        campaign = await cast.campaign(session, owner)
        attempt = await cast.attempt(session, campaign)
        booking = await cast.booking(
            session, campaign, owner, attempt_id=attempt.id, booking_reference="PNR123",
            ticket_numbers=[{"number": "125-1"}],
        )  # fmt: skip
        session.add(
            PaymentRow(
                id=uuid4(),
                attempt_id=attempt.id,
                campaign_id=campaign.id,
                user_id=owner,
                rail="stripe",
                payment_method_id=attempt.payment_method_id,
                state=PaymentState.CAPTURED,
                amount_minor=48_000,
                captured_minor=48_000,
                currency="USD",
                intent_ref="pi_1",
                created_at=NOW,
                updated_at=NOW,
            )
        )
    for turn in range(2):
        async with database.transaction(TESTS) as session:
            assert await keep_receipts(session, vault, owner, years=10, now=NOW) == (turn == 0)
    async with database.transaction(TESTS) as session:
        await forget_person(session, owner, NOW)
    vault.forget_person(owner)
    async with database.transaction(TESTS) as session:
        ((row, receipt),) = await open_retained(session, vault, owner)
    assert row.subject_id == booking.id
    assert row.keep_until == date(2036, 12, 31)
    assert (receipt["buyer"], receipt["booking_reference"]) == ("buyer@example.com", "PNR123")
    assert receipt["tickets"] == ["125-1"]
    assert receipt["charges"][0]["charged"] == {"minor": 48_000, "currency": "USD"}
    assert receipt["charges"][0]["card"] == "visa 4242"
    clear = json.dumps(rows_of(database_url, owner))
    assert [word for word in ("PNR123", "125-1", "4242", "buyer@") if word in clear] == []


async def test_one_wish_to_be_forgotten_at_a_time_and_its_states(
    database: Database, app_database: Database, cast: Any
) -> None:
    async with database.transaction(TESTS) as session:
        owner = await cast.person(session)
    fields: dict[str, Any] = {"user_id": owner, "due_at": NOW, "now": NOW}
    async with app_database.transaction(owner) as session:
        row = await add_erasure(session, erasure_id=uuid4(), traveler_id=None, **fields)
        await add_erasure(session, erasure_id=uuid4(), traveler_id=TravelerId(uuid4()), **fields)
    async with app_database.transaction(owner) as session:
        with pytest.raises(Exception, match="erasures_one_open"):
            await add_erasure(session, erasure_id=uuid4(), traveler_id=None, **fields)
        await session.rollback()
    async with database.transaction(TESTS) as session:
        found = await open_erasure(session, owner)
        assert isinstance(found, ErasureRow)
        assert found.id == row.id
        with pytest.raises(IllegalTransition):
            await change_state(session, found, ErasureState.DONE, now=NOW, event="")
        await change_state(session, found, ErasureState.WITHDRAWN, now=NOW, event="")
        assert found.ended_at == NOW
        assert await open_erasure(session, owner) is None

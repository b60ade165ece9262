import asyncio
from typing import Any
from uuid import uuid4

import pytest

from db.errors import EmailTaken, InUse
from db.models.payment_customer import PaymentCustomerRow
from db.models.payment_method import PaymentMethodStatus
from db.models.payment_setup import PaymentSetupRow
from db.models.traveler import TravelerRow
from db.models.traveler_document import TravelerDocumentRow
from db.queries import payment_methods, switches, travelers
from db.queries.campaigns import get_campaign
from db.queries.transitions import change_state, lock_campaign
from db.queries.users import create_user
from db.session import Database, SystemActor
from domain.campaigns import CampaignState
from domain.ids import UserId

WORKER = SystemActor("test")


def _traveler(owner: UserId, now: Any, **changes: Any) -> TravelerRow:
    sealed = dict.fromkeys(
        (
            "given_name_encrypted",
            "family_name_encrypted",
            "born_on_encrypted",
            "gender_encrypted",
            "title_encrypted",
            "email_encrypted",
            "phone_encrypted",
        ),
        "sealed",
    )
    fields: dict[str, Any] = {
        "id": uuid4(),
        "user_id": owner,
        "label": "me",
        "created_at": now,
        "updated_at": now,
        **sealed,
    }
    return TravelerRow(**(fields | changes))


def _document(traveler: TravelerRow, now: Any) -> TravelerDocumentRow:
    return TravelerDocumentRow(
        id=uuid4(),
        traveler_id=traveler.id,
        user_id=traveler.user_id,
        kind="passport",
        number_encrypted="sealed",
        issuing_country_encrypted="sealed",
        created_at=now,
    )


async def test_an_address_has_one_account(database: Database, now: Any):
    async def sign_up() -> None:
        async with database.transaction(WORKER) as session:
            await create_user(
                session, user_id=UserId(uuid4()), email_encrypted="s", email_hmac="same", now=now
            )

    await sign_up()
    with pytest.raises(EmailTaken):
        await sign_up()


async def test_a_traveller_is_written_read_and_replaced(
    database: Database, app_database: Database, cast: Any, now: Any
):
    async with database.transaction(WORKER) as session:
        owner = await cast.person(session)
    async with app_database.transaction(owner) as session:
        row = _traveler(owner, now)
        await travelers.add_traveler(session, row, [_document(row, now)])
        anew = _traveler(owner, now, id=row.id, label="still me")
        await travelers.replace_traveler(session, anew, [_document(anew, now)] * 1)
    async with app_database.transaction(owner) as session:
        (listed,) = await travelers.list_travelers(session, owner)
        assert listed.label == "still me"
        assert len(await travelers.list_documents(session, row.id)) == 1
        assert await travelers.get_travelers(session, [uuid4(), row.id]) == [listed]


async def test_a_traveller_of_a_live_campaign_cannot_be_deleted(
    database: Database, cast: Any, now: Any
):
    async with database.transaction(WORKER) as session:
        owner = await cast.person(session)
        row = _traveler(owner, now, loyalty_encrypted="sealed")
        await travelers.add_traveler(session, row, [_document(row, now)])
        campaign = await cast.campaign(session, owner, traveler_ids=(row.id,))
        with pytest.raises(InUse) as refused:
            await travelers.delete_traveler(session, row.id, now)
        assert refused.value.campaign_ids == (campaign.id,)
        await change_state(session, campaign, CampaignState.CANCELLED, now=now, event="x")
        assert await travelers.delete_traveler(session, row.id, now)
        assert not await travelers.delete_traveler(session, row.id, now)
        assert await travelers.get_traveler(session, row.id) is None
        assert await travelers.list_documents(session, row.id) == []
        assert (row.given_name_encrypted, row.loyalty_encrypted) == ("", None)


async def test_the_first_card_is_the_default_and_there_is_only_one(
    database: Database, app_database: Database, cast: Any, now: Any
):
    async with database.transaction(WORKER) as session:
        owner = await cast.person(session)
        cards = [await cast.card(session, owner) for _ in range(3)]
    assert [card.is_default for card in cards] == [True, False, False]

    async def prefer(card_id: Any) -> None:
        async with app_database.transaction(owner) as session:
            assert await payment_methods.make_default(session, owner, card_id, now)

    await asyncio.gather(*(prefer(card.id) for card in cards * 3))
    async with app_database.transaction(owner) as session:
        listed = await payment_methods.list_payment_methods(session, owner)
        assert [card.is_default for card in listed] == [True, False, False]
        assert await payment_methods.make_default(session, owner, uuid4(), now) is None


async def test_a_card_that_a_campaign_needs_stays_until_another_can_stand_in(
    database: Database, app_database: Database, cast: Any, now: Any
):
    async with database.transaction(WORKER) as session:
        owner = await cast.person(session)
        first = await cast.card(session, owner)
        campaign = await cast.campaign(session, owner)
        assert campaign.payment_method_id is None  # whatever is the default when it books
    async with app_database.transaction(owner) as session:
        with pytest.raises(InUse):
            await payment_methods.detach_payment_method(session, owner, first.id, now)
    async with database.transaction(WORKER) as session:
        second = await cast.card(session, owner)
    async with app_database.transaction(owner) as session:
        gone = await payment_methods.detach_payment_method(session, owner, first.id, now)
        assert gone is not None
        assert (gone.status, gone.is_default) == (PaymentMethodStatus.DETACHED, False)
    async with database.transaction(WORKER) as session:
        row = await get_campaign(session, campaign.id)
        assert row is not None
        assert row.payment_method_id is None
        default = await payment_methods.default_payment_method(session, owner)
        assert default is not None
        assert default.id == second.id


async def test_a_card_that_is_being_charged_cannot_be_given_up(
    database: Database, cast: Any, now: Any
):
    async with database.transaction(WORKER) as session:
        owner = await cast.person(session)
        first = await cast.card(session, owner)
        await cast.card(session, owner)
        campaign = await cast.campaign(session, owner)
        await cast.attempt(session, campaign, payment_method_id=first.id)
        with pytest.raises(InUse):
            await payment_methods.detach_payment_method(session, owner, first.id, now)


async def test_a_card_with_a_problem_says_why(database: Database, cast: Any, now: Any):
    async with database.transaction(WORKER) as session:
        card = await cast.card(session, await cast.person(session))
        row = await payment_methods.set_payment_method_status(
            session, card.id, PaymentMethodStatus.NEEDS_ATTENTION, "expired", now
        )
        assert row is not None
        assert (row.status, row.status_reason) == ("needs_attention", "expired")


async def test_a_customer_and_a_setup_are_kept(
    database: Database, app_database: Database, cast: Any, now: Any
):
    async with database.transaction(WORKER) as session:
        owner = await cast.person(session)
        card = await cast.card(session, owner)
    async with app_database.transaction(owner) as session:
        for reference in ("first", "second"):
            kept = await payment_methods.ensure_payment_customer(
                session,
                PaymentCustomerRow(
                    user_id=owner,
                    provider="stripe",
                    customer_ref_encrypted=reference,
                    created_at=now,
                ),
            )
            assert kept.customer_ref_encrypted == "first"
        setup = await payment_methods.add_payment_setup(
            session,
            PaymentSetupRow(
                id=uuid4(),
                user_id=owner,
                setup_ref_encrypted="sealed",
                status="open",
                created_at=now,
                updated_at=now,
            ),
        )
        found = await payment_methods.get_payment_setup(session, setup.id, lock=True)
        assert found is not None
        await payment_methods.finish_payment_setup(session, found, "done", now, card.id)
        assert (found.status, found.payment_method_id) == ("done", card.id)


async def test_booking_is_stopped_and_started(database: Database, now: Any):
    async with database.transaction(WORKER) as session:
        assert not await switches.booking_stopped(session)
        await switches.stop_booking(session, "no balance", "operator", now)
        assert await switches.booking_stopped(session)
        await switches.start_booking(session, "operator", now)
        assert not await switches.booking_stopped(session)
        assert [row.name for row in await switches.list_switches(session)] == ["booking"]


async def test_locking_what_is_not_there_gives_nothing(database: Database):
    async with database.transaction(WORKER) as session:
        assert await lock_campaign(session, uuid4()) is None

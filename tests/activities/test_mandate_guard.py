"""The guard asked by itself: what it allows once an order stands, and what it never allows."""

from uuid import UUID

from activity_desk import Desk
from house import TESTS
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from activities.mandate_guard import MandateGuard, may_capture, names_signed
from db.models import AttemptRow, CampaignRow, MandateRow
from db.queries.mandates import live_mandate_row
from domain.attempts import FailureReason
from domain.mandates import MandateRefusal
from domain.messages.attempt import AttemptInput
from domain.money import Money
from runtime.clock import system_now


async def rows_of(session: AsyncSession, ids: AttemptInput) -> tuple[CampaignRow, AttemptRow]:
    campaign = await session.get_one(CampaignRow, ids.campaign_id, populate_existing=True)
    return campaign, await session.get_one(AttemptRow, ids.attempt_id, populate_existing=True)


async def used(session: AsyncSession) -> tuple[int, str]:
    row = (await session.execute(text("SELECT amount_minor, currency FROM mandate_uses"))).one()
    return int(row[0]), str(row[1])


async def test_before_the_order_only_a_wish_that_books_may_hold(desk: Desk) -> None:
    ids, offer = await desk.ready_to_order()
    guard, now = MandateGuard(desk.house.settings.mandate_signing), system_now()
    async with desk.house.database.transaction(TESTS) as session:
        campaign, attempt = await rows_of(session, ids)
        assert await guard.hold_refusal(session, campaign, attempt, offer.total, now) is None
        problem = await guard.refusal(session, campaign, None, offer.total, now)
        assert problem is not None
        assert problem.kind is MandateRefusal.NOT_SIGNED
        await session.execute(text("UPDATE autobooking_campaigns SET status = 'paused'"))
        campaign, attempt = await rows_of(session, ids)
        refused = await guard.hold_refusal(session, campaign, attempt, offer.total, now)
        assert refused is FailureReason.WITHDRAWN
        # Without an order there is no use, and without a use nothing is taken.
        assert not await may_capture(session, ids.attempt_id, offer.total)


async def test_what_an_order_costs_in_the_end_is_taken_within_the_caps_alone(desk: Desk) -> None:
    ids, offer = await desk.ready_to_order()
    await desk.order(ids, offer)
    guard, total = MandateGuard(desk.house.settings.mandate_signing), offer.total
    dearer = Money(minor=total.minor + 100, currency="USD")
    beyond, euros = Money(minor=10**9, currency="USD"), Money(minor=1, currency="EUR")
    async with desk.house.database.transaction(TESTS) as session:
        campaign, attempt = await rows_of(session, ids)
        for amount, stands in (
            (total, total), (dearer, dearer), (beyond, dearer), (euros, dearer)
        ):  # fmt: skip
            await guard.take(session, campaign, attempt, amount)
            assert await used(session) == (stands.minor, stands.currency)
        for amount, allowed in ((dearer, True), (beyond, False), (euros, False)):
            assert await may_capture(session, ids.attempt_id, amount) is allowed
        now = system_now()
        refused = await guard.hold_refusal(session, campaign, attempt, beyond, now)
        assert refused is FailureReason.CAPTURE_REFUSED
        # Nothing that was signed is left: nothing more than what was taken is.
        await session.execute(text("UPDATE mandates SET signature = 'x'"))
        await guard.take(session, campaign, attempt, total)
        assert await used(session) == (dearer.minor, "USD")


async def test_an_order_of_an_older_worker_is_paid_and_its_names_are_nobodys(desk: Desk) -> None:
    ids, offer = await desk.ready_to_order()
    await desk.order(ids, offer)
    async with desk.house.database.transaction(TESTS) as session:
        await session.execute(
            text(
                "UPDATE provider_calls SET facts = facts - 'mandate_id' WHERE facts ? 'mandate_id'"
            )
        )
        await session.execute(text("DELETE FROM mandate_uses"))
        session.expire_all()
        assert await may_capture(session, ids.attempt_id, Money(minor=10**9, currency="USD"))
        mandate = await live_mandate_row(session, UUID(str(ids.campaign_id)))
        assert mandate is not None
        unsigned = MandateRow(**mandate.model_dump() | {"document": None})
        assert not await names_signed(session, desk.house.vault, unsigned, [])

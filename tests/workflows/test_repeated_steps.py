"""A worker may die after a step took effect and before anybody heard of it: the step runs again."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from consents import signed_edit
from house import House, at_work, eventually
from stories import cheapest_found
from temporalio.testing import ActivityEnvironment

from activities.campaigns import CampaignActivities
from activities.mandate_guard import MandateGuard
from domain.campaigns import BookingMode
from domain.criteria import Criteria
from domain.messages.campaign import (
    Asked,
    CampaignEdit,
    Consent,
    EditInput,
    NewCampaign,
    OpenInput,
    ProposalInput,
)
from domain.money import Money

SOON = timedelta(minutes=6)  # a look for nobody in particular would come in an hour
CHEAP = Money(minor=100, currency="USD")


async def unheard(house: House, step: str, request: Any, now: datetime | None = None) -> None:
    """Let a step of a wish take effect without its workflow knowing."""
    alone = ActivityEnvironment()
    alone.info = dataclasses.replace(alone.info, started_time=now or datetime.now(UTC))
    done: Callable[[Any], Awaitable[object]] = getattr(
        CampaignActivities(
            house.database, house.settings.policy, MandateGuard(house.settings.mandate_signing)
        ),
        step,
    )
    await alone.run(done, request)


async def proposed(house: House) -> tuple[NewCampaign, UUID]:
    """Have flights proposed to somebody who is asked first."""
    user, traveler = await house.someone()
    mode = BookingMode.ASK_ME_FIRST
    new = house.new_campaign(user, (traveler,), house.wish(), mode=mode)
    await house.create(new)
    await house.until(new.campaign_id, "awaiting_approval")
    rows = await house.rows("SELECT id FROM proposals WHERE campaign_id = :id", id=new.campaign_id)
    return new, rows[0]["id"]


async def test_a_yes_that_nobody_heard_of_still_books(house: House) -> None:
    new, proposal = await proposed(house)
    said = ProposalInput(campaign_id=new.campaign_id, proposal_id=proposal)
    await unheard(house, "approve_proposal", said)
    assert (await house.update(new.campaign_id, "approve", proposal)).code == "done"
    await house.until(new.campaign_id, "booked")
    assert (await house.update(new.campaign_id, "approve", proposal)).code == "booked"
    assert len(await house.attempts(new.campaign_id)) == 1
    await house.in_order()


async def test_a_yes_whose_attempt_came_to_nothing_is_used_up(house: House) -> None:
    new, proposal = await proposed(house)
    house.fault("duffel", "create_order", "payment_declined")
    assert (await house.update(new.campaign_id, "approve", proposal)).code == "done"
    await house.attempt_in(new.campaign_id, "failed")
    again = await house.update(new.campaign_id, "approve", proposal)
    assert again.code == "no_such_proposal"


async def test_a_no_that_nobody_heard_of_stands(house: House) -> None:
    new, proposal = await proposed(house)
    said = ProposalInput(campaign_id=new.campaign_id, proposal_id=proposal)
    await unheard(house, "reject_proposal", said)
    assert (await house.update(new.campaign_id, "reject", proposal)).code == "already"
    assert (await house.update(new.campaign_id, "approve", proposal)).code == "no_such_proposal"


def edit_of(new: NewCampaign, criteria: Criteria) -> CampaignEdit:
    edit = CampaignEdit(
        expected_version=1,
        name=new.name,
        criteria=criteria,
        mode=new.mode,
        traveler_ids=new.traveler_ids,
        party=new.party,
        consent=Consent(text_version="1", cap=criteria.budget, consented_at=new.created_at),
        ends_at=new.ends_at,
    )
    return signed_edit(new, edit)


async def test_an_edit_that_nobody_heard_of_is_not_stale(house: House) -> None:
    new = await house.wish_of_someone(budget=CHEAP)
    edit = edit_of(new, house.wish(budget=CHEAP, refundable_only=True))
    await unheard(house, "edit_campaign", EditInput(campaign_id=new.campaign_id, edit=edit))
    answer = await house.update(new.campaign_id, "edit", edit)
    assert (answer.code, answer.criteria_version) == ("done", 2)
    other = edit.model_copy(update={"name": "another"})
    assert (await house.update(new.campaign_id, "edit", other)).code == "stale"


async def test_an_edit_that_nobody_heard_of_keeps_what_was_found_for_it(
    furnish: Any,
) -> None:
    """The next worker hears of the edit and of what was found for it at once."""
    async with furnish(workers=False) as house:
        async with at_work(house):
            new = await house.wish_of_someone(budget=CHEAP)
            found = await cheapest_found(house)
        edit = edit_of(new, house.wish())
        await unheard(house, "edit_campaign", EditInput(campaign_id=new.campaign_id, edit=edit))
        wish = house.campaign(new.campaign_id)
        # What was found for the wish of before keeps the process busy while it hears of the edit.
        for version in (*[1] * 8, 2):
            await wish.signal("offer_found", found.model_copy(update={"criteria_version": version}))
        answer = asyncio.create_task(house.update(new.campaign_id, "edit", edit))
        async with at_work(house):
            assert (await answer).code == "done"
            await house.until(new.campaign_id, "booked")
        await house.in_order()


async def test_a_proposal_that_nobody_heard_of_does_not_stand_before_a_newer_match(
    furnish: Any,
) -> None:
    """It was withdrawn by an edit that nobody heard of either; then the edited wish was matched."""
    async with furnish(workers=False) as house:
        async with at_work(house):
            user, traveler = await house.someone()
            never = house.wish(airlines_wanted=("XX",))
            new = house.new_campaign(user, (traveler,), never, mode=BookingMode.ASK_ME_FIRST)
            await house.create(new)
            found = await cheapest_found(house)
        wish = house.campaign(new.campaign_id)
        run_id = (await wish.describe()).run_id
        opening = OpenInput(
            campaign_id=new.campaign_id, opening_key=f"{new.campaign_id}:{run_id}:1", offer=found
        )
        await unheard(house, "act_on_match", opening)
        assert await house.state(new.campaign_id) == "awaiting_approval"
        edit = edit_of(new, house.wish())
        await unheard(house, "edit_campaign", EditInput(campaign_id=new.campaign_id, edit=edit))
        for version in (1, 2):
            await wish.signal("offer_found", found.model_copy(update={"criteria_version": version}))
        answer = asyncio.create_task(house.update(new.campaign_id, "edit", edit))
        async with at_work(house):
            assert (await answer).code == "done"
            await house.until(new.campaign_id, "awaiting_approval")
        proposals = await house.rows("SELECT status FROM proposals ORDER BY created_at")
        assert [one["status"] for one in proposals] == ["void", "open"]
        await house.in_order()


async def test_a_resume_that_nobody_heard_of_looks_soon(house: House) -> None:
    house.fare("2900.00")
    new = await house.wish_of_someone()
    await house.watched(new.campaign_id)
    assert (await house.update(new.campaign_id, "pause")).code == "done"
    house.fare("300.00")
    asked = Asked(campaign_id=new.campaign_id, request=uuid4())
    await unheard(house, "resume_campaign", asked)
    assert (await house.update(new.campaign_id, "resume")).code == "already"
    await house.later(SOON, new.campaign_id)
    await house.until(new.campaign_id, "booked")


async def test_an_end_that_nobody_heard_of_is_told(house: House) -> None:
    new = await house.wish_of_someone(budget=CHEAP)
    await unheard(house, "expire_campaign", new.campaign_id, new.ends_at)
    assert (await house.update(new.campaign_id, "pause")).code == "ended"

    async def told() -> bool:
        query = "SELECT state FROM notices WHERE campaign_id = :id AND event = 'expired' AND channel = 'email'"
        rows = await house.rows(query, id=new.campaign_id)
        return [row["state"] for row in rows] == ["sent"]

    await eventually(told)

"""Taking a cancelling back, step by step: in time, once, and only to what is still possible."""

from datetime import timedelta
from uuid import uuid4

from activity_desk import Desk
from house import TESTS
from sqlalchemy import text

from domain.messages.campaign import Opening


async def test_a_cancelling_is_taken_back_in_time_and_with_its_travellers(desk: Desk) -> None:
    steps = desk.all.second_thoughts
    new = await desk.wish()
    match = await desk.found(new)
    assert (await desk.ask(steps.undo_cancel, new.campaign_id)).code == "already"
    for _ in range(2):
        answer = await desk.ask(steps.cancel_with_undo, new.campaign_id)
    assert (answer.code, answer.state) == ("already", "cancelled")
    assert (await desk.act(new, match)).what is Opening.NOTHING
    facts = await desk.take(desk.all.campaigns.campaign_facts, new.campaign_id)
    assert facts.undo_until is not None
    await desk.take(steps.close_cancelled, new.campaign_id)  # too early to be final

    async with desk.house.database.transaction(TESTS) as session:
        await session.execute(text("UPDATE travelers SET deleted_at = now()"))
    assert (await desk.ask(steps.undo_cancel, new.campaign_id)).code == "not_now"
    async with desk.house.database.transaction(TESTS) as session:
        await session.execute(text("UPDATE travelers SET deleted_at = NULL"))
    late = timedelta(seconds=61)
    assert (await desk.ask(steps.undo_cancel, new.campaign_id, after=late)).code == "ended"
    answer = await desk.ask(steps.undo_cancel, new.campaign_id)
    assert (answer.code, answer.state) == ("done", "active")
    assert (await desk.act(new, match)).what is Opening.ATTEMPT

    # From the midst of a booking it goes back to watching.
    assert (await desk.ask(steps.cancel_with_undo, new.campaign_id)).code == "done"
    assert (await desk.ask(steps.undo_cancel, new.campaign_id)).state == "active"
    assert (await desk.ask(steps.cancel_with_undo, new.campaign_id)).code == "done"
    for _ in range(2):
        await desk.take(steps.close_cancelled, new.campaign_id, after=late)
    answer = await desk.ask(steps.undo_cancel, new.campaign_id)
    assert (answer.code, answer.state) == ("ended", "cancelled")
    (mandate,) = await desk.house.rows("SELECT revoked_at FROM mandates")
    assert mandate["revoked_at"] is not None


async def test_a_worker_that_stood_still_undoes_nothing_that_was_asked_since(desk: Desk) -> None:
    """It takes the step of a request that another took for it: once was enough."""
    campaigns, thoughts = desk.all.campaigns, desk.all.second_thoughts
    new = await desk.wish()
    for first, then, state in (
        (campaigns.pause_campaign, campaigns.resume_campaign, "active"),
        (campaigns.resume_campaign, campaigns.pause_campaign, "paused"),
        (thoughts.cancel_with_undo, thoughts.undo_cancel, "paused"),
        (thoughts.undo_cancel, thoughts.cancel_with_undo, "cancelled"),
    ):
        request = uuid4()
        await desk.ask(first, new.campaign_id, request)
        await desk.ask(then, new.campaign_id)
        events = await desk.house.events(new.campaign_id)
        late = await desk.ask(first, new.campaign_id, request)
        assert (late.code, late.state) == ("already", state)
        assert await desk.house.events(new.campaign_id) == events

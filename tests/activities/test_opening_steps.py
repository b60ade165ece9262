"""From a match to an attempt or a proposal, where a step runs twice or comes too late."""

from activity_desk import Desk

from domain.campaigns import BookingMode
from domain.messages.campaign import Opening, ProposalInput

ASK = BookingMode.ASK_ME_FIRST


async def test_a_match_opens_one_attempt_however_often_it_is_told(desk: Desk) -> None:
    new = await desk.wish()
    match = await desk.found(new)
    first = await desk.act(new, match, "once")
    again = await desk.act(new, match, "once")
    assert first.what is again.what is Opening.ATTEMPT
    assert first.attempt == again.attempt
    assert (await desk.act(new, match, "twice")).why == "not watching"


async def test_a_proposal_is_made_once_told_and_booked_at_its_price_at_most(desk: Desk) -> None:
    new = await desk.wish(mode=ASK)
    match = await desk.found(new)
    for _ in range(2):
        assert (await desk.act(new, match, "once")).what is Opening.PROPOSAL
    (row,) = await desk.house.rows("SELECT id, status FROM proposals")
    assert row["status"] == "open"
    await desk.take(desk.all.notices.send_notices, new.campaign_id)
    (mail,) = desk.house.sandbox.ledger()["mail"]["messages"]
    assert mail["subject"]

    yes = ProposalInput(campaign_id=new.campaign_id, proposal_id=row["id"])
    approved = await desk.take(desk.all.campaigns.approve_proposal, yes)
    assert approved.offer == match
    opened = await desk.act(new, match, "approved", proposal_id=row["id"])
    assert opened.attempt
    assert opened.attempt.limit == match.price < new.consent.cap


async def test_a_proposal_is_void_when_its_wish_is_paused(desk: Desk) -> None:
    new = await desk.wish(mode=ASK)
    await desk.act(new, await desk.found(new))
    await desk.ask(desk.all.campaigns.pause_campaign, new.campaign_id)
    (row,) = await desk.house.rows("SELECT status, closed_at FROM proposals")
    assert row["status"] == "void"
    assert row["closed_at"]
    await desk.ask(desk.all.campaigns.cancel_campaign, new.campaign_id)
    assert (await desk.house.events(new.campaign_id)).count("proposal.void") == 1


async def test_flights_that_nobody_remembers_are_not_proposed(desk: Desk) -> None:
    new = await desk.wish(mode=ASK)
    match = await desk.found(new)
    stranger = match.model_copy(update={"itinerary_key": "another"})
    opened = await desk.act(new, stranger)
    assert (opened.what, opened.why) == (Opening.NOTHING, "the look's offer is gone")

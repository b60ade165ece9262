"""What a traveller changes, on both sides of the point of no return, is answered truly."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from consents import signed_edit
from house import House, eventually

from domain.campaigns import BookingMode
from domain.criteria import Criteria
from domain.ids import CampaignId
from domain.messages.campaign import CampaignAnswer, CampaignEdit, Consent, NewCampaign
from domain.money import Money

HELD = 2.0  # seconds for which a provider is kept from answering
LATER = timedelta(minutes=70)  # by then the search loop looks at a pair of flights again
CHEAP = Money(minor=100, currency="USD")


@pytest.fixture
async def brief(furnish: Any) -> AsyncIterator[House]:
    """Return a house whose proposals wait five minutes."""
    async with furnish(proposal_ttl_minutes=5) as opened:
        yield opened


async def at_the_search(house: House) -> NewCampaign:
    """Let an attempt wait for the answer of its own search: nothing is held yet."""
    house.fault("duffel", "create_offer_request", "delay", skip=1, seconds=HELD)
    new = await house.wish_of_someone()
    await house.attempt_in(new.campaign_id, "validating")
    return new


async def at_the_order(house: House) -> NewCampaign:
    """Let an attempt wait for the answer of its order: the point of no return has been passed."""
    house.fault("duffel", "create_order", "delay", seconds=HELD)
    new = await house.wish_of_someone()
    await house.attempt_in(new.campaign_id, "ordering")
    return new


def edit_of(new: NewCampaign, criteria: Criteria, version: int = 1) -> CampaignEdit:
    edit = CampaignEdit(
        expected_version=version,
        name=new.name,
        criteria=criteria,
        mode=new.mode,
        traveler_ids=new.traveler_ids,
        party=new.party,
        consent=Consent(text_version="1", cap=criteria.budget, consented_at=new.created_at),
        ends_at=new.ends_at,
    )
    return signed_edit(new, edit)


async def edit(house: House, new: NewCampaign, criteria: Criteria, version: int = 1) -> str:
    answer = await house.update(new.campaign_id, "edit", edit_of(new, criteria, version))
    return answer.code


# Before the point of no return


@pytest.mark.parametrize(("request_", "state"), [("cancel", "cancelled"), ("pause", "paused")])
async def test_before_the_order_the_traveller_wins(house: House, request_: str, state: str) -> None:
    new = await at_the_search(house)
    answer = await house.update(new.campaign_id, request_)
    assert (answer.code, answer.state) == ("done", state)
    failed = await house.attempt_in(new.campaign_id, "failed")
    assert failed["failure_reason"] == "withdrawn"
    assert await house.state(new.campaign_id) == state
    assert house.calls("duffel", "create_order") == 0
    assert "succeeded" not in house.intents()
    await house.in_order()


async def test_money_that_was_held_is_released_when_the_traveller_wins(house: House) -> None:
    house.fault("stripe", "confirm_payment_intent", "delay", seconds=HELD)
    new = await house.wish_of_someone()
    await house.attempt_in(new.campaign_id, "authorising")
    assert (await house.update(new.campaign_id, "cancel")).code == "done"
    failed = await house.attempt_in(new.campaign_id, "failed")
    assert failed["failure_reason"] == "withdrawn"
    assert house.intents() == ["canceled"]
    assert house.orders() == []
    await house.in_order()


async def test_a_paused_wish_books_after_it_is_resumed(house: House) -> None:
    new = await at_the_search(house)
    assert (await house.update(new.campaign_id, "pause")).code == "done"
    await house.attempt_in(new.campaign_id, "failed")
    assert (await house.update(new.campaign_id, "pause")).code == "already"
    assert (await house.update(new.campaign_id, "resume")).code == "done"
    assert (await house.update(new.campaign_id, "resume")).code == "already"
    await house.later(LATER, new.campaign_id)
    await house.until(new.campaign_id, "booked")
    await house.in_order()


async def test_resuming_while_the_old_attempt_still_ends_books_once(house: House) -> None:
    new = await at_the_search(house)
    assert (await house.update(new.campaign_id, "pause")).code == "done"
    assert (await house.update(new.campaign_id, "resume")).code == "done"
    await house.attempt_in(new.campaign_id, "failed")
    await house.later(LATER, new.campaign_id)
    await house.until(new.campaign_id, "booked")
    assert [a["state"] for a in await house.attempts(new.campaign_id)] == ["failed", "captured"]
    assert house.orders() == ["live"]
    await house.in_order()


async def test_a_wish_is_not_edited_while_an_attempt_runs(house: House) -> None:
    new = await at_the_search(house)
    assert await edit(house, new, new.criteria) == "being_booked"
    await house.until(new.campaign_id, "booked")
    assert await edit(house, new, new.criteria) == "booked"
    await house.in_order()


# After it


@pytest.mark.parametrize("request_", ["cancel", "pause", "resume"])
async def test_after_the_order_was_sent_the_answer_is_being_booked(
    house: House, request_: str
) -> None:
    new = await at_the_order(house)
    assert (await house.update(new.campaign_id, request_)).code == "being_booked"
    await house.until(new.campaign_id, "booked")
    late = await house.update(new.campaign_id, request_)
    assert late.code == "booked"
    assert late.booking_reference
    assert house.orders() == ["live"]
    await house.in_order()


async def test_an_edit_after_the_order_was_sent_is_answered_the_same(house: House) -> None:
    new = await at_the_order(house)
    assert await edit(house, new, new.criteria) == "being_booked"
    await house.until(new.campaign_id, "booked")
    await house.in_order()


async def test_cancelling_at_any_moment_leaves_one_or_none(house: House) -> None:
    """Whoever wins, the answer agrees with the books."""
    answers: dict[CampaignId, CampaignAnswer] = {}
    for number in range(8):
        user, traveler = await house.someone()
        day = house.wish().departure_from + timedelta(days=number)
        wish = house.wish(departure_from=day, departure_until=day)
        new = house.new_campaign(user, (traveler,), wish)
        await house.create(new)

        async def so_far(
            campaign_id: CampaignId = new.campaign_id, steps: int = number + 1
        ) -> bool:
            return len(await house.events(campaign_id)) > steps

        await eventually(so_far)  # another moment of the saga each time
        answers[new.campaign_id] = await house.update(new.campaign_id, "cancel")
    for campaign_id, answer in answers.items():
        won = answer.code == "done"
        assert answer.code in {"done", "being_booked", "booked"}
        await house.until(campaign_id, "cancelled" if won else "booked")
        await house.attempt_in(campaign_id, "failed" if won else "captured")
    booked = sum(answer.code != "done" for answer in answers.values())
    assert house.orders() == ["live"] * booked
    await house.in_order()


# Edits


async def test_an_edit_is_watched_with_its_new_limit(house: House) -> None:
    new = await house.wish_of_someone(budget=CHEAP)
    await house.watched(new.campaign_id)
    assert await edit(house, new, house.wish(), version=2) == "stale"
    assert await edit(house, new, house.wish()) == "done"
    await house.later(LATER, new.campaign_id)
    await house.until(new.campaign_id, "booked")
    assert (await house.attempts(new.campaign_id))[0]["criteria_version"] == 2
    await house.in_order()


async def test_ended_wishes_stay_ended(house: House) -> None:
    new = await house.wish_of_someone(budget=CHEAP)
    assert (await house.update(new.campaign_id, "cancel")).code == "done"

    async def closed() -> bool:
        return (await house.campaign(new.campaign_id).describe()).status != 1

    await eventually(closed)
    assert await house.create(new) is not None
    assert await house.state(new.campaign_id) == "cancelled"
    assert await house.events(new.campaign_id) == ["campaign.created", "campaign.cancelled"]


# The clock


async def test_a_wish_ends_on_its_day_and_says_so(house: House) -> None:
    new = await house.wish_of_someone(budget=CHEAP)
    await house.watched(new.campaign_id)
    await house.skip(house.campaign(new.campaign_id), timedelta(days=43))
    await house.until(new.campaign_id, "expired")
    assert await house.notices(new.campaign_id) == ["expiring_soon", "expired"]
    assert house.intents() == house.orders() == []
    await house.in_order()


async def test_a_wish_that_expires_during_its_order_is_booked(house: House) -> None:
    house.fault("duffel", "create_order", "delay", seconds=4)
    new = await house.wish_of_someone()
    await house.attempt_in(new.campaign_id, "ordering")
    await house.skip(house.campaign(new.campaign_id), timedelta(days=43))
    await house.until(new.campaign_id, "booked")
    await house.in_order()


# Ask me first


async def proposed(house: House) -> tuple[NewCampaign, str]:
    """Let a wish that asks first find something; return it and the proposal's id."""
    user, traveler = await house.someone()
    new = house.new_campaign(user, (traveler,), mode=BookingMode.ASK_ME_FIRST)
    await house.create(new)
    await house.until(new.campaign_id, "awaiting_approval")
    rows = await house.rows(
        "SELECT id FROM proposals WHERE campaign_id = :id AND status = 'open'", id=new.campaign_id
    )
    assert len(rows) == 1
    assert house.intents() == house.orders() == []
    return new, str(rows[0]["id"])


async def test_an_approved_proposal_is_searched_afresh_and_booked(house: House) -> None:
    new, proposal = await proposed(house)
    assert await house.notices(new.campaign_id) == ["approval_needed"]
    answer = await house.update(new.campaign_id, "approve", proposal)
    assert answer.code == "done"
    assert (await house.update(new.campaign_id, "approve", proposal)).code in {
        "already",
        "being_booked",
        "booked",
    }
    await house.until(new.campaign_id, "booked")
    assert len(await house.attempts(new.campaign_id)) == 1
    await house.in_order()


async def test_an_approved_proposal_that_got_dearer_is_not_booked(house: House) -> None:
    new, proposal = await proposed(house)
    house.fault("duffel", "get_offer", "price_changed", value={"amount": "1.00"}, times=None)
    assert (await house.update(new.campaign_id, "approve", proposal)).code == "done"
    failed = await house.attempt_in(new.campaign_id, "failed")
    assert failed["failure_reason"] == "price_rose"
    await house.until(new.campaign_id, "active")
    assert house.intents() == house.orders() == []
    await house.in_order()


async def test_a_rejected_proposal_is_not_made_again(house: House) -> None:
    new, proposal = await proposed(house)
    other = "00000000-0000-5000-8000-000000000000"
    assert (await house.update(new.campaign_id, "reject", other)).code == "no_such_proposal"
    assert (await house.update(new.campaign_id, "reject", proposal)).code == "done"
    await house.later(LATER, new.campaign_id)
    await house.until(new.campaign_id, "awaiting_approval")
    rows = await house.rows("SELECT itinerary_key FROM proposals")
    assert len({r["itinerary_key"] for r in rows}) == 2
    assert (await house.update(new.campaign_id, "approve", proposal)).code == "no_such_proposal"
    assert house.orders() == []


async def test_a_proposal_that_nobody_answers_lapses(brief: House) -> None:
    house = brief
    new, proposal = await proposed(house)
    await house.skip(house.campaign(new.campaign_id), timedelta(minutes=6))
    await house.until(new.campaign_id, "active")
    assert "proposal.lapsed" in await house.events(new.campaign_id)
    assert (await house.update(new.campaign_id, "approve", proposal)).code == "no_such_proposal"
    assert house.intents() == house.orders() == []


@pytest.mark.parametrize("request_", ["pause", "cancel", "edit"])
async def test_a_change_voids_the_proposal(house: House, request_: str) -> None:
    new, proposal = await proposed(house)
    if request_ == "edit":
        assert await edit(house, new, house.wish(budget=CHEAP)) == "done"
    else:
        assert (await house.update(new.campaign_id, request_)).code == "done"
    rows = await house.rows("SELECT status FROM proposals")
    assert [r["status"] for r in rows] == ["void"]
    if request_ != "cancel":
        late = await house.update(new.campaign_id, "approve", proposal)
        assert late.code == "no_such_proposal"
    assert house.orders() == []


# After a failure


async def test_after_a_failure_the_wish_holds_off_and_leaves_the_flights_alone(
    house: House,
) -> None:
    house.fault("duffel", "create_order", "payment_declined")
    new = await house.wish_of_someone()
    failed = await house.attempt_in(new.campaign_id, "failed")
    await house.until(new.campaign_id, "active")
    row = await house.row("autobooking_campaigns", new.campaign_id)
    assert row["hold_off_until"] == failed["ignore_until"]
    wait = row["hold_off_until"] - failed["finished_at"] if failed["finished_at"] else None
    assert wait is None or wait <= timedelta(minutes=6)
    # Another failure waits twice as long.
    house.fault("duffel", "create_order", "payment_declined")
    await house.later(LATER, new.campaign_id)

    async def twice() -> bool:
        found = await house.attempts(new.campaign_id)
        return [a["state"] for a in found] == ["failed", "failed"]

    await eventually(twice)
    first, second = await house.attempts(new.campaign_id)
    assert second["ignore_until"] - second["updated_at"] > timedelta(minutes=9)
    assert first["ignore_until"] - first["updated_at"] < timedelta(minutes=6)
    assert house.orders() == []
    await house.in_order()

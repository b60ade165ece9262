"""A consent that comes by itself, and wishes that need none: each step on real rows."""

from datetime import timedelta
from typing import Any

from activity_desk import Desk
from consents import consent_to, document_of, signed_edit, unsigned

from domain.campaigns import BookingMode
from domain.messages.campaign import (
    CampaignAnswer,
    CampaignEdit,
    Consent,
    ConsentInput,
    EditInput,
    NewCampaign,
    OfferFound,
    Opening,
    OpenInput,
)
from domain.messages.search import PlanInput
from domain.money import Money

DAY = timedelta(days=1)


async def made(desk: Desk, **changes: Any) -> NewCampaign:
    """Make a wish without a consent."""
    user, traveler = await desk.house.someone()
    new = desk.house.new_campaign(user, (traveler,), **changes)
    new = new.model_copy(update={"consent": None})
    answer = await desk.take(desk.all.campaigns.create_campaign, new)
    assert answer.code == "done"
    return new


async def give(desk: Desk, new: NewCampaign, consent: Consent | None = None) -> CampaignAnswer:
    given = consent or consent_to(document_of(new))
    request = ConsentInput(campaign_id=new.campaign_id, consent=given)
    answer: CampaignAnswer = await desk.take(desk.all.consents.give_consent, request)
    return answer


def edit_of(new: NewCampaign, mode: BookingMode, version: int) -> EditInput:
    edit = CampaignEdit(
        expected_version=version,
        name=f"version {version}",
        criteria=new.criteria,
        mode=mode,
        traveler_ids=new.traveler_ids,
        party=new.party,
        ends_at=new.ends_at,
    )
    return EditInput(campaign_id=new.campaign_id, edit=edit)


async def test_a_wish_without_a_consent_waits_for_it(desk: Desk) -> None:
    new = await made(desk)
    steps = desk.all.campaigns
    assert (await desk.take(steps.campaign_answer, new.campaign_id)).state == "awaiting_consent"
    assert (await desk.ask(steps.resume_campaign, new.campaign_id)).code == "consent_needed"
    assert (await desk.ask(steps.pause_campaign, new.campaign_id)).code == "not_now"
    plan = await desk.take(desk.all.search.plan_round, PlanInput(seller="duffel"))
    assert plan.looks == ()

    other = document_of(new, criteria_version=2)
    assert (await give(desk, new, consent_to(other))).code == "stale"
    of_another = document_of(new, owner_id=new.campaign_id)
    assert (await give(desk, new, consent_to(of_another))).code == "consent_needed"
    assert (await give(desk, new, unsigned(new))).code == "consent_needed"
    forged = consent_to(document_of(new))
    assert forged.signed is not None
    forged = forged.model_copy(
        update={"signed": forged.signed.model_copy(update={"key_id": "nobody"})}
    )
    assert (await give(desk, new, forged)).code == "consent_needed"
    assert await desk.house.rows("SELECT 1 FROM mandates") == []

    consent = consent_to(document_of(new))
    answer = await give(desk, new, consent)
    assert (answer.code, answer.state) == ("done", "active")
    assert (await give(desk, new, consent)).code == "already"
    # Another one takes its place; the wish goes on as it was.
    assert (await give(desk, new)).code == "done"
    rows = await desk.house.rows("SELECT revoked_at IS NULL AS stands FROM mandates")
    assert sorted(row["stands"] for row in rows) == [False, True]
    opened = await desk.act(new, await desk.found(new))
    assert opened.what is Opening.ATTEMPT
    assert (await give(desk, new)).code == "being_booked"


async def test_a_change_of_a_waiting_wish_may_bring_the_consent_or_need_none(desk: Desk) -> None:
    new = await made(desk)
    edit = desk.all.campaigns.edit_campaign
    still = await desk.take(edit, edit_of(new, BookingMode.ASK_ME_FIRST, 1))
    assert (still.code, still.state) == ("done", "awaiting_consent")
    told = await desk.take(edit, edit_of(new, BookingMode.NOTIFY, 2))
    assert (told.code, told.state) == ("done", "active")
    assert (await give(desk, new)).code == "not_now"
    bare = await desk.take(edit, edit_of(new, BookingMode.AUTO, 3))
    assert bare.code == "consent_needed"
    request = edit_of(new, BookingMode.AUTO, 3)
    consented = request.model_copy(update={"edit": signed_edit(new, request.edit)})
    answer = await desk.take(edit, consented)
    assert (answer.code, answer.state, answer.criteria_version) == ("done", "active", 4)


async def test_a_wish_that_only_tells_books_nothing_and_tells_what_is_news(desk: Desk) -> None:
    new = await made(desk, mode=BookingMode.NOTIFY)
    match = await desk.found(new)

    async def told(price: int, look: OfferFound, after: timedelta) -> Opening:
        offer = look.model_copy(update={"price": Money(minor=price, currency="USD")})
        request = OpenInput(
            campaign_id=new.campaign_id, opening_key=f"{price}:{after}", offer=offer
        )
        opened = await desk.take(desk.all.campaigns.act_on_match, request, after=after)
        assert opened.facts.state == "active"
        assert opened.facts.untold or opened.what is Opening.NOTHING or after
        return Opening(opened.what)

    assert await told(48_000, match, timedelta(0)) is Opening.TOLD
    assert await told(48_000, match, timedelta(0)) is Opening.NOTHING
    later = await desk.found(new)
    assert await told(30_000, later, timedelta(hours=3)) is Opening.NOTHING
    assert await told(47_900, later, DAY * 2) is Opening.NOTHING
    assert await told(30_000, later, DAY * 2) is Opening.TOLD
    assert await desk.house.notices(new.campaign_id) == ["fare_found", "fare_found"]
    assert await desk.house.rows("SELECT 1 FROM booking_attempts") == []
    assert await desk.house.rows("SELECT 1 FROM mandates") == []
    assert desk.house.intents() == []
    # Another wish is another matter: what was told of the first says nothing of it.
    await desk.take(desk.all.campaigns.edit_campaign, edit_of(new, BookingMode.NOTIFY, 1))
    (row,) = await desk.house.rows("SELECT told_minor, told_at FROM autobooking_campaigns")
    assert (row["told_minor"], row["told_at"]) == (None, None)

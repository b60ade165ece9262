"""A consent at the two steps that ask it, on real rows: the hold, and the point of no return."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from activity_desk import Desk
from consents import consent_to, document_of, unsigned
from house import TESTS
from sqlalchemy import text

from db.models import CampaignRow
from db.queries.mandates import insert_mandate
from domain.attempts import FailureReason
from domain.mandate_document import SealedSalt, SignedTraveler, name_digest, to_text
from domain.messages.attempt import (
    AttemptInput,
    AttemptStep,
    AuthorisationStatus,
    CaptureStatus,
    FailInput,
    OrderStatus,
)
from domain.messages.campaign import NewCampaign, Opening
from domain.messages.search import PlanInput
from domain.money import Money
from domain.travelers import TravelerDetails
from runtime.clock import system_now

YEARS = timedelta(days=800)


async def execute(desk: Desk, statement: str, **values: Any) -> None:
    async with desk.house.database.transaction(TESTS) as session:
        await session.execute(text(statement), values)


async def consents(desk: Desk, new: NewCampaign, **changes: Any) -> None:
    """Put another consent in the place of the one that stands."""
    await execute(desk, "UPDATE mandates SET revoked_at = consented_at WHERE revoked_at IS NULL")
    async with desk.house.database.transaction(TESTS) as session:
        row = await session.get_one(CampaignRow, new.campaign_id)
        await insert_mandate(session, row, consent_to(document_of(new, **changes)))


COLUMNS = (
    "document", "signature", "key_id", "cap_minor", "currency", "expires_at", "consented_at",
    "criteria_version", "text_version", "nonce", "passkey",
)  # fmt: skip
TAMPERED = (
    "document = replace(document, 'USD', 'EUR')",
    "document = replace(document, '200000', '900000'), cap_minor = 900000",
    "document = document || ' '",
    "document = NULL",
    f"signature = '{to_text(bytes(64))}'",
    "signature = 'not base64!'",
    "key_id = 'another'",
    """passkey = '{"relying_party": "localhost", "credential_id": "", "public_key": "",
        "authenticator_data": "", "client_data": "", "signature": ""}'""",
    "cap_minor = cap_minor + 1",
    "currency = 'EUR'",
    "expires_at = expires_at + interval '1 year'",
    "consented_at = consented_at - interval '1 day'",
    "criteria_version = 2",
    "text_version = '2'",
    f"nonce = '{to_text(bytes(32))}'",
)


async def test_no_byte_of_it_can_change_before_the_hold_or_the_order(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    before = desk.house.intents()
    (kept,) = await desk.house.rows("SELECT * FROM mandates")
    for change in TAMPERED:
        await execute(desk, f"UPDATE mandates SET {change}")
        held = await desk.hold(attempt, offer.total, number=2)
        assert (held.status, held.reason) == (
            AuthorisationStatus.DECLINED,
            FailureReason.CONSENT_NEEDED,
        ), change
        outcome = await desk.order(attempt, offer)
        assert (outcome.status, outcome.reason) == (
            OrderStatus.WITHDRAWN,
            FailureReason.CONSENT_NEEDED,
        ), change
        await desk.set("mandates", kept["id"], **{name: kept[name] for name in COLUMNS})
    assert desk.house.intents() == before
    assert await desk.house.rows("SELECT 1 FROM mandate_uses") == []
    assert (await desk.order(attempt, offer)).status is OrderStatus.PLACED
    (use,) = await desk.house.rows("SELECT * FROM mandate_uses")
    assert (use["amount_minor"], use["released_at"]) == (offer.total.minor, None)
    assert (await desk.capture(attempt, offer.total)).status is CaptureStatus.CAPTURED


CONFLICTS = (
    ("cap_each", {"cap_each": Money(minor=1, currency="USD")}, FailureReason.WITHDRAWN),
    ("cap_total", {"cap_total": Money(minor=1, currency="USD")}, FailureReason.WITHDRAWN),
    ("card", {"card_id": uuid4()}, FailureReason.CONSENT_NEEDED),
    ("owner", {"owner_id": uuid4()}, FailureReason.CONSENT_NEEDED),
    ("campaign", {"campaign_id": uuid4()}, FailureReason.CONSENT_NEEDED),
    ("version", {"criteria_version": 7}, FailureReason.CONSENT_NEEDED),
    ("airlines", {"airlines_excluded": ("ZZ",)}, FailureReason.CONSENT_NEEDED),
)


async def test_a_consent_to_something_else_is_none_to_this(desk: Desk) -> None:
    """Each is genuine, signed by our key, and of this very campaign's rows."""
    new = await desk.wish()
    match = await desk.found(new)
    opened = await desk.act(new, match)
    attempt = AttemptInput.model_validate(opened.attempt)
    offer = await desk.chosen(attempt)
    for name, change, reason in CONFLICTS:
        await consents(desk, new, **change)
        await execute(
            desk,
            "UPDATE booking_attempts SET mandate_id = (SELECT id FROM mandates"
            " WHERE revoked_at IS NULL)",
        )
        held = await desk.hold(attempt, offer.total)
        assert (name, held.status, held.reason) == (name, AuthorisationStatus.DECLINED, reason)
    # In another row than its own, and for a second time under the same nonce, it cannot even be.
    assert desk.house.intents() == []
    nonce = "SELECT nonce FROM mandates LIMIT 1"
    with pytest.raises(Exception, match="mandates_nonce_key"):
        await execute(
            desk,
            "INSERT INTO mandates (id, campaign_id, user_id, kind, criteria_version, text_version,"
            " cap_minor, currency, consented_at, expires_at, revoked_at, nonce) SELECT :id,"
            f" campaign_id, user_id, kind, 1, '1', 1, 'USD', now(), now(), now(), ({nonce})"
            " FROM mandates LIMIT 1",
            id=uuid4(),
        )


async def test_after_the_order_neither_withdrawal_nor_the_end_leaves_it_unpaid(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    assert (await desk.order(attempt, offer)).status is OrderStatus.PLACED
    await execute(desk, "UPDATE mandates SET revoked_at = now()")
    dearer = offer.total.model_copy(update={"minor": offer.total.minor + 1})
    refused = await desk.capture(attempt, dearer)
    assert (refused.status, refused.code) == (CaptureStatus.REFUSED, "not_in_mandate")
    # A first hold that failed is made good by a second one, long after the end.
    again = await desk.take(
        desk.all.payments.authorise_payment,
        _hold(attempt, offer.total, 2),
        after=YEARS,
    )
    assert again.status is AuthorisationStatus.AUTHORISED
    assert (await desk.capture(attempt, offer.total, number=2)).status is CaptureStatus.CAPTURED
    (use,) = await desk.house.rows("SELECT * FROM mandate_uses")
    payments = await desk.house.rows("SELECT id, round FROM payments")
    assert use["payment_id"] in {p["id"] for p in payments}


async def test_what_an_attempt_took_is_given_back_when_it_booked_nothing(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    desk.house.fault("duffel", "create_order", "sold_out")
    assert (await desk.order(attempt, offer)).status is OrderStatus.REFUSED
    (use,) = await desk.house.rows("SELECT * FROM mandate_uses")
    assert use["released_at"] is not None
    # Another round takes it again: the same row, for the newest order.
    offer = await desk.chosen(attempt)
    assert (await desk.order(attempt, offer, number=2)).status is OrderStatus.PLACED
    (use,) = await desk.house.rows("SELECT * FROM mandate_uses")
    assert use["released_at"] is None
    await desk.set("bookings", attempt.booking_id, state="cancelled")
    await desk.take(
        desk.all.attempts.record_step,
        AttemptStep(attempt_id=attempt.attempt_id, state="compensating"),
    )
    fail = FailInput(
        attempt_id=attempt.attempt_id,
        campaign_id=attempt.campaign_id,
        reason=FailureReason.CAPTURE_REFUSED,
    )
    await desk.take(desk.all.attempts.fail_attempt, fail)
    (use,) = await desk.house.rows("SELECT * FROM mandate_uses")
    assert use["released_at"] is not None


async def test_a_mandate_that_is_used_up_allows_no_second_booking(desk: Desk) -> None:
    new = await desk.wish()
    match = await desk.found(new)
    first = AttemptInput.model_validate((await desk.act(new, match)).attempt)
    offer = await desk.chosen(first)
    await desk.hold(first, offer.total)
    assert (await desk.order(first, offer)).status is OrderStatus.PLACED
    assert (await desk.capture(first, offer.total)).status is CaptureStatus.CAPTURED
    # Somebody with the database in hand makes the wish watch again and its booking be gone.
    await execute(desk, "UPDATE bookings SET state = 'cancelled'")
    await execute(desk, "UPDATE autobooking_campaigns SET status = 'active'")
    await execute(
        desk, "UPDATE mandate_uses SET amount_minor = :all", all=new.criteria.budget.minor
    )
    opened = await desk.act(new, match)
    assert (opened.what, opened.why) == (Opening.NOTHING, "not allowed by the mandate")


async def test_who_consented_before_consents_were_signed_is_asked_again(desk: Desk) -> None:
    new = await desk.wish()
    match = await desk.found(new)
    async with desk.house.database.transaction(TESTS) as session:
        await session.execute(text("DELETE FROM mandates"))
        row = await session.get_one(CampaignRow, new.campaign_id)
        await insert_mandate(session, row, unsigned(new))
    plan = await desk.take(desk.all.search.plan_round, PlanInput(seller="duffel"))
    assert (plan.stopped, plan.looks) == ((new.campaign_id,), ())
    again = await desk.take(desk.all.search.plan_round, PlanInput(seller="duffel"))
    assert again.stopped == ()
    campaign = await desk.house.row("autobooking_campaigns", new.campaign_id)
    assert (campaign["status"], campaign["action_reason"]) == ("needs_action", "consent_needed")
    assert await desk.house.notices(new.campaign_id) == ["consent_needed"]
    facts = await desk.take(desk.all.campaigns.campaign_facts, new.campaign_id)
    assert facts.untold
    answer = await desk.ask(desk.all.campaigns.resume_campaign, new.campaign_id)
    assert answer.code == "consent_needed"
    assert (await desk.act(new, match)).what is Opening.NOTHING

    await consents(desk, new)
    answer = await desk.ask(desk.all.campaigns.resume_campaign, new.campaign_id)
    assert (answer.code, answer.state) == ("done", "active")
    assert (await desk.act(new, match)).what is Opening.ATTEMPT


async def test_nobody_flies_in_the_place_of_whom_was_signed_for(desk: Desk) -> None:
    new = await desk.wish()
    match = await desk.found(new)
    (traveler,), salt = new.traveler_ids, bytes(32)
    document = document_of(
        new,
        travelers=(
            SignedTraveler(traveler_id=traveler, name_digest=name_digest(salt, "Ada", "Lovelace")),
        ),
    )
    vault = desk.house.vault
    async with desk.house.database.transaction(TESTS) as session:
        sealed = await vault.seal(
            session, new.owner_id, to_text(salt), table="mandate_salts", column="salt",
            row_id=f"{document.mandate_id}:{traveler}", subject=traveler,
        )  # fmt: skip
        await session.execute(text("DELETE FROM mandates"))
        row = await session.get_one(CampaignRow, new.campaign_id)
        salts = (SealedSalt(traveler_id=traveler, salt_encrypted=sealed),)
        consent = consent_to(document).model_copy(update={"salts": salts})
        await insert_mandate(session, row, consent)
        kept = await vault.open_traveler(session, traveler)
    opened = await desk.act(new, match)
    attempt = AttemptInput.model_validate(opened.attempt)
    offer = await desk.chosen(attempt)
    await desk.hold(attempt, offer.total)
    await renamed(desk, new, kept.model_copy(update={"given_name": "Eve"}))
    outcome = await desk.order(attempt, offer)
    assert (outcome.status, outcome.reason) == (
        OrderStatus.WITHDRAWN,
        FailureReason.CONSENT_NEEDED,
    )
    await renamed(desk, new, kept)
    assert (await desk.order(attempt, offer)).status is OrderStatus.PLACED


async def renamed(desk: Desk, new: NewCampaign, details: TravelerDetails) -> None:
    (traveler,) = new.traveler_ids
    async with desk.house.database.transaction(TESTS) as session:
        sealed = await desk.house.vault.seal_traveler(
            session, new.owner_id, traveler, details, system_now()
        )
        await session.execute(
            text("UPDATE travelers SET given_name_encrypted = :name WHERE id = :id"),
            {"name": sealed.traveler.given_name_encrypted, "id": traveler},
        )


async def test_a_match_under_a_consent_that_is_not_genuine_stops_the_wish(desk: Desk) -> None:
    new = await desk.wish()
    match = await desk.found(new)
    await execute(desk, "UPDATE mandates SET key_id = 'nobodys'")
    assert (await desk.act(new, match)).what is Opening.NOTHING
    campaign = await desk.house.row("autobooking_campaigns", new.campaign_id)
    assert (campaign["status"], campaign["action_reason"]) == ("needs_action", "consent_needed")
    assert await desk.house.rows("SELECT 1 FROM booking_attempts") == []


def _hold(attempt: AttemptInput, amount: Money, number: int) -> Any:
    from domain.messages.attempt import AuthoriseInput

    return AuthoriseInput(
        attempt_id=attempt.attempt_id,
        campaign_id=attempt.campaign_id,
        amount=amount,
        round=number,
    )

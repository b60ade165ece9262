"""An allowance that lapses: minutes count at the hold and at the order, and never after it."""

from datetime import UTC, datetime, timedelta

from activity_desk import Desk
from consents import consent_to, document_of
from house import TESTS
from sqlalchemy import select

from db.models import OfferDecisionRow
from domain.attempts import FailureReason
from domain.mandate_document import MandateKind
from domain.messages.attempt import (
    AuthorisationStatus,
    AuthoriseInput,
    CaptureInput,
    CaptureStatus,
    OrderStatus,
)
from domain.messages.campaign import AllowOnce, AllowOnceInput
from domain.messages.search import LookInput
from domain.money import Money
from domain.offers import DatePair

LATE = timedelta(minutes=16)


async def test_what_is_allowed_for_minutes_is_not_held_or_ordered_after_them(desk: Desk) -> None:
    desk.house.fare("300.50")
    new = await desk.wish(budget=Money(minor=30_000, currency="USD"))
    pair = DatePair(origin="JFK", destination="LIS", departs_on=new.criteria.departure_from)
    look = LookInput(seller="duffel", look_key="a look", pair=pair, reason="a test")
    assert (await desk.take(desk.all.search.look, look)).matches == ()
    async with desk.house.database.transaction(TESTS) as session:
        decisions = select(OfferDecisionRow).where(OfferDecisionRow.reason == "over_budget")
        decision = (await session.scalars(decisions.order_by("total_minor"))).first()
    assert decision is not None
    (card,) = await desk.house.rows("SELECT id FROM payment_methods")
    most = Money(minor=decision.total_minor + 50, currency="USD")
    document = document_of(
        new,
        kind=MandateKind.ALLOW_ONCE,
        itinerary_key=decision.itinerary_key,
        cap_each=most,
        cap_total=most,
        card_id=card["id"],
        expires_at=datetime.now(UTC) + timedelta(minutes=15),
    )
    allow = AllowOnce(
        look_id=decision.look_id, offer_id=decision.offer_id, consent=consent_to(document)
    )
    request = AllowOnceInput(campaign_id=new.campaign_id, allow=allow)
    lapsed = await desk.take(desk.all.allowances.allow_once, request, after=LATE)
    assert lapsed.answer.code == "consent_needed"
    opened = await desk.take(desk.all.allowances.allow_once, request)
    again = await desk.take(desk.all.allowances.allow_once, request)
    assert (again.answer.code, again.attempt) == ("already", opened.attempt)
    attempt = opened.attempt
    assert attempt is not None
    offer = await desk.chosen(attempt)
    assert offer.total.minor == decision.total_minor
    hold = AuthoriseInput(
        attempt_id=attempt.attempt_id, campaign_id=new.campaign_id, amount=offer.total, round=1
    )
    late = await desk.take(desk.all.payments.authorise_payment, hold, after=LATE)
    assert (late.status, late.reason) == (
        AuthorisationStatus.DECLINED,
        FailureReason.ALLOWANCE_LAPSED,
    )
    await desk.hold(attempt, offer.total)
    order = desk.order_of(attempt, offer)
    late = await desk.take(desk.all.orders.create_order, order, after=LATE)
    assert (late.status, late.reason) == (OrderStatus.WITHDRAWN, FailureReason.ALLOWANCE_LAPSED)
    assert desk.house.orders() == []
    assert (await desk.order(attempt, offer)).status is OrderStatus.PLACED
    # Long after its minutes the money is taken all the same: the seats are booked.
    capture = CaptureInput(
        attempt_id=attempt.attempt_id,
        campaign_id=attempt.campaign_id,
        booking_id=attempt.booking_id,
        round=1,
        amount=offer.total,
    )
    taken = await desk.take(desk.all.payments.capture_payment, capture, after=LATE)
    assert taken.status is CaptureStatus.CAPTURED

"""What must hold between the providers' own books and our rows, whatever went wrong meanwhile.

Used by the demo, the fault tests and the soak. The books are the sandboxes' ledger
(`GET /_control/ledger`), the rows are ours; neither believes the other. The numbers are those of
the architecture's invariants; the fifth (no personal data in clear) is held by tests of its own.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import (
    AttemptRow,
    BookingRow,
    CampaignRow,
    DisputeRow,
    MandateRow,
    MandateUseRow,
    OperatorTaskRow,
    PaymentRow,
    ProviderCallRow,
    RefundRow,
)
from db.models.provider_call import CallState
from domain.attempts import LIVE
from domain.money import Money
from domain.operating import BY_OPERATOR
from domain.orders import BookingState
from domain.payments import PaymentState

Json = dict[str, Any]
_ONE_LIVE, _MONEY, _AGREED, _NOTHING_LOST = 1, 2, 3, 4
_MAY_LIVE = frozenset({"live", "pending"})
_OPEN_CALLS = frozenset({CallState.SENT, CallState.UNKNOWN})
# What a person has been asked to settle by hand: until then the money cannot add up.
_BY_HAND = frozenset({"refund_by_person", "refund_failed", "unpaid_order", "late_order", "void"})
_MANDATE = "mandate_id"  # on an order's call: a use of its mandate was written
_HOLDS_NOTHING = frozenset({PaymentState.VOIDED, PaymentState.DECLINED})


@dataclass(frozen=True)
class Violation:
    """A promise that was broken. `invariant` is its number, `subject` the object concerned."""

    invariant: int
    code: str
    subject: str
    detail: str

    def __str__(self) -> str:
        return f"[{self.invariant}] {self.code} {self.subject}: {self.detail}"


@dataclass(frozen=True)
class Rows:
    """Our side of the books."""

    campaigns: tuple[CampaignRow, ...] = ()
    mandates: tuple[MandateRow, ...] = ()
    uses: tuple[MandateUseRow, ...] = ()
    attempts: tuple[AttemptRow, ...] = ()
    bookings: tuple[BookingRow, ...] = ()
    payments: tuple[PaymentRow, ...] = ()
    refunds: tuple[RefundRow, ...] = ()
    disputes: tuple[DisputeRow, ...] = ()
    calls: tuple[ProviderCallRow, ...] = ()
    tasks: tuple[OperatorTaskRow, ...] = ()


async def load_rows(session: AsyncSession) -> Rows:
    """Read everything that the invariants speak of, for all people."""

    async def every(table: Any) -> tuple[Any, ...]:
        return tuple(await session.scalars(select(table)))

    return Rows(
        campaigns=await every(CampaignRow),
        mandates=await every(MandateRow),
        uses=await every(MandateUseRow),
        attempts=await every(AttemptRow),
        bookings=await every(BookingRow),
        payments=await every(PaymentRow),
        refunds=await every(RefundRow),
        disputes=await every(DisputeRow),
        calls=await every(ProviderCallRow),
        tasks=await every(OperatorTaskRow),
    )


def check(ledger: Json, rows: Rows, accepted: Collection[UUID] = ()) -> tuple[Violation, ...]:
    """Return every broken promise; none is what is wanted.

    What is said of money holds once the dust has settled, so campaigns named by `unsettled` are
    left out there: wait until that is empty and check again. `accepted` are campaigns that were
    answered with a yes and therefore must be found.
    """
    books = _Books(ledger, rows)
    found = [
        *_two_live_orders(books),
        *_money(books),
        *_disputed(books),
        *_agreed(books),
        *_used(rows),
        *_lost(books),
        *_lost_requests(rows, accepted),
    ]
    return tuple(found)


def unsettled(rows: Rows) -> tuple[str, ...]:
    """Say for each campaign what is still under way; empty once the dust has settled."""
    books = _Books({}, rows)
    return tuple(f"campaign {key}: {why}" for key, why in sorted(books.unsettled.items()))


@dataclass
class _Campaign:
    """Everything that both sides know of one campaign, by its id as text."""

    orders: list[Json] = field(default_factory=list)
    intents: list[Json] = field(default_factory=list)
    bookings: list[BookingRow] = field(default_factory=list)
    payments: list[PaymentRow] = field(default_factory=list)
    tasks: list[OperatorTaskRow] = field(default_factory=list)


class _Books:
    """Ledger and rows, side by side and looked up by what they have in common."""

    def __init__(self, ledger: Json, rows: Rows) -> None:
        self.rows = rows
        duffel, stripe = ledger.get("duffel", {}), ledger.get("stripe", {})
        self.orders: list[Json] = duffel.get("orders", [])
        self.intents: list[Json] = stripe.get("payment_intents", [])
        self.refunds: list[Json] = stripe.get("refunds", [])
        self.disputes: list[Json] = stripe.get("disputes", [])
        self.attempts = {str(a.id): a for a in rows.attempts}
        self.payments = {p.intent_ref: p for p in rows.payments if p.intent_ref}
        self.paid_back = _paid_back_to_us(duffel.get("balance_transactions", []))
        self.campaigns = self._by_campaign()
        self.unsettled = self._unsettled()

    def _by_campaign(self) -> dict[str, _Campaign]:
        found: dict[str, _Campaign] = defaultdict(_Campaign)
        for order in self.orders:
            found[_campaign_of(order)].orders.append(order)
        for intent in self.intents:
            found[_campaign_of(intent)].intents.append(intent)
        for booking in self.rows.bookings:
            found[str(booking.campaign_id)].bookings.append(booking)
        for payment in self.rows.payments:
            found[str(payment.campaign_id)].payments.append(payment)
        for task in self.rows.tasks:
            if task.campaign_id and task.kind in _BY_HAND:
                found[str(task.campaign_id)].tasks.append(task)
        return found

    def goodwill(self, campaign: _Campaign) -> int:
        """Return what operators decided to give back of a campaign's bookings."""
        bookings = {booking.id for booking in campaign.bookings}
        decided = (r for r in self.rows.refunds if (r.reason or "").startswith(BY_OPERATOR))
        return sum(r.amount_minor for r in decided if r.booking_id in bookings)

    def _unsettled(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for attempt in self.rows.attempts:
            if attempt.state in LIVE:
                found[str(attempt.campaign_id)] = f"its attempt is {attempt.state.value}"
        for booking in self.rows.bookings:
            why = self._unsettled_booking(booking)
            if why:
                found[str(booking.campaign_id)] = why
        return found

    def _unsettled_booking(self, booking: BookingRow) -> str:
        asked = any(t.booking_id == booking.id and t.kind in _BY_HAND for t in self.rows.tasks)
        if booking.state is BookingState.CANCELLING:
            return "its order is being cancelled"
        refunds = [r for r in self.rows.refunds if r.booking_id == booking.id]
        if any(r.status == "pending" for r in refunds):
            return "a refund is pending"
        if booking.state is not BookingState.CANCELLED or asked:
            return ""
        taken = sum(p.captured_minor for p in self.rows.payments if p.booking_id == booking.id)
        owed = taken - booking.penalty_minor - sum(r.amount_minor for r in refunds)
        return "a refund is due" if taken and owed > 0 else ""


def _campaign_of(row: Json) -> str:
    """Return the campaign that an order or an intent names; empty if it names none."""
    return str((row.get("metadata") or {}).get("campaign_id") or "")


def _attempt_of(row: Json) -> str:
    """Return the attempt; an intent's reference goes on with the number of the authorisation."""
    return str((row.get("metadata") or {}).get("attempt_id") or "").partition(":")[0]


def _minor(amount: str, currency: str) -> int:
    return Money.parse(Decimal(amount), currency).minor


def _total(order: Json) -> int:
    return _minor(order["total_amount"], order["currency"])


def _paid_back_to_us(movements: list[Json]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for row in movements:
        if row["type"] == "refund" and row["order_id"]:
            found[row["order_id"]] += _minor(row["amount"], row["currency"])
    return found


# 1. No campaign ever holds two live orders


def _two_live_orders(books: _Books) -> Iterator[Violation]:
    for key, campaign in books.campaigns.items():
        live = [o["id"] for o in campaign.orders if o["status"] in _MAY_LIVE]
        if key and len(live) > 1:
            yield Violation(_ONE_LIVE, "two_live_orders", key, f"holds {', '.join(sorted(live))}")


# 2. The money is where it belongs, once the dust has settled


def _money(books: _Books) -> Iterator[Violation]:
    refunded: dict[str, int] = defaultdict(int)
    for refund in books.refunds:
        if refund["status"] == "succeeded":
            refunded[refund["payment_intent"]] += refund["amount"]
    for key, campaign in books.campaigns.items():
        if not key or key in books.unsettled:
            continue
        yield from _holds(key, campaign)
        yield from _balance(key, campaign, refunded, books.goodwill(campaign))
        yield from _airline_leg(books, campaign)
        yield from _unpaid_orders(key, campaign)


def _holds(key: str, campaign: _Campaign) -> Iterator[Violation]:
    for intent in campaign.intents:
        asked = any(t.kind == "void" for t in campaign.tasks)
        if intent["status"] == "requires_capture" and not asked:
            detail = f"campaign {key} still holds {intent['amount_capturable']}"
            yield Violation(_MONEY, "authorisation_left_over", intent["id"], detail)


def _balance(
    key: str, campaign: _Campaign, refunded: dict[str, int], goodwill: int
) -> Iterator[Violation]:
    """Captured less refunded is the price of what lives and the penalties that were accepted.

    It may be less by what operators decided to give back besides.
    """
    taken = sum(i["amount_received"] for i in campaign.intents)
    given = sum(refunded[i["id"]] for i in campaign.intents)
    live = sum(_total(o) for o in campaign.orders if o["status"] == "live")
    penalties = sum(b.penalty_minor for b in campaign.bookings)
    short = live + penalties - (taken - given)
    if not 0 <= short <= goodwill and not campaign.tasks:
        detail = f"took {taken}, gave back {given}, but lives {live} with penalties {penalties}"
        yield Violation(_MONEY, "money_does_not_add_up", key, detail)


def _airline_leg(books: _Books, campaign: _Campaign) -> Iterator[Violation]:
    """What the seller promised to pay us back for a cancelled order has come."""
    by_order = {b.duffel_order_id: b for b in campaign.bookings}
    for order in campaign.orders:
        if order["status"] != "cancelled" or order["refund_to"] != "balance":
            continue
        promised = _minor(order["refund_amount"], order["currency"])
        came = books.paid_back[order["id"]]
        if promised != came:
            detail = f"promised {promised}, paid {came}"
            yield Violation(_MONEY, "refund_did_not_reach_us", order["id"], detail)
        booking = by_order.get(order["id"])
        if (
            booking
            and booking.cancelled_by == "traveller"
            and booking.price_minor - booking.penalty_minor != promised
        ):
            detail = f"quoted a penalty of {booking.penalty_minor}, the seller paid {promised}"
            yield Violation(_MONEY, "penalty_not_as_quoted", order["id"], detail)


def _unpaid_orders(key: str, campaign: _Campaign) -> Iterator[Violation]:
    """No order lives without its money and its booking, and no booking without its order."""
    asked = bool(campaign.tasks)
    known = {b.duffel_order_id: b for b in campaign.bookings}
    paid = {_attempt_of(i): i["amount_received"] for i in campaign.intents if i["amount_received"]}
    living = {o["id"]: o for o in campaign.orders if o["status"] in _MAY_LIVE}
    for order in living.values():
        if paid.get(_attempt_of(order), 0) != _total(order) and not asked:
            detail = f"an order of {_total(order)} of campaign {key} lives without its money"
            yield Violation(_MONEY, "order_without_money", order["id"], detail)
        booking = known.get(order["id"])
        if (booking is None or booking.state is BookingState.CANCELLED) and not asked:
            detail = f"lives at the seller, but campaign {key} has no booking of it"
            yield Violation(_NOTHING_LOST, "order_without_booking", order["id"], detail)
    for booking in campaign.bookings:
        if booking.state is not BookingState.CANCELLED and booking.duffel_order_id not in living:
            detail = f"order {booking.duffel_order_id} does not live at the seller"
            yield Violation(_MONEY, "booking_without_order", str(booking.id), detail)


def _disputed(books: _Books) -> Iterator[Violation]:
    """What banks took back of what was charged stands in our rows, to the minor unit."""
    known = {row.dispute_ref: row for row in books.rows.disputes}
    for dispute in books.disputes:
        if dispute["payment_intent"] not in books.payments:
            continue  # found by the fourth invariant
        row = known.pop(dispute["id"], None)
        if row is None:
            yield Violation(_NOTHING_LOST, "unknown_dispute", dispute["id"], "no row of ours")
        elif (row.status, row.withdrawn_minor) != (dispute["status"], dispute["withdrawn"]):
            ours, theirs = f"{row.status} {row.withdrawn_minor}", dispute["withdrawn"]
            detail = f"our row says {ours}, the processor {dispute['status']} {theirs}"
            yield Violation(_MONEY, "dispute_not_followed", dispute["id"], detail)
    for reference in known:
        yield Violation(_MONEY, "dispute_of_nobody", reference, "the processor knows of none")


# 3. What was taken is what was agreed


def _agreed(books: _Books) -> Iterator[Violation]:
    for intent in books.intents:
        payment = books.payments.get(intent["id"])
        attempt = books.attempts.get(_attempt_of(intent))
        if payment is None or attempt is None:
            continue  # found by the fourth invariant
        yield from _within_limit(books, attempt, intent["id"], intent["amount"], intent["currency"])
        taken = intent["amount_received"]
        booking = next((b for b in books.rows.bookings if b.attempt_id == attempt.id), None)
        if taken and (booking is None or taken != booking.price_minor):
            price = booking.price_minor if booking else "nothing"
            detail = f"took {taken} for what costs {price}"
            yield Violation(_AGREED, "took_another_amount", intent["id"], detail)
    for order in books.orders:
        attempt = books.attempts.get(_attempt_of(order))
        if attempt and order["status"] in _MAY_LIVE:
            yield from _within_limit(
                books, attempt, order["id"], _total(order), str(order["currency"])
            )


def _within_limit(
    books: _Books, attempt: AttemptRow, subject: str, amount: int, currency: str
) -> Iterator[Violation]:
    """Hold an amount against the attempt's limit and the consent that it acts under."""
    mandates = (
        m
        for m in books.rows.mandates
        if m.campaign_id == attempt.campaign_id
        and m.criteria_version == attempt.criteria_version
        and attempt.mandate_id in {None, m.id}
    )
    cap = max((m.cap_minor for m in mandates), default=0)
    limit = min(attempt.limit_minor, cap)
    if amount > limit or currency.upper() != attempt.currency:
        detail = f"{amount} {currency.upper()} where {limit} {attempt.currency} was allowed"
        yield Violation(_AGREED, "above_the_mandate", subject, detail)


def _used(rows: Rows) -> Iterator[Violation]:
    """What was taken stands as a use of its mandate, to the minor unit and within the cap."""
    uses = {use.attempt_id: use for use in rows.uses if use.released_at is None}
    # Orders of older workers wrote no use.
    signed = {
        c.attempt_id for c in rows.calls if c.kind == "create_order" and _MANDATE in (c.facts or {})
    }
    for payment in rows.payments:
        if payment.attempt_id is None or payment.attempt_id not in signed:
            continue
        if not payment.captured_minor:
            continue
        use = uses.get(payment.attempt_id)
        if use is None or use.amount_minor != payment.captured_minor:
            used = use.amount_minor if use else "nothing"
            detail = f"took {payment.captured_minor} where {used} of the mandate was used"
            yield Violation(_AGREED, "taken_beside_its_use", str(payment.id), detail)
    caps = {mandate.id: mandate.cap_minor for mandate in rows.mandates}
    for mandate_id in {use.mandate_id for use in uses.values()} & set(caps):
        used = sum(use.amount_minor for use in uses.values() if use.mandate_id == mandate_id)
        if used > caps[mandate_id]:
            detail = f"{used} used of a mandate for {caps[mandate_id]}"
            yield Violation(_AGREED, "mandate_overdrawn", str(mandate_id), detail)


# 4. Nothing is lost


def _lost(books: _Books) -> Iterator[Violation]:
    order_calls = {str(c.attempt_id) for c in books.rows.calls if c.kind == "create_order"}
    for order in books.orders:
        if _attempt_of(order) not in books.attempts:
            yield Violation(_NOTHING_LOST, "unknown_order", order["id"], "no attempt of ours")
        elif _attempt_of(order) not in order_calls:
            detail = "no row was written before its call"
            yield Violation(_NOTHING_LOST, "order_without_call", order["id"], detail)
    for intent in books.intents:
        yield from _lost_intent(books, intent)
    known = {r.refund_ref for r in books.rows.refunds}
    for refund in books.refunds:
        settled = _campaign_of_intent(books, refund["payment_intent"]) not in books.unsettled
        if refund["id"] not in known and settled:
            yield Violation(_NOTHING_LOST, "unknown_refund", refund["id"], "no row of ours")
    for call in books.rows.calls:
        attempt = books.attempts.get(str(call.attempt_id))
        settled = attempt is None or str(attempt.campaign_id) not in books.unsettled
        if call.state in _OPEN_CALLS and settled and not _asked(books, call):
            detail = f"is still {call.state.value} though everything has settled"
            yield Violation(_NOTHING_LOST, "call_without_answer", call.key, detail)


def _lost_intent(books: _Books, intent: Json) -> Iterator[Violation]:
    """Every payment is known, and our row says of its money what the processor says."""
    payment = books.payments.get(intent["id"])
    settled = _campaign_of(intent) not in books.unsettled
    if payment is None:
        # An intent that nobody confirmed holds nothing; its create's answer may have been lost.
        if intent["amount_capturable"] or intent["amount_received"]:
            yield Violation(_NOTHING_LOST, "unknown_payment", intent["id"], "no row of ours")
        return
    if not settled:
        return
    if payment.captured_minor != intent["amount_received"]:
        detail = f"our row says {payment.captured_minor}, the processor {intent['amount_received']}"
        yield Violation(_NOTHING_LOST, "capture_not_written", intent["id"], detail)
    if payment.state in _HOLDS_NOTHING and intent["amount_capturable"]:
        detail = f"our row says {payment.state.value}, the processor holds money"
        yield Violation(_NOTHING_LOST, "hold_not_written", intent["id"], detail)


def _asked(books: _Books, call: ProviderCallRow) -> bool:
    return any(
        t.attempt_id == call.attempt_id or (t.booking_id and t.booking_id == call.booking_id)
        for t in books.rows.tasks
    )


def _campaign_of_intent(books: _Books, intent_id: str) -> str:
    payment = books.payments.get(intent_id)
    return str(payment.campaign_id) if payment else ""


def _lost_requests(rows: Rows, accepted: Collection[UUID]) -> Iterator[Violation]:
    known = {c.id for c in rows.campaigns}
    for campaign_id in accepted:
        if campaign_id not in known:
            detail = "was accepted, but there is no row"
            yield Violation(_NOTHING_LOST, "campaign_lost", str(campaign_id), detail)

"""Disputes as an operator sees them: the list, and all that shows that a charge was allowed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import (
    AttemptRow,
    BookingRow,
    DisputeRow,
    MandateRow,
    NoticeRow,
    PaymentRow,
)
from db.queries.attempts import get_attempt
from db.queries.booking_history import booking_events
from db.queries.bookings import get_booking
from db.queries.calls import calls_of_attempt
from db.queries.disputes import all_disputes, find_dispute, told_about
from db.queries.mandates import mandate_of, use_of
from db.queries.payments import refunds_of
from db.queries.users import get_user
from domain.ids import UserId
from domain.money import Money

if TYPE_CHECKING:
    from cli.operator import Operator

Json = dict[str, Any]


@dataclass(frozen=True)
class EvidencePack:
    """Files by name, each of which a bank or a court can read by itself."""

    dispute: DisputeRow
    files: dict[str, Json | list[Json]]


class OperatorDisputes:
    """A list names nobody and asks for no reason; what belongs to a person does."""

    def __init__(self, operator: "Operator") -> None:
        self._operator = operator

    async def all(self, *, only_open: bool) -> list[Json]:
        async with self._operator.transaction() as session:
            return [listed(row) for row in await all_disputes(session, only_open=only_open)]

    async def find(self, reference: str) -> DisputeRow | None:
        async with self._operator.transaction() as session:
            return await find_dispute(session, reference)

    async def evidence(self, reference: str, why: str) -> EvidencePack | None:
        """Gather everything about one charge; who looked and why is written down first."""
        dispute = await self.find(reference)
        if dispute is None:
            return None
        person = UserId(dispute.user_id)
        async with self._operator.looking(person, "Evidence for a dispute", why) as session:
            return EvidencePack(dispute, await self._gather(session, dispute))

    async def _gather(self, session: AsyncSession, dispute: DisputeRow) -> dict[str, Any]:
        payment = await session.get_one(PaymentRow, dispute.payment_id)
        attempt = await get_attempt(session, payment.attempt_id) if payment.attempt_id else None
        booking = await get_booking(session, dispute.booking_id) if dispute.booking_id else None
        mandate = await mandate_of(session, attempt) if attempt else None
        use = await use_of(session, attempt.id) if attempt else None
        user = await get_user(session, UserId(dispute.user_id))
        address = await self._operator.address_of(session, user) if user else None
        refunds = await refunds_of(session, booking.id) if booking else []
        events = await booking_events(session, booking) if booking else []
        calls = await calls_of_attempt(session, attempt.id) if attempt else []
        told = await told_about(session, dispute)
        return {
            "stripe-fields.json": _fields(dispute, payment, booking, mandate, told, address),
            "dispute.json": listed(dispute),
            "mandate.json": _mandate(mandate),
            "charge.json": {
                "payment": payment.model_dump(
                    mode="json", exclude={"redirect_url_encrypted", "user_id"}
                ),
                "use_of_the_mandate": use.model_dump(mode="json") if use else None,
                "refunds": [row.model_dump(mode="json") for row in refunds],
            },
            "offer-and-booking.json": {
                "offer": _offer(attempt),
                "booking": booking.model_dump(
                    mode="json", exclude={"raw_order_encrypted", "user_id"}
                )
                if booking
                else None,
            },
            "messages.json": [
                row.model_dump(mode="json", exclude={"to_encrypted", "user_id"}) for row in told
            ],
            "timeline.json": [
                *(row.model_dump(mode="json", exclude={"user_id"}) for row in events),
                *(row.model_dump(mode="json", exclude={"user_id"}) for row in calls),
            ],
        }


def listed(row: DisputeRow) -> Json:
    """Return a dispute without a word of whose it is."""
    return {
        "dispute": row.dispute_ref,
        "status": row.status.value,
        "answer_by": row.answer_by.isoformat() if row.answer_by and row.status.needs_answer else "",
        "amount": str(Money(minor=row.amount_minor, currency=row.currency)),
        "taken_back": str(Money(minor=row.withdrawn_minor, currency=row.currency)),
        "reason": row.reason,
        "booking": str(row.booking_id or ""),
        "payment": str(row.payment_id),
        "opened": row.opened_at.isoformat(),
    }


def _mandate(row: MandateRow | None) -> Json:
    """Return the consent as `parker mandate verify` reads it, and when it was withdrawn."""
    if row is None:
        return {"mandate": None}
    signed = ("document", "key_id", "signature", "passkey")
    return {
        "mandate": row.model_dump(mode="json", include=set(signed)),
        "given_at": row.consented_at.isoformat(),
        "withdrawn_at": row.revoked_at.isoformat() if row.revoked_at else None,
        "expires_at": row.expires_at.isoformat(),
    }


def _offer(attempt: AttemptRow | None) -> Json | None:
    if attempt is None:
        return None
    names = (
        "seller", "pair", "itinerary_key", "matched_minor", "limit_minor", "currency", "offer_id",
        "criteria_version", "proposal_id", "order_sent_at", "started_at", "finished_at",
    )  # fmt: skip
    return attempt.model_dump(mode="json", include=set(names))


def _fields(  # noqa: PLR0917
    dispute: DisputeRow,
    payment: PaymentRow,
    booking: BookingRow | None,
    mandate: MandateRow | None,
    told: list[NoticeRow],
    address: str | None,
) -> Json:
    """Return what goes into Stripe's own fields, by their names there."""
    charged = Money(minor=payment.captured_minor, currency=payment.currency)
    tickets = ", ".join(map(str, booking.ticket_numbers)) if booking else ""
    sent = [row for row in told if row.sent_at is not None]
    consent = (
        f"On {mandate.consented_at:%Y-%m-%d %H:%M} UTC the cardholder consented to a charge of at"
        f" most {Money(minor=mandate.cap_minor, currency=mandate.currency)}"
        f" (mandate {mandate.id}, signed{' with a passkey' if mandate.passkey else ''})."
        if mandate
        else "No consent is on record."
    )
    return {
        "customer_email_address": address,
        "product_description": f"Air tickets {tickets}, airline's reference"
        f" {booking.booking_reference}."
        if booking
        else None,
        "service_date": f"{booking.departs_at:%Y-%m-%d}" if booking else None,
        "customer_communication": f"messages.json: {len(sent)} messages sent",
        "receipt": "charge.json",
        "uncategorized_text": f"{consent} {charged} was charged for payment {payment.intent_ref}"
        f" and disputed as {dispute.reason}. Tickets: {tickets or 'none'}.",
    }

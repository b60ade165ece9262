"""What the law makes us keep of somebody who goes: written anew, under a key that ends with it."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.booking import BookingRow
from db.models.payment import PaymentRow
from db.models.payment_method import PaymentMethodRow
from db.models.refund import RefundRow
from db.models.retained_record import RetainedRecordRow
from db.queries.retained import (
    add_retained,
    bookings_of,
    payments_of,
    refunds_of,
    retained_of,
)
from db.queries.users import get_user
from db.vault import PersonalVault
from domain.ids import UserId, derive
from domain.retention import Record, keep_until
from runtime.crypto import DecryptionFailed
from runtime.key_store import KeyDestroyed


async def keep_receipts(
    session: AsyncSession, vault: PersonalVault, user_id: UserId, *, years: int, now: datetime
) -> int:
    """Write the receipt of everything that was charged; again is harmless. Returns how many.

    Done before the person's key goes, since it opens what the receipt has to say.
    """
    written = 0
    for receipt in await receipts_of(session, vault, user_id):
        until = keep_until(datetime.fromisoformat(receipt["settled_at"]).date(), years)
        booking_id = UUID(receipt["booking_id"])
        row_id = derive("retained", Record.RECEIPT, booking_id)
        row = RetainedRecordRow(
            id=row_id,
            user_id=user_id,
            record=Record.RECEIPT,
            subject_id=booking_id,
            sealed=vault.seal_retained(json.dumps(receipt), row_id=row_id, keep_until=until),
            keep_until=until,
            created_at=now,
        )
        written += await add_retained(session, row)
    return written


async def receipts_of(
    session: AsyncSession, vault: PersonalVault, user_id: UserId
) -> list[dict[str, Any]]:
    """Return the receipt of each booking that was charged."""
    buyer = await _address(session, vault, user_id)
    receipts = []
    for booking in await bookings_of(session, user_id):
        tried = await payments_of(session, booking)
        charges = [(payment, card) for payment, card in tried if payment.captured_minor]
        if charges:
            refunds = await refunds_of(session, booking.id)
            receipts.append(_receipt(buyer, booking, charges, refunds))
    return receipts


async def open_retained(
    session: AsyncSession, vault: PersonalVault, user_id: UserId
) -> list[tuple[RetainedRecordRow, Mapping[str, Any]]]:
    """Return what is kept of somebody who is gone, for an audit or a dispute."""
    return [
        (
            row,
            json.loads(vault.open_retained(row.sealed, row_id=row.id, keep_until=row.keep_until)),
        )
        for row in await retained_of(session, user_id)
    ]


async def _address(session: AsyncSession, vault: PersonalVault, user_id: UserId) -> str | None:
    user = await get_user(session, user_id)
    if user is None or not user.email_encrypted:
        return None
    try:
        return await vault.open(
            session, user_id, user.email_encrypted, table="users", column="email", row_id=user_id
        )
    except (KeyDestroyed, DecryptionFailed):
        # An older backup came back after the erasure: who bought is not to be known any more.
        return None


def _receipt(
    buyer: str | None,
    booking: BookingRow,
    charges: list[tuple[PaymentRow, PaymentMethodRow]],
    refunds: list[RefundRow],
) -> dict[str, Any]:
    moved = [payment.updated_at for payment, _ in charges]
    moved += [refund.updated_at for refund in refunds]
    return {
        "settled_at": max(moved).isoformat(),
        "buyer": buyer,
        "booking_id": str(booking.id),
        "booking_reference": booking.booking_reference,
        "tickets": [ticket["number"] for ticket in booking.ticket_numbers],
        "flights": list(_flights(booking.itinerary)),
        "price": _money(booking.price_minor, booking.currency),
        "charges": [
            {
                "at": payment.updated_at.isoformat(),
                "charged": _money(payment.captured_minor, payment.currency),
                "card": f"{card.brand} {card.last4}",
                "provider": payment.rail,
                "reference": payment.intent_ref,
            }
            for payment, card in charges
        ],
        "refunds": [
            {
                "at": refund.updated_at.isoformat(),
                "refunded": _money(refund.amount_minor, refund.currency),
                "status": refund.status,
                "reference": refund.refund_ref,
            }
            for refund in refunds
        ],
    }


def _money(minor: int, currency: str) -> dict[str, int | str]:
    return {"minor": minor, "currency": currency}


def _flights(itinerary: Mapping[str, Any]) -> list[str]:
    return [
        f"{s['marketing_carrier']}{s['flight_number']} {s['origin']}-{s['destination']}"
        f" {s['departing_at']}"
        for leg in itinerary.get("slices", [])
        for s in leg["segments"]
    ]

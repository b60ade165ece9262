"""The pages of money: what was held, charged and given back, with receipts to print."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from api.booking_reading import BookingRead, read_booking
from api.errors import not_found
from api.web.pages import render
from api.web.views.billing import TAKEN, bill_view, billing_sentence, receipt_view
from api.web.visits import SignedInDep, Visit
from db.queries.billing import Bill, get_bill, list_bills, sum_bills

router = APIRouter(prefix="/billing", tags=["pages"], include_in_schema=False)
_PAGE = 20


@router.get("")
async def show_billing(
    visit: SignedInDep, cursor: Annotated[str | None, Query(max_length=200)] = None
) -> HTMLResponse:
    """List the payments, the newest first."""
    async with visit.transaction() as session:
        page = await list_bills(session, visit.user_id, cursor=cursor, limit=_PAGE)
        totals = await sum_bills(session, visit.user_id)
    money = visit.services.settings.money
    return render(
        visit,
        "billing/list.html",
        bills=[bill_view(bill, money) for bill in page.rows],
        sentence=billing_sentence(totals),
        next_path=f"/billing?cursor={page.next_cursor}" if page.next_cursor else None,
        first_path="/billing" if cursor else None,
    )


@router.get("/{payment_id}")
async def show_receipt(visit: SignedInDep, payment_id: UUID) -> HTMLResponse:
    """Show the receipt of a charge; a hold has none."""
    receipt = receipt_view(
        *await read_charge(visit, payment_id), money=visit.services.settings.money
    )
    return render(visit, "billing/receipt.html", receipt=receipt)


async def read_charge(visit: Visit, payment_id: UUID) -> tuple[Bill, BookingRead | None]:
    """Return one of the visitor's charges with what it paid for, or say that there is none."""
    async with visit.transaction() as session:
        bill = await get_bill(session, visit.user_id, payment_id)
        if bill is None or bill.payment.state not in TAKEN:
            raise not_found("receipt")
        if bill.booking is None:
            return bill, None
        vault = visit.services.vault
        return bill, await read_booking(session, vault, visit.user_id, bill.booking.id)

"""What an operator's task is about, and what has to be known to settle it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Guide:
    """`asks`: what is to be decided. `check`: where to look first. `settles`: what to do then."""

    asks: str
    check: str
    settles: str


_GUIDES: Mapping[str, Guide] = {
    "airline_refund": Guide(
        "The airline cancelled the order. Did it pay us back in full?",
        "The order at the seller, and the balance's movements of these days.",
        "The traveller was refunded by us already; claim what is missing from the seller.",
    ),
    "other_flights": Guide(
        "The airline moved a booking's flights, and its traveller wants others than it offers.",
        "The booking's page: what was and what is new, and by which rule all the money is owed.",
        "Ask the airline for other flights and write to the traveller; or have it given back.",
    ),
    "refund_by_person": Guide(
        "The seller pays back as a voucher or a credit, so nothing was refunded by itself.",
        "What the order says of its refund, and what the traveller paid.",
        "Refund from the booking's page what is owed in money; write to the traveller.",
    ),
    "refund_failed": Guide(
        "The processor could not pay a refund out: the traveller still waits for their money.",
        "The payment at the processor: is the card closed?",
        "Refund again from the booking's page, or pay by hand; then close this.",
    ),
    "unpaid_order": Guide(
        "An order exists at the seller, the money was refused, and cancelling it costs.",
        "The order's own conditions, and whether the traveller can pay another way.",
        "Cancel it at the seller, or have it paid; adopt it from the attempt if it stays.",
    ),
    "late_order": Guide(
        "An order came to be after we had told the traveller that there is none.",
        "Whether another booking of the same wish lives: one of them has to go.",
        "Cancel the late order at the seller, or adopt it from the attempt.",
    ),
    "void": Guide(
        "Held money could not be released by itself.",
        "The payment at the processor: the hold lapses by itself within a week.",
        "Release it there; the card's owner sees it return.",
    ),
    "unticketed": Guide(
        "The order is paid, and the airline has issued no tickets by its deadline.",
        "The order at the seller, and its messages.",
        "Have tickets issued, or cancel the order; then the refund follows by itself.",
    ),
    "undelivered": Guide(
        "The mail server refuses a person's letters for good.",
        "Nothing of theirs is lost: it stands among their notices.",
        "Reach them another way if something waits for them; resend once the address works.",
    ),
    "booking_stopped": Guide(
        "A cap of the installation's was reached, so nothing more was booked.",
        "What was spent today, and whether that was meant.",
        "Raise the cap or wait for tomorrow; the wishes go on by themselves.",
    ),
    "order_care": Guide(
        "A provider refuses what a booking needs; it is tried again and again.",
        "The booking's calls: the last refusal says why.",
        "Mend the cause at the provider; the process then goes on by itself.",
    ),
    "unknown_order": Guide(
        "Nobody knows whether an order exists, and the seller does not let us ask.",
        "Our credentials and rights at the seller; the order, by the attempt's id in its metadata.",
        "Mend what keeps us from asking: the attempt goes on. Release nothing, order nothing.",
    ),
    "dispute": Guide(
        "A card's bank disputes a charge, and has the money. Do we answer, or accept it?",
        "The deadline above; `parker dispute evidence` gathers what shows that it was allowed.",
        "Answer once, at the processor's desk, and never refund it besides; this closes by itself.",
    ),
}
_OTHER = Guide(
    "Something could not be settled without a person.",
    "The attempt: its last calls, and whether money is held or an order exists.",
    "Put the providers' side right first, then say here what was done.",
)


def guide_of(kind: str) -> Guide:
    return _GUIDES.get(kind, _OTHER)

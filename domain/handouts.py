"""What a letter encloses: what its reader carries away, or has the calendar do."""

from collections.abc import Mapping
from enum import StrEnum


class Handout(StrEnum):
    ITINERARY = "itinerary"
    RECEIPT = "receipt"
    FLIGHTS = "flights"  # for the calendar, to be taken in or moved
    FLIGHTS_OFF = "flights_off"  # for the calendar, to be taken out


PAPERS = frozenset({Handout.ITINERARY, Handout.RECEIPT})
ENCLOSED: Mapping[str, tuple[Handout, ...]] = {
    # Told once the money is taken, so that there is a receipt.
    "booked": (Handout.ITINERARY, Handout.RECEIPT, Handout.FLIGHTS),
    "ticketed": (Handout.ITINERARY,),
    "schedule_changed": (Handout.ITINERARY, Handout.FLIGHTS),
    "booking_cancelled": (Handout.FLIGHTS_OFF,),
    "refunded": (Handout.RECEIPT,),
}

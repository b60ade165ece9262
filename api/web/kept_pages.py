"""The pages of what a person keeps: bookings, travellers, cards, bills, and on a device."""

from api.web import (
    billing,
    booking_cancel,
    booking_change,
    bookings,
    calendar_feed,
    cards,
    downloads,
    installable,
    shares,
    traveler_documents,
    travelers,
)

PAGES = (
    bookings,
    booking_cancel,
    booking_change,
    cards,
    travelers,
    traveler_documents,
    billing,
    downloads,
    installable,
    shares,
    calendar_feed,
)

"""The pages of what a person keeps: bookings, travellers, cards, bills, and on a device."""

from fastapi import APIRouter

from api.web import (
    billing,
    booking_cancel,
    bookings,
    cards,
    downloads,
    installable,
    traveler_documents,
    travelers,
)

router = APIRouter()
for module in (
    bookings,
    booking_cancel,
    cards,
    travelers,
    traveler_documents,
    billing,
    downloads,
    installable,
):
    router.include_router(module.router)

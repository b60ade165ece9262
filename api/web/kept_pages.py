"""The pages of what a person keeps: bookings, and in time travellers, cards and bills."""

from fastapi import APIRouter

from api.web import booking_cancel, bookings, cards

router = APIRouter()
for module in (bookings, booking_cancel, cards):
    router.include_router(module.router)

"""The pages of what a person keeps: bookings, and in time travellers, cards and bills."""

from fastapi import APIRouter

from api.web import billing, booking_cancel, bookings, cards, traveler_documents, travelers

router = APIRouter()
for module in (bookings, booking_cancel, cards, travelers, traveler_documents, billing):
    router.include_router(module.router)

"""The pages of what a person keeps: bookings, and in time travellers, cards and bills."""

from fastapi import APIRouter

from api.web import bookings

router = APIRouter()
for module in (bookings,):
    router.include_router(module.router)

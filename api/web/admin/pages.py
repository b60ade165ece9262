"""All pages of the console, under one router."""

from fastapi import APIRouter

from api.web.admin import attempts, bookings, home

router = APIRouter()
for module in (home, bookings, attempts):
    router.include_router(module.router)

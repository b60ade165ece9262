"""All pages of the console, under one router."""

from fastapi import APIRouter

from api.web.admin import (
    attempts,
    audit,
    booking,
    bookings,
    home,
    installation,
    lists,
    people,
    refunds,
    resending,
    tasks,
    users,
)

router = APIRouter()
for module in (
    home,
    lists,
    tasks,
    bookings,
    booking,
    attempts,
    refunds,
    people,
    resending,
    installation,
    users,
    audit,
):
    router.include_router(module.router)

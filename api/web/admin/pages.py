"""All pages of the console, under one router."""

from fastapi import APIRouter

from api.web.admin import (
    acts,
    attempts,
    audit,
    booking,
    bookings,
    campaigns,
    decisions,
    events,
    home,
    installation,
    lists,
    people,
    refunds,
    resending,
    retention,
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
    campaigns,
    attempts,
    refunds,
    decisions,
    people,
    resending,
    events,
    installation,
    retention,
    users,
    audit,
    acts,
):
    router.include_router(module.router)

"""All pages that watch a wish, under one router: the list, one wish, its mandate, what is asked."""

from fastapi import APIRouter

from api.web import allow_once, dashboard, mandate_page, wish_orders, wishes

router = APIRouter()
for module in (dashboard, wishes, wish_orders, mandate_page, allow_once):
    router.include_router(module.router)

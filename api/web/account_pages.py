"""The pages of accounts: the doors, links in mails, and what a person changes about their own."""

from fastapi import APIRouter

from api.web import (
    account,
    account_sessions,
    confirm,
    forgot,
    keep_address,
    sign_in,
    sign_up,
)

router = APIRouter()
for module in (sign_up, sign_in, forgot, confirm, keep_address, account, account_sessions):
    router.include_router(module.router)

"""The pages on which wishes are made, changed and consented to, and where one begins."""

from fastapi import APIRouter

from api.web import first_run, trips, wish_consent, wizard, wizard_edit

router = APIRouter()
for module in (first_run, wizard, wizard_edit, wish_consent, trips):
    router.include_router(module.router)

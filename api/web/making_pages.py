"""The pages on which wishes are made, changed and consented to, and where one begins."""

from api.web import first_run, trips, wish_consent, wizard, wizard_edit

PAGES = (first_run, wizard, wizard_edit, wish_consent, trips)

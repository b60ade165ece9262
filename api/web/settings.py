"""The page of an account's settings: language, time zone, currency of new wishes."""

from dataclasses import dataclass
from functools import cache
from zoneinfo import available_timezones

from babel.core import Locale
from fastapi import APIRouter
from starlette.responses import Response

from api.web.forms import FormDep, Problems
from api.web.pages import redirect, render, say_for
from api.web.visits import SignedInDep, Visit
from db.queries.users import set_settings
from domain.words import Words
from runtime.catalogue import language_of, languages

router = APIRouter(prefix="/account/settings", tags=["pages"], include_in_schema=False)
PATH = "/account/settings"
_FORM = "settings/form.html"
# Zones that a country or a politician named long ago; each has a place's name besides.
_OLD = ("Etc/", "SystemV/", "posix", "right", "US/", "Brazil/", "Canada/", "Chile/", "Mexico/")


@dataclass(frozen=True)
class Chosen:
    language: str
    time_zone: str
    currency: str


@router.get("")
async def show_settings(visit: SignedInDep) -> Response:
    me = visit.me
    chosen = Chosen(language_of(me.locale), me.time_zone, me.display_currency or "")
    return _page(visit, chosen)


@router.post("")
async def submit_settings(visit: SignedInDep, form: FormDep) -> Response:
    """Keep the settings; every page and mail goes by them from now on."""
    chosen = Chosen(form.text("language"), form.text("time_zone"), form.text("currency"))
    say, problems = say_for(visit, _FORM), Problems()
    currencies = visit.services.settings.policy.seller_currencies
    if chosen.language not in languages():
        problems.add("language", say("Choose one of these languages."))
    if chosen.time_zone not in zones():
        problems.add("time_zone", say("Choose one of these time zones."))
    if chosen.currency and chosen.currency not in currencies:
        problems.add("currency", say("Choose one of these currencies."))
    if problems:
        return _page(visit, chosen, problems)
    async with visit.transaction() as session:
        await set_settings(
            session,
            visit.user_id,
            locale=chosen.language,
            time_zone=chosen.time_zone,
            display_currency=chosen.currency or None,
        )
    return redirect(PATH, say=say("Your settings are saved."))


@cache
def zones() -> tuple[str, ...]:
    """Return the time zones that can be chosen, by the names of their places."""
    found = (zone for zone in available_timezones() if "/" in zone and not zone.startswith(_OLD))
    return ("UTC", *sorted(found))


def _page(visit: Visit, chosen: Chosen, problems: Problems | None = None) -> Response:
    say = say_for(visit, _FORM)
    return render(
        visit,
        _FORM,
        status=422 if problems else 200,
        sentence=say("Times are shown by the clock of your time zone, now {now}.", now=visit.now),
        languages=[(language, _own_name(language)) for language in languages()],
        zones=[(zone, zone.replace("_", " ")) for zone in zones()],
        currencies=_currencies(visit, say),
        chosen=chosen,
        problems=problems,
    )


def _own_name(language: str) -> str:
    """Return what a language is called by those who speak it."""
    locale = Locale.parse(language)
    return (locale.get_display_name(language) or language).capitalize()


def _currencies(visit: Visit, say: Words) -> list[tuple[str, str]]:
    known = visit.services.settings.policy.seller_currencies
    return [("", say("Ask me each time")), *((code, code) for code in known)]

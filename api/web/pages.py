"""How pages are made: templates, a strict policy for their content, headers for every one."""

import hashlib
from enum import StrEnum
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response
from starlette.types import Scope

from api.web import cookies, speech, words
from api.web.visits import Visit
from domain.words import Words
from runtime.settings import ProviderMode, Settings

HERE = Path(__file__).parent
STATIC = HERE / "static"
_HOSTED_CARD_PAGE = "https://checkout.stripe.com"


class LeadsTo(StrEnum):
    """Where a form of the page may lead besides to us: browsers hold redirects to that too."""

    US = "us"
    CARD_PAGE = "card_page"
    BANK = "bank"


class Static(StaticFiles):
    """Our own files; one that is asked for by its content may be kept for good."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        kept = b"v=" in scope.get("query_string", b"")
        age = "public, max-age=31536000, immutable" if kept else "no-cache"
        response.headers["Cache-Control"] = age
        return response


@cache
def static_url(name: str) -> str:
    """Return the address of a static file, which changes with what is in it."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["static"] = static_url
    made.filters.update(words.FILTERS)
    speech.install(made)
    return made


TEMPLATES = _templates()


def render(
    visit: Visit,
    template: str,
    *,
    status: int = 200,
    leads_to: LeadsTo = LeadsTo.US,
    **values: object,
) -> HTMLResponse:
    """Render a page for whoever visits it."""
    settings = visit.services.settings
    # What the page before had to say comes first; it is said once.
    saying = cookies.said(visit.request)
    language = speech.language_for(TEMPLATES, template, speech.wanted_by(visit))
    with speech.speaking(language):
        html = TEMPLATES.get_template(template).render(
            visit=visit,
            visitor=visit.visitor,
            sandbox=settings.any_sandbox,
            saying=saying,
            **values,
        )
    response = HTMLResponse(html, status_code=status, headers=_headers(settings, leads_to))
    if saying is not None:
        cookies.forget(response, cookies.SAYING)
    if visit.visitor is None:
        cookies.keep(response, cookies.VISIT, visit.cookie)
    return response


def render_part(visit: Visit, template: str, **values: object) -> str:
    """Render a piece of a page, as a live update sends it."""
    language = speech.language_for(TEMPLATES, template, speech.wanted_by(visit))
    with speech.speaking(language):
        return TEMPLATES.get_template(template).render(visit=visit, visitor=visit.visitor, **values)


def say_for(visit: Visit, template: str) -> Words:
    """Return how sentences are put that a page takes from elsewhere, in the page's language."""
    return speech.say_for(TEMPLATES, visit, template)


def redirect(path: str, *, say: str | None = None) -> RedirectResponse:
    """Lead on with a GET, so that reloading repeats nothing; `say` is shown there once."""
    response = RedirectResponse(path, status_code=303)
    if say is not None:
        cookies.say(response, say)
    return response


def _headers(settings: Settings, leads_to: LeadsTo) -> dict[str, str]:
    return {"Content-Security-Policy": content_policy(settings, leads_to)}


def content_policy(settings: Settings, leads_to: LeadsTo = LeadsTo.US) -> str:
    """Return what a page of ours may load and where its forms may lead."""
    targets = " ".join(["'self'", *_targets(settings, leads_to)])
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self';"
        f" form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
    )


def _targets(settings: Settings, leads_to: LeadsTo) -> list[str]:
    if leads_to is LeadsTo.US:
        return []
    if settings.provider_mode("stripe") is ProviderMode.SANDBOX:
        address = urlsplit(settings.sandbox_base_url)
        return [f"{address.scheme}://{address.netloc}"]
    # Banks are many, and each has an address of its own.
    return ["https:"] if leads_to is LeadsTo.BANK else [_HOSTED_CARD_PAGE]

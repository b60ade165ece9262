"""A refusal as a page, for whoever asked for a page."""

from starlette.requests import Request
from starlette.responses import Response

from api.errors import ApiProblem
from api.services import Services
from api.web import cookies
from api.web.pages import redirect, render
from api.web.visits import Elsewhere, Visit

_NOT_PAGES = ("/api/", "/openapi.json", "/static/", "/.well-known/")
_TITLES = {
    401: "Please sign in",
    403: "This cannot be done like that",
    404: "There is no such page",
    405: "This address cannot be used like that",
    409: "This is not possible any more",
    413: "This is too large",
    422: "Something needs to be corrected",
    429: "Too many tries",
    503: "Please try again in a moment",
}
_MONEY = "Nothing was charged by this request."
_NEXT = {
    404: "The link may be old, or belong to another account. Start from your wishes.",
    429: "Wait as long as it says, then try again.",
    500: "We have written it down. If you write to us, give the reference.",
    503: "Reload this page in a few seconds. Sending it twice does no harm.",
}


def problem_page(request: Request, problem: ApiProblem) -> Response | None:
    """Return the page that says no; None where no page was asked for."""
    if not wants_page(request):
        return None
    services = getattr(request.app.state, "services", None)
    if not isinstance(services, Services):
        return None
    visit = getattr(request.state, "visit", None)
    if not isinstance(visit, Visit):
        visit = Visit(request, services, None, services.clock())
    response = render(
        visit,
        "problem.html",
        status=problem.status,
        title=_TITLES.get(problem.status, "Something went wrong on our side"),
        sentence=problem.detail,
        money=_MONEY if problem.status >= 500 else None,
        then=_NEXT.get(problem.status),
        reference=problem.extra.get("reference"),
        # Whose cookie it is was not asked: nobody is told to sign in who may be signed in.
        perhaps_known=cookies.SESSION in request.cookies,
    )
    for name, value in problem.headers.items():
        response.headers[name] = value
    return response


def wants_page(request: Request) -> bool:
    """Say whether a person with a browser asks, at an address where pages are."""
    if request.url.path.startswith(_NOT_PAGES):
        return False
    return "text/html" in request.headers.get("accept", "")


def lead_elsewhere(request: Request, elsewhere: Elsewhere) -> Response:
    """Lead a visitor to where they have to go first."""
    del request
    return redirect(elsewhere.path)

"""The pages Stripe hosts: saving a card at Checkout, and the bank's question (3D Secure)."""

import secrets

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandboxes.clock import NOW_HEADER
from sandboxes.store import Json, Tx
from sandboxes.stripe import checkout, form, html, payments
from sandboxes.stripe.books import Books, clock_of
from sandboxes.stripe.cards import CARDS, by_number
from sandboxes.stripe.errors import StripeError
from sandboxes.stripe.payment_methods import mint
from sandboxes.stripe.setup_intents import (
    attempt_setup,
    challenge_url_of,
    setup_authentication_failed,
)
from sandboxes.vendor import Context, Operation

_ONLY_TEST_NUMBERS = "That is not a test card number. Real card numbers are refused here."
_BAD_DATE = "The expiry must be a month from 1 to 12 and a year of four digits."
_YEARS_VALID = 4


async def show_checkout(request: Request, context: Context) -> Response:
    with context.store.transaction() as tx:
        found = _open_session(tx, request, context)
    if isinstance(found, Response):
        return found
    books, session = found
    return HTMLResponse(_checkout_page(books, session, None))


async def submit_checkout(request: Request, context: Context) -> Response:
    """Save the chosen card: `card` or `number`, `exp_month`, `exp_year`, `action`."""
    try:
        fields = form.decode(context.body.decode())
    except (StripeError, UnicodeDecodeError):
        return HTMLResponse(html.notice("Save a card", "This form cannot be read."), 400)
    with context.store.transaction() as tx:
        found = _open_session(tx, request, context)
        if isinstance(found, Response):
            return found
        books, session = found
        if fields.get("action") == "cancel" and session["cancel_url"]:
            return _redirect(session["cancel_url"])
        return _save(books, session, fields, context)


async def show_challenge(request: Request, context: Context) -> Response:
    with context.store.transaction() as tx:
        found = _waiting_intent(tx, request, context)
    if isinstance(found, Response):
        return found
    _, intent = found
    if intent["object"] == "setup_intent":
        return HTMLResponse(html.challenge(None))
    return HTMLResponse(html.challenge(f"{intent['amount']} {intent['currency']} (minor units)"))


async def submit_challenge(request: Request, context: Context) -> Response:
    """Pass or fail the bank's check: `outcome` is `approve` or `fail`."""
    outcome = form.decode(context.body.decode(errors="replace")).get("outcome")
    if outcome not in {"approve", "fail"}:
        return HTMLResponse(html.notice("Your bank", "Choose approve or fail."), 400)
    with context.store.transaction() as tx:
        found = _waiting_intent(tx, request, context)
        if isinstance(found, Response):
            return found
        books, intent = found
        passed = outcome == "approve"
        if intent["object"] == "setup_intent":
            return _finish_setup(books, intent, passed=passed)
        return _finish_payment(books, intent, passed=passed)


def hosted_pages() -> tuple[Operation, ...]:
    """List the routes of the pages."""
    checkout_path, challenge_path = "/hosted/checkout/{id}", "/hosted/3ds/{id}"
    return (
        Operation("show_checkout", "GET", checkout_path, show_checkout, "read"),
        Operation("submit_checkout", "POST", checkout_path, submit_checkout, "write"),
        Operation("show_challenge", "GET", challenge_path, show_challenge, "read"),
        Operation("submit_challenge", "POST", challenge_path, submit_challenge, "write"),
    )


def _save(books: Books, session: Json, fields: Json, context: Context) -> Response:
    card = by_number(str(fields.get("number") or fields.get("card") or ""))
    if card is None:
        return HTMLResponse(_checkout_page(books, session, _ONLY_TEST_NUMBERS), 400)
    month, year = str(fields.get("exp_month") or "12"), str(fields.get("exp_year") or "")
    year = year or str(books.time.year + _YEARS_VALID)
    if not (
        month.isascii() and month.isdecimal() and year.isascii() and year.isdecimal()
        and 1 <= int(month) <= 12 and len(year) == 4
    ):  # fmt: skip
        return HTMLResponse(_checkout_page(books, session, _BAD_DATE), 400)
    method = mint(books, card, expires=(int(month), int(year)))
    intent = books.require("setup_intent", session["setup_intent"])
    intent["_return_url"] = _success_url(session)
    url = challenge_url_of(context.options.public_url, intent)
    error = attempt_setup(books, intent, method, authenticated=False, challenge_url=url)
    if error is not None:
        return HTMLResponse(_checkout_page(books, session, error["message"]), 402)
    if intent["status"] == "requires_action":
        return _redirect(url)
    checkout.complete(books, session)
    return _redirect(_success_url(session))


def _finish_setup(books: Books, intent: Json, *, passed: bool) -> Response:
    session = books.get("checkout.session", intent.get("_session") or "")
    error: Json | None = None
    if passed:
        method = books.require("payment_method", intent["payment_method"])
        error = attempt_setup(books, intent, method, authenticated=True, challenge_url="")
    else:
        setup_authentication_failed(books, intent)
    passed = passed and error is None
    if session is not None:
        if not passed:
            text = "Your bank could not confirm that it is you. Try again or use another card."
            return HTMLResponse(_checkout_page(books, session, text), 402)
        checkout.complete(books, session)
        return _redirect(_success_url(session))
    return _return_to(intent, "setup_intent", passed=passed)


def _finish_payment(books: Books, intent: Json, *, passed: bool) -> Response:
    if passed:
        method = books.require("payment_method", intent["payment_method"])
        error = payments.attempt(books, intent, method, off_session=False, authenticated=True)
        passed = error is None
    else:
        payments.authentication_failed(books, intent)
    return _return_to(intent, "payment_intent", passed=passed)


def _return_to(intent: Json, kind: str, *, passed: bool) -> Response:
    if not intent["_return_url"]:
        text = "Approved." if passed else "Not approved."
        return HTMLResponse(html.notice("Your bank", f"{text} You can close this page."))
    more = {
        kind: intent["id"],
        f"{kind}_client_secret": intent["client_secret"],
        "redirect_status": "succeeded" if passed else "failed",
    }
    return _redirect(payments.with_query(intent["_return_url"], **more))


def _open_session(tx: Tx, request: Request, context: Context) -> tuple[Books, Json] | Response:
    session = tx.get("stripe.checkout.session", request.path_params["id"])
    if session is None:
        return HTMLResponse(html.notice("Save a card", "There is no such session."), 404)
    books = _books(tx, request, context, session)
    checkout.settle(books, {"id": session["id"]}, {})
    session = books.require("checkout.session", session["id"])
    if session["status"] != "open":
        text = f"This session is {session['status']}. Go back to where you came from."
        return HTMLResponse(html.notice("Save a card", text), 410)
    return books, session


def _waiting_intent(tx: Tx, request: Request, context: Context) -> tuple[Books, Json] | Response:
    id_ = request.path_params["id"]
    intent = tx.get("stripe.payment_intent", id_) or tx.get("stripe.setup_intent", id_)
    secret = request.query_params.get("client_secret", "")
    if intent is None or not secrets.compare_digest(
        secret.encode(), intent["client_secret"].encode()
    ):
        return HTMLResponse(html.notice("Your bank", "There is nothing to decide here."), 404)
    if intent["status"] != "requires_action":
        return HTMLResponse(html.notice("Your bank", "This was decided already."), 410)
    return _books(tx, request, context, intent), intent


def _books(tx: Tx, request: Request, context: Context, subject: Json) -> Books:
    own = NOW_HEADER in request.headers
    now = context.now if own else clock_of(subject, context.wall)
    return Books(tx, context.webhooks, now=now, wall=context.wall)


def _checkout_page(books: Books, session: Json, error: str | None) -> str:
    year = books.time.year + _YEARS_VALID
    return html.checkout(CARDS, error=error, year=year, cancel=bool(session["cancel_url"]))


def _success_url(session: Json) -> str:
    url: str = session["success_url"]
    for placeholder in ("{CHECKOUT_SESSION_ID}", "%7BCHECKOUT_SESSION_ID%7D"):
        url = url.replace(placeholder, session["id"])
    return url


def _redirect(url: str) -> Response:
    return RedirectResponse(url, status_code=303)

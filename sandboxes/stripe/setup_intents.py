"""Saving a card: SetupIntents, the mandates they leave, and the bank's word on them."""

from sandboxes.store import Json
from sandboxes.stripe import form
from sandboxes.stripe.books import Books, public
from sandboxes.stripe.calls import Answer, Call, card_refusal
from sandboxes.stripe.errors import StripeError, bad_state, error_body, invalid
from sandboxes.stripe.issuer import NeedsAuthentication, Refused, judge_setup
from sandboxes.stripe.lists import page
from sandboxes.stripe.payment_methods import attach, decline_error, usable
from sandboxes.stripe.payments import with_query

_OPEN = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})


def create_setup_intent(call: Call) -> Json | Answer:
    books, params = call.books, call.params
    if params.get("customer"):
        books.require("customer", params["customer"], "customer")
    intent = new_setup_intent(books, params)
    if params.get("payment_method"):
        method = usable(books, params["payment_method"], intent["customer"])
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    if params.get("return_url") and not params.get("confirm"):
        raise invalid("`return_url` can only be used when `confirm` is true.", "return_url")
    books.event("setup_intent.created", books.put(intent))
    return _confirm(call, intent) if params.get("confirm") else intent


def get_setup_intent(call: Call) -> Json:
    return call.books.require("setup_intent", call.id)


def confirm_setup_intent(call: Call) -> Json | Answer:
    intent = call.books.require("setup_intent", call.id)
    if intent["status"] not in _OPEN:
        raise _unexpected(intent, "confirmed")
    if token := call.params.get("payment_method"):
        intent["payment_method"] = usable(call.books, token, intent["customer"])["id"]
    _options(intent, call.params)
    return _confirm(call, intent)


def cancel_setup_intent(call: Call) -> Json:
    intent = call.books.require("setup_intent", call.id)
    if intent["status"] not in _OPEN:
        raise _unexpected(intent, "canceled")
    intent |= {
        "status": "canceled",
        "cancellation_reason": call.params.get("cancellation_reason"),
        "next_action": None,
    }
    call.books.event("setup_intent.canceled", intent)
    return call.books.put(intent)


def list_setup_intents(call: Call) -> Json:
    wanted = {k: call.params[k] for k in ("customer", "payment_method") if call.params.get(k)}
    return page(call, call.books.find("setup_intent", **wanted))


def new_setup_intent(books: Books, params: Json) -> Json:
    """Build one that waits for a card; the caller stores it."""
    id_ = books.new_id("seti")
    types = params.get("allowed_payment_method_types")
    intent: Json = {
        "id": id_,
        "object": "setup_intent",
        "allowed_payment_method_types": types,
        "application": None,
        "automatic_payment_methods": None if types else {"enabled": True},
        "cancellation_reason": None,
        "client_secret": f"{id_}_secret_{books.new_id('secret').partition('_')[2]}",
        "created": books.now,
        "customer": params.get("customer"),
        "customer_account": None,
        "description": params.get("description"),
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": form.merge_metadata({}, params.get("metadata")),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": types or ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": params.get("usage") or "off_session",
        "_return_url": None,
    }
    _options(intent, params)
    return intent


def attempt_setup(
    books: Books, intent: Json, method: Json, *, authenticated: bool, challenge_url: str
) -> Json | None:
    """Ask the bank to save the card; give the error of a refusal."""
    wish = intent["payment_method_options"]["card"].get("request_three_d_secure")
    verdict = judge_setup(
        method, books.time, authenticated=authenticated, challenge=wish in {"any", "challenge"}
    )
    intent |= {"payment_method": method["id"], "next_action": None}
    match verdict:
        case Refused():
            return _fail(books, intent, method, decline_error(verdict.decline))
        case NeedsAuthentication():
            redirect = {"return_url": intent["_return_url"], "url": challenge_url}
            intent |= {
                "status": "requires_action",
                "next_action": {"type": "redirect_to_url", "redirect_to_url": redirect},
            }
            books.event("setup_intent.requires_action", books.put(intent))
            return None
        case _:
            _succeed(books, intent, method)
            return None


def setup_authentication_failed(books: Books, intent: Json) -> None:
    """Write down that the cardholder did not pass the bank's check."""
    error = error_body(
        "The provided PaymentMethod has failed authentication. You can provide payment_method_data"
        " or a new PaymentMethod to attempt to fulfill this SetupIntent again.",
        code="setup_intent_authentication_failure",
    )
    _fail(books, intent, books.require("payment_method", intent["payment_method"]), error)


def challenge_url_of(public_url: str, intent: Json) -> str:
    """Give the address of the bank's page for this intent."""
    return with_query(
        f"{public_url}/stripe/hosted/3ds/{intent['id']}", client_secret=intent["client_secret"]
    )


def _confirm(call: Call, intent: Json) -> Json | Answer:
    books = call.books
    if intent["payment_method"] is None:
        raise bad_state(
            "You cannot confirm this SetupIntent because it's missing a payment method.",
            "setup_intent_unexpected_state",
            setup_intent=public(intent),
        )
    intent["_return_url"] = call.params.get("return_url")
    error = attempt_setup(
        books,
        intent,
        usable(books, intent["payment_method"], intent["customer"]),
        authenticated=False,
        challenge_url=challenge_url_of(call.context.options.public_url, intent),
    )
    return intent if error is None else card_refusal(error)


def _succeed(books: Books, intent: Json, method: Json) -> None:
    method["_set_up"] = True
    if intent["customer"] and method["customer"] is None:
        attach(books, method, intent["customer"])
    books.put(method)
    intent |= {"status": "succeeded", "last_setup_error": None}
    if intent["usage"] == "off_session":
        mandate = {
            "id": books.new_id("mandate"),
            "object": "mandate",
            "customer_acceptance": {"accepted_at": books.now, "offline": {}, "type": "offline"},
            "livemode": False,
            "multi_use": {},
            "payment_method": method["id"],
            "payment_method_details": {"card": {}, "type": "card"},
            "status": "active",
            "type": "multi_use",
        }
        intent["mandate"] = books.put(mandate)["id"]
    books.event("setup_intent.succeeded", books.put(intent))


def _fail(books: Books, intent: Json, method: Json, error: Json) -> Json:
    error = {**error, "payment_method": public(method)}
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_setup_error": error,
    }
    books.event("setup_intent.setup_failed", books.put(intent))
    return {**error, "setup_intent": public(intent)}


def _options(intent: Json, params: Json) -> None:
    card = (params.get("payment_method_options") or {}).get("card") or {}
    intent["payment_method_options"]["card"] |= card


def _unexpected(intent: Json, verb: str) -> StripeError:
    return bad_state(
        f"You cannot {verb.removesuffix('ed')} this SetupIntent because it has a status of"
        f" {intent['status']}.",
        "setup_intent_unexpected_state",
        setup_intent=public(intent),
    )

"""Cards as payment methods: made from test cards, attached to customers, used by intents."""

from typing import Literal

from sandboxes.store import Json
from sandboxes.stripe import form
from sandboxes.stripe.books import Books, scramble
from sandboxes.stripe.calls import Answer, Call, card_refusal
from sandboxes.stripe.cards import CardRow, Decline, by_token
from sandboxes.stripe.errors import bad_state, error_body, invalid, missing
from sandboxes.stripe.issuer import Refused, judge_setup
from sandboxes.stripe.lists import page

_NO_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
_YEARS_VALID = 4


def mint(books: Books, card: CardRow, *, expires: tuple[int, int] | None = None) -> Json:
    """Make a payment method of a test card; `expires` is (month, year)."""
    month, year = expires or (12, books.time.year + _YEARS_VALID)
    return books.put(
        {
            "id": books.new_id("pm"),
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": {
                "address": dict(_NO_ADDRESS),
                "email": None,
                "name": None,
                "phone": None,
                "tax_id": None,
            },
            "card": {
                "brand": card.brand,
                "checks": {
                    "address_line1_check": None,
                    "address_postal_code_check": None,
                    "cvc_check": "fail" if card.decline == "incorrect_cvc" else "pass",
                },
                "country": "US",
                "display_brand": card.brand,
                "exp_month": month,
                "exp_year": year,
                "fingerprint": scramble(f"fingerprint:{card.number}", 16),
                "funding": card.funding,
                "generated_from": None,
                "last4": card.last4,
                "networks": {"available": [card.brand], "preferred": None},
                "regulated_status": "unregulated",
                "three_d_secure_usage": {"supported": True},
                "wallet": None,
            },
            "created": books.now,
            "customer": None,
            "customer_account": None,
            "livemode": False,
            "metadata": {},
            "type": "card",
            "_card": card.number,
            "_set_up": False,
            "_was_attached": False,
        }
    )


def usable(books: Books, id: str, customer: str | None) -> Json:  # noqa: A002
    """Find the payment method an intent names, or make one of a `pm_card_...` template."""
    card = by_token(id)
    if card is not None:
        return mint(books, card)
    method = books.get("payment_method", id)
    if method is None:
        raise missing("PaymentMethod", id, "payment_method")
    owner = method["customer"]
    if owner is None and method["_was_attached"]:
        raise invalid(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer"
            " attachment, or was detached from a Customer, and may not be used again.",
            "payment_method",
        )
    if owner is not None and customer is None:
        raise invalid(
            f"The provided PaymentMethod belongs to the Customer {owner}. Please include the"
            " Customer in the `customer` parameter.",
            "payment_method",
        )
    if owner is not None and owner != customer:
        raise invalid(
            f"The customer does not have a payment method with the ID {id}. The payment method"
            " must be attached to the customer.",
            "payment_method",
        )
    return method


def attach(books: Books, method: Json, customer: str) -> Json:
    """Give a payment method to a customer for good."""
    method |= {"customer": customer, "_was_attached": True}
    books.event("payment_method.attached", method)
    return books.put(method)


def decline_error(refused: Decline, *, param: Literal[""] | None = None, **more: object) -> Json:
    """Build the error object of a card that was refused."""
    return error_body(
        refused.message,
        type="card_error",
        code=refused.code,
        param=param,
        decline_code=refused.decline_code,
        advice_code=refused.advice,
        **more,
    )


def get_payment_method(call: Call) -> Json:
    return call.books.require("payment_method", call.id)


def get_customers_payment_method(call: Call) -> Json:
    call.books.require("customer", call.path["customer"])
    method = call.books.require("payment_method", call.id)
    if method["customer"] != call.path["customer"]:
        raise missing("payment method", call.id)
    return method


def update_payment_method(call: Call) -> Json:
    method = call.books.require("payment_method", call.id)
    params = call.params
    method["metadata"] = form.merge_metadata(method["metadata"], params.get("metadata"))
    if params.get("allow_redisplay"):
        method["allow_redisplay"] = params["allow_redisplay"]
    for name, value in (params.get("billing_details") or {}).items():
        method["billing_details"][name] = (
            {**_NO_ADDRESS, **(value or {})} if name == "address" else value
        )
    for name in ("exp_month", "exp_year"):
        value = (params.get("card") or {}).get(name)
        if value is not None:
            method["card"][name] = value
    if not 1 <= method["card"]["exp_month"] <= 12:
        raise invalid("Your card's expiration month is invalid.", "card[exp_month]")
    call.books.event("payment_method.updated", method)
    return call.books.put(method)


def attach_payment_method(call: Call) -> Json | Answer:
    books, customer = call.books, call.params["customer"]
    books.require("customer", customer, "customer")
    card = by_token(call.id)
    method = books.require("payment_method", call.id) if card is None else mint(books, card)
    if method["customer"] == customer:
        return method
    if method["_was_attached"]:
        raise bad_state(
            "The payment method you provided has already been attached to a customer.",
            "payment_method_unexpected_state",
        )
    # Attaching asks the bank whether the card is good, but asks nobody to authenticate.
    verdict = judge_setup(method, books.time, authenticated=True, challenge=False)
    if isinstance(verdict, Refused):
        return card_refusal(decline_error(verdict.decline))
    return attach(books, method, customer)


def detach_payment_method(call: Call) -> Json:
    books = call.books
    method = books.require("payment_method", call.id)
    if method["customer"] is None:
        raise bad_state(
            "The payment method you provided is not attached to a customer so detachment is"
            " impossible.",
            "payment_method_unexpected_state",
        )
    previous = {"customer": method["customer"]}
    method["customer"] = None
    for mandate in books.find("mandate", payment_method=method["id"]):
        if mandate["status"] == "active":
            mandate["status"] = "inactive"
            books.event("mandate.updated", books.put(mandate), {"status": "active"})
    books.event("payment_method.detached", method, previous)
    return books.put(method)


def list_payment_methods(call: Call) -> Json:
    customer = call.params.get("customer")
    if customer is None:
        return page(call, [])
    return _page_of(call, customer, "customer")


def list_customer_payment_methods(call: Call) -> Json:
    return _page_of(call, call.path["customer"], "id")


def _page_of(call: Call, customer: str, param: str) -> Json:
    call.books.require("customer", customer, param)
    if call.params.get("type") not in (None, "card"):
        return page(call, [])
    return page(call, call.books.find("payment_method", customer=customer))


def get_mandate(call: Call) -> Json:
    return call.books.require("mandate", call.id)

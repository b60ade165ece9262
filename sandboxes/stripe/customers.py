"""Customers."""

from typing import Any

from sandboxes.store import Json
from sandboxes.stripe import form
from sandboxes.stripe.calls import Answer, Call, card_refusal
from sandboxes.stripe.errors import invalid
from sandboxes.stripe.issuer import Refused, judge_setup
from sandboxes.stripe.lists import page
from sandboxes.stripe.payment_methods import attach, decline_error, usable

_PLAIN = (
    "address", "business_name", "description", "email", "individual_name", "name", "phone",
    "shipping", "tax_exempt",
)  # fmt: skip


def create_customer(call: Call) -> Json | Answer:
    books = call.books
    customer: Json = {
        "id": books.new_id("cus", 14),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": books.now,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
    customer["invoice_prefix"] = customer["id"][-8:].upper()
    customer["next_invoice_sequence"] = 1
    _apply(customer, call)
    books.put(customer)
    if token := call.params.get("payment_method"):
        method = usable(books, token, customer["id"])
        verdict = judge_setup(method, books.time, authenticated=True, challenge=False)
        if isinstance(verdict, Refused):
            books.delete(customer)
            return card_refusal(decline_error(verdict.decline))
        attach(books, method, customer["id"])
    books.event("customer.created", customer)
    return customer


def get_customer(call: Call) -> Json:
    return call.books.require("customer", call.id)


def update_customer(call: Call) -> Json:
    customer = call.books.require("customer", call.id)
    before = dict(customer)
    _apply(customer, call)
    changed = {name: before[name] for name in before if before[name] != customer[name]}
    call.books.event("customer.updated", customer, changed)
    return call.books.put(customer)


def list_customers(call: Call) -> Json:
    email = call.params.get("email")
    books = call.books
    return page(call, books.find("customer", email=email) if email else books.find("customer"))


def _apply(customer: Json, call: Call) -> None:
    params = call.params
    for name in _PLAIN:
        if name in params:
            customer[name] = params[name]
    email: Any = customer["email"]
    if email is not None and ("@" not in email or len(email) > 512):
        raise invalid(f"Invalid email address: {email}", "email", "email_invalid")
    if "preferred_locales" in params:
        customer["preferred_locales"] = params["preferred_locales"]
    customer["metadata"] = form.merge_metadata(customer["metadata"], params.get("metadata"))
    default = (params.get("invoice_settings") or {}).get("default_payment_method")
    if default is not None:
        usable(call.books, default, customer["id"])
        customer["invoice_settings"]["default_payment_method"] = default

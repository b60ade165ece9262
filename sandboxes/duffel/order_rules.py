"""What an order may say: passengers, payment, metadata."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from sandboxes.duffel.errors import DuffelError, entry, invalid, refuse
from sandboxes.duffel.offers import services_cost
from sandboxes.duffel.render import total_of
from sandboxes.duffel.search import is_name
from sandboxes.store import Json

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_AMOUNT = re.compile(r"\d{1,9}(\.\d{1,2})?")
_META_KEY = re.compile(r"[A-Za-z0-9_-]{1,40}")
_DOCUMENTS = {"passport", "tax_id", "known_traveler_number", "passenger_redress_number"}
_COPIED = (
    "title", "given_name", "family_name", "gender", "born_on", "email", "phone_number",
)  # fmt: skip


@dataclass(frozen=True)
class OrderRequest:
    """A body that is well-formed; whether it fits its offer is seen later."""

    kind: str
    offer_id: str
    passengers: tuple[Json, ...]
    payments: tuple[Json, ...]
    services: list[Json]
    metadata: Json
    users: list[str]


def read_order(body: Json) -> OrderRequest:
    """Read the body of an order. Raises DuffelError naming every bad field."""
    problems: list[Json] = []
    kind = body.get("type", "instant")
    if kind not in {"instant", "hold"}:
        problems.append(invalid("validation_inclusion", "/type", "Field 'type' is not known"))
    selected = body.get("selected_offers")
    if not isinstance(selected, list) or not selected:
        message = "Field 'selected_offers' can't be blank"
        problems.append(invalid("validation_required", "/selected_offers", message))
    elif len(selected) != 1:
        message = "Field 'selected_offers' must have one entry"
        problems.append(invalid("validation_length", "/selected_offers", message))
    people = body.get("passengers")
    if not isinstance(people, list) or not people:
        message = "Field 'passengers' can't be blank"
        problems.append(invalid("validation_required", "/passengers", message))
        people = []
    for place, person in enumerate(people):
        problems += _passenger_problems(person, f"/passengers/{place}")
    payments = body.get("payments") or []
    if not isinstance(payments, list):
        problems.append(invalid("validation_type", "/payments", "Payments must be a list"))
        payments = []
    problems += _payment_problems(kind, payments)
    problems += metadata_problems(body.get("metadata"))
    if problems:
        raise DuffelError(422, *problems)
    return OrderRequest(
        kind=kind,
        offer_id=str((selected or [""])[0]),
        passengers=tuple(people),
        payments=tuple(payments),
        services=body.get("services") or [],
        metadata=body.get("metadata") or {},
        users=body.get("users") or [],
    )


def _passenger_problems(person: Any, at: str) -> list[Json]:
    if not isinstance(person, dict):
        return [invalid("validation_type", at, "A passenger must be an object")]
    problems = [
        invalid("validation_required", f"{at}/{name}", f"Field '{name}' can't be blank")
        for name in ("id", *_COPIED)
        if not person.get(name)
    ]
    checks = (
        ("id", "validation_type", isinstance(person.get("id"), str)),
        ("title", "invalid_passenger_title", person.get("title") in _TITLES),
        ("given_name", "invalid_passenger_name", is_name(person.get("given_name"))),
        ("family_name", "invalid_passenger_name", is_name(person.get("family_name"))),
        ("gender", "validation_inclusion", person.get("gender") in {"m", "f"}),
        ("born_on", "validation_format", _date(person.get("born_on")) is not None),
        ("email", "invalid_email_address", _matches(_EMAIL, person.get("email"))),
        ("phone_number", "invalid_phone_number", _matches(_PHONE, person.get("phone_number"))),
    )
    problems += [
        invalid(code, f"{at}/{name}", f"Field '{name}' is not valid")
        for name, code, good in checks
        if person.get(name) and not good
    ]
    documents = person.get("identity_documents") or []
    if not isinstance(documents, list):
        return [*problems, invalid("validation_type", f"{at}/identity_documents", "Not a list")]
    for place, document in enumerate(documents):
        problems += _document_problems(document, f"{at}/identity_documents/{place}")
    return problems


_TITLES = {"mr", "ms", "mrs", "miss", "dr"}


def _document_problems(document: Any, at: str) -> list[Json]:
    given: Json = document if isinstance(document, dict) else {}
    kind = given.get("type")
    if kind not in _DOCUMENTS:
        return [invalid("validation_inclusion", f"{at}/type", "Field 'type' is not known")]
    problems = []
    if not given.get("unique_identifier"):
        pointer = f"{at}/unique_identifier"
        problems.append(invalid("validation_required", pointer, "The number can't be blank"))
    if kind == "passport":
        country = given.get("issuing_country_code")
        if not _matches(re.compile(r"[A-Z]{2}"), country):
            pointer = f"{at}/issuing_country_code"
            problems.append(invalid("validation_inclusion", pointer, "Not a country code"))
        if _date(given.get("expires_on")) is None:
            pointer = f"{at}/expires_on"
            problems.append(invalid("validation_format", pointer, "Not a date"))
    return problems


def _payment_problems(kind: object, payments: Sequence[Any]) -> list[Json]:
    if kind == "hold":
        if not payments:
            return []
        message = "A held order is paid for later"
        return [invalid("payments_not_allowed_for_order_type", "/payments", message)]
    if len(payments) != 1:
        code = "validation_length" if payments else "validation_required"
        return [invalid(code, "/payments", "Field 'payments' must have one entry")]
    return payment_problems(payments[0], "/payments/0")


def payment_problems(payment: Any, at: str) -> list[Json]:
    """Check the form of one payment."""
    given: Json = payment if isinstance(payment, dict) else {}
    problems = []
    if given.get("type") == "card":
        raise DuffelError(
            403, entry("unavailable_feature", message="Card payments are not enabled", source=None)
        )
    if given.get("type") != "balance":
        problems.append(invalid("validation_inclusion", f"{at}/type", "Pay by 'balance'"))
    if not _matches(_AMOUNT, given.get("amount")):
        problems.append(invalid("validation_format", f"{at}/amount", "Not a decimal string"))
    if not _matches(re.compile(r"[A-Z]{3}"), given.get("currency")):
        problems.append(invalid("validation_format", f"{at}/currency", "Not a currency code"))
    return problems


def metadata_problems(metadata: object) -> list[Json]:
    """Check the form of metadata: 50 keys of 40 plain characters, strings of 500."""
    if metadata is None:
        return []
    if not isinstance(metadata, dict):
        return [invalid("validation_type", "/metadata", "Metadata must be an object")]
    problems = []
    if len(metadata) > 50:
        problems.append(invalid("validation_length", "/metadata", "At most 50 keys"))
    for key, value in metadata.items():
        if not _META_KEY.fullmatch(key):
            problems.append(invalid("validation_format", f"/metadata/{key}", "Not a key"))
        if not isinstance(value, str):
            problems.append(invalid("validation_type", f"/metadata/{key}", "Not a string"))
        elif len(value) > 500:
            problems.append(invalid("validation_length", f"/metadata/{key}", "Too long"))
    return problems


def check_fit(order: OrderRequest, offer: Json) -> Decimal:
    """Check an order against its offer and give its price. Raises DuffelError."""
    _check_passengers(order, offer)
    if order.kind == "hold" and offer["instant"]:
        raise refuse(422, "invalid_order_create_type", pointer="/type")
    total = total_of(offer) + services_cost(offer, order.services, "/services")
    if order.kind == "instant":
        check_amount(order.payments[0], total, offer["currency"], "/payments/0")
    return total


def check_amount(payment: Json, total: Decimal, currency: str, at: str) -> None:
    """Refuse a payment that is not to the cent what is due."""
    if payment["currency"] != currency:
        raise refuse(422, "no_match", pointer=f"{at}/currency")
    try:
        paid = Decimal(payment["amount"])
    except InvalidOperation as error:
        raise refuse(422, "validation_format", pointer=f"{at}/amount") from error
    if paid != total:
        code = "payment_amount_does_not_match_order_amount"
        raise refuse(422, code, pointer=f"{at}/amount")


def _check_passengers(order: OrderRequest, offer: Json) -> None:
    known = {person["id"]: person for person in offer["passengers"]}
    given = [person["id"] for person in order.passengers]
    if sorted(given) != sorted(known):
        message = "The passengers must be those of the offer, each once"
        problem = invalid("order_passengers_incompatible_with_offer", "/passengers", message)
        raise DuffelError(422, problem)
    last_day = date.fromisoformat(offer["slices"][-1]["legs"][0]["departing_at"][:10])
    problems: list[Json] = []
    names: set[tuple[str, str]] = set()
    for place, person in enumerate(order.passengers):
        at = f"/passengers/{place}"
        born = date.fromisoformat(person["born_on"])
        if not _fits_age(known[person["id"]], age_on(born, last_day)):
            message = "The age at the last departure is not the one searched for"
            code = "order_passengers_incompatible_with_offer"
            problems.append(invalid(code, f"{at}/born_on", message))
        name = (person["given_name"].casefold(), person["family_name"].casefold())
        if name in names:
            message = "Two passengers have the same name"
            problems.append(invalid("duplicate_passenger_name", f"{at}/given_name", message))
        names.add(name)
        if offer["documents"] and not _has_valid_passport(person, last_day):
            message = "The airline wants a passport that is valid on the day of travel"
            problems.append(invalid("validation_required", f"{at}/identity_documents", message))
    problems += _infant_problems(order, known)
    if problems:
        raise DuffelError(422, *problems)


def _infant_problems(order: OrderRequest, known: dict[str, Json]) -> list[Json]:
    infants = {i for i, person in known.items() if person["type"] == "infant_without_seat"}
    links = [
        (place, person["infant_passenger_id"], known[person["id"]]["type"])
        for place, person in enumerate(order.passengers)
        if person.get("infant_passenger_id")
    ]
    problems = [
        invalid("validation_inclusion", f"/passengers/{place}/infant_passenger_id", "Not an infant")
        for place, infant, kind in links
        if infant not in infants or kind != "adult"
    ]
    carried = [infant for _, infant, _ in links]
    if infants - set(carried) or len(carried) != len(set(carried)):
        message = "Each infant must travel with one adult"
        problems.append(invalid("validation_required", "/passengers", message))
    return problems


def _fits_age(searched: Json, age: int) -> bool:
    if searched["age"] is not None:
        return bool(age == searched["age"])
    match searched["type"]:
        case "infant_without_seat":
            return age < 2
        case "child":
            return 2 <= age < 18
        case _:
            return age >= 12


def _has_valid_passport(person: Json, day: date) -> bool:
    return any(
        document["type"] == "passport" and date.fromisoformat(document["expires_on"]) >= day
        for document in person.get("identity_documents") or []
    )


def age_on(born: date, day: date) -> int:
    """Count whole years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def order_passenger(person: Json, searched: Json) -> Json:
    """Write a passenger as orders show one."""
    return {
        "id": person["id"],
        "type": searched["type"],
        **{name: person[name] for name in _COPIED},
        "infant_passenger_id": person.get("infant_passenger_id"),
        "loyalty_programme_accounts": person.get("loyalty_programme_accounts") or [],
        "user_id": person.get("user_id"),
    }


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _date(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None

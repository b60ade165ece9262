"""What is typed about a traveller, part by part: read, checked as an airline would, kept."""

from collections.abc import Mapping
from datetime import date
from typing import Any, get_args

from pydantic import ValidationError

from api.web.forms import Form, Problems
from domain.airline_search import resolve_airline
from domain.airlines import airline
from domain.profiles import ProfileStep, problems_of_step
from domain.travelers import DocumentKind, TravelerDetails, TravelerDocument

LABEL_LENGTH = 60
LOYALTY_ROWS = 6
_NEEDED = {
    "given_name": "Enter the given names, as in the passport.",
    "family_name": "Enter the family name, as in the passport.",
    "title": "Choose a title.",
    "gender": "Choose what the passport shows.",
    "born_on": "Enter the date of birth.",
}


def read_name(
    form: Form, before: TravelerDetails | None, today: date, problems: Problems
) -> TravelerDetails | None:
    """Return the traveller with the name part as typed; None, and problems, if it cannot be."""
    problems.need(form, _NEEDED)
    born_on = read_date(form.text("born_on"))
    if form.text("born_on") and born_on is None:
        problems.add("born_on", "Write the date as year, month and day: 1990-04-12.")
    if problems or born_on is None:
        return None
    typed = {name: form.text(name) for name in ("given_name", "family_name", "title", "gender")}
    base = before.model_dump() if before else {"email": "", "phone": ""}
    return _checked(base | typed | {"born_on": born_on}, ProfileStep.NAME, today, problems)


def read_contact(
    form: Form, before: TravelerDetails, today: date, problems: Problems
) -> TravelerDetails | None:
    problems.need(form, {"email": "Enter an e-mail address.", "phone": "Enter a telephone number."})
    if problems:
        return None
    # People write numbers with spaces and hyphens; airlines want digits alone.
    phone = "".join(c for c in form.text("phone") if c not in " -()./\u00a0")
    typed = {"email": form.text("email"), "phone": phone}
    return _checked(before.model_dump() | typed, ProfileStep.CONTACT, today, problems)


def read_loyalty(
    form: Form, before: TravelerDetails, today: date, problems: Problems
) -> TravelerDetails | None:
    """Return the traveller with the accounts as typed; an empty row is one that goes."""
    accounts = []
    for position in range(LOYALTY_ROWS):
        name, number = form.text(f"airline-{position}"), form.text(f"number-{position}")
        if not name and not number:
            continue
        if not name or not number:
            empty = "airline" if not name else "number"
            wanted = "the airline" if not name else "your number with it"
            problems.add(f"{empty}-{position}", f"Enter {wanted}, or leave both empty.")
            continue
        code = resolve_airline(name)
        if not isinstance(code, str):
            meant = ", ".join(f"{one.name} ({one.code})" for one in code[:3])
            hint = f" Do you mean {meant}?" if meant else " Its two-character code works always."
            problems.add(f"airline-{position}", f"We do not know this airline.{hint}")
            continue
        accounts.append((code, number))
    if problems:
        return None
    return _checked(
        before.model_dump() | {"loyalty": tuple(accounts)}, ProfileStep.LOYALTY, today, problems
    )


def read_document(
    form: Form, details: TravelerDetails, today: date, problems: Problems
) -> TravelerDocument | None:
    """Return the document as typed, if an airline would accept it."""
    problems.need(
        form,
        {
            "kind": "Choose what it is.",
            "number": "Enter its number.",
            "issuing_country": "Choose the country that issued it.",
        },
    )
    expires_on = read_date(form.text("expires_on"))
    if form.text("expires_on") and expires_on is None:
        problems.add("expires_on", "Write the date as year, month and day: 2031-08-01.")
    if form.text("kind") and form.text("kind") not in get_args(DocumentKind):
        problems.add("kind", "Choose one of these.")
    if problems:
        return None
    number = "".join(form.text("number").split()).upper()
    document = TravelerDocument(
        kind=form.text("kind"),
        number=number,
        issuing_country=form.text("issuing_country").upper(),
        expires_on=expires_on,
    )
    alone = details.model_copy(update={"documents": (document,)})
    found = problems_of_step(ProfileStep.DOCUMENT, alone, today=today)
    problems.take(found, {f"documents.0.{name}": name for name in TravelerDocument.model_fields})
    return None if problems else document


def name_values(details: TravelerDetails | None, label: str) -> dict[str, str]:
    """Return what stands in the form of the name part."""
    if details is None:
        return dict.fromkeys(("label", *_NEEDED), "")
    plain = details.model_dump(mode="json")
    return {"label": label, **{name: str(plain[name]) for name in _NEEDED}}


def loyalty_values(details: TravelerDetails) -> dict[str, str]:
    values = {}
    for position in range(LOYALTY_ROWS):
        known = details.loyalty[position] if position < len(details.loyalty) else None
        named = f"{airline(known[0]).name} ({known[0]})" if known else ""
        values[f"airline-{position}"] = named
        values[f"number-{position}"] = known[1] if known else ""
    return values


def read_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _checked(
    values: Mapping[str, Any], step: ProfileStep, today: date, problems: Problems
) -> TravelerDetails | None:
    try:
        details = TravelerDetails.model_validate(values)
    except ValidationError as error:
        problems.validation(error)
        return None
    problems.take(problems_of_step(step, details, today=today))
    return None if problems else details

"""Travellers: what an airline must know of them, and how people become a party."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Annotated, Literal

import phonenumbers
from babel import Locale
from pydantic import BeforeValidator

from domain.errors import FieldProblem
from domain.offers import Party
from domain.values import Value

NAME_LENGTH = 20  # what the seller's systems take
MOST_PASSENGERS = 9  # one booking at an airline
DOCUMENT_MARGIN_MONTHS = 6  # what many countries ask of a passport after the trip

DocumentKind = Literal["passport", "tax_id", "known_traveler_number", "passenger_redress_number"]


def _tidy(text: object) -> object:
    """Write a name in one way: composed letters, single spaces, a plain apostrophe."""
    if not isinstance(text, str):
        return text
    return " ".join(unicodedata.normalize("NFC", text).replace("’", "'").split())


Name = Annotated[str, BeforeValidator(_tidy)]


class TravelerDocument(Value):
    kind: DocumentKind
    number: str
    issuing_country: str
    expires_on: date | None = None


class TravelerDetails(Value):
    """A person as in the passport. Personal data: never logged, never in a history."""

    given_name: Name
    family_name: Name
    born_on: date
    gender: Literal["m", "f"]
    title: Literal["mr", "ms", "mrs", "miss", "dr"]
    email: str
    phone: str
    documents: tuple[TravelerDocument, ...] = ()
    loyalty: tuple[tuple[str, str], ...] = ()  # (airline code, account number)


def check_traveler(details: TravelerDetails, *, today: date) -> tuple[FieldProblem, ...]:
    """Return what an airline would not accept, field by field."""
    problems = [
        *_name_problems("given_name", "given name", details.given_name),
        *_name_problems("family_name", "family name", details.family_name),
        *_birth_problems(details.born_on, today),
        *_title_problems(details),
        *_contact_problems(details),
    ]
    for number, document in enumerate(details.documents):
        problems += _document_problems(f"documents.{number}", document, today)
    for number, (airline, account) in enumerate(details.loyalty):
        if not re.fullmatch(r"[A-Z0-9]{2}", airline) or not account.strip():
            problems.append(
                FieldProblem(
                    field=f"loyalty.{number}",
                    reason="this is no frequent-flyer account",
                    remedy="Give the airline's two-character code and your number with it.",
                )
            )
    return tuple(problems)


def _name_problems(field: str, label: str, name: str) -> list[FieldProblem]:
    remedy = "Write it as on the passport's machine-readable lines, in Latin letters."
    if not 1 <= len(name) <= NAME_LENGTH:
        reason = f"the {label} has {len(name)} characters; airlines take 1 to {NAME_LENGTH}"
        return [FieldProblem(field=field, reason=reason, remedy=remedy)]
    strange = sorted({c for c in name if not (_latin(c) or c in " -'")})
    if strange:
        reason = f"the {label} contains {' '.join(strange)}, which airlines do not accept"
        return [FieldProblem(field=field, reason=reason, remedy=remedy)]
    if not _latin(name[0]):
        reason = f"the {label} must begin with a letter"
        return [FieldProblem(field=field, reason=reason, remedy=remedy)]
    return []


def _latin(character: str) -> bool:
    return character.isalpha() and unicodedata.name(character, "").startswith("LATIN ")


def _birth_problems(born_on: date, today: date) -> list[FieldProblem]:
    if born_on >= today:
        reason = "the date of birth is not in the past"
    elif age_on(born_on, today) > 120:
        reason = f"nobody is {age_on(born_on, today)} years old"
    else:
        return []
    return [FieldProblem(field="born_on", reason=reason, remedy="Check the year.")]


def _title_problems(details: TravelerDetails) -> list[FieldProblem]:
    fits = {"m": {"mr", "dr"}, "f": {"ms", "mrs", "miss", "dr"}}[details.gender]
    if details.title in fits:
        return []
    return [
        FieldProblem(
            field="title",
            reason=f"airlines refuse the title {details.title} with gender {details.gender}",
            remedy=f"Choose {', '.join(sorted(fits))}, or the gender that the passport shows.",
        )
    ]


def _contact_problems(details: TravelerDetails) -> list[FieldProblem]:
    problems = []
    if len(details.email) > 254 or not re.fullmatch(
        r"[^@\s,;<>]+@[^@\s,;<>.]+(\.[^@\s,;<>.]+)+", details.email
    ):
        problems.append(
            FieldProblem(
                field="email",
                reason="this is not an e-mail address",
                remedy="Write it like name@example.com.",
            )
        )
    if not _is_e164(details.phone):
        problems.append(
            FieldProblem(
                field="phone",
                reason="this is not a full international telephone number",
                remedy="Begin with + and the country's code, digits only: +351912345678.",
            )
        )
    return problems


def _is_e164(phone: str) -> bool:
    try:
        number = phonenumbers.parse(phone, None)
    except phonenumbers.NumberParseException:
        return False
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return phonenumbers.is_possible_number(number) and written == phone


def _document_problems(field: str, document: TravelerDocument, today: date) -> list[FieldProblem]:
    problems = []
    if not re.fullmatch(r"[A-Za-z0-9-]{3,30}", document.number):
        problems.append(
            FieldProblem(
                field=f"{field}.number",
                reason="this is no document number",
                remedy="Letters and digits only, as printed.",
            )
        )
    if document.issuing_country not in countries():
        problems.append(
            FieldProblem(
                field=f"{field}.issuing_country",
                reason=f"{document.issuing_country!r} is no country code",
                remedy="Use the two capital letters of ISO 3166, such as PT or US.",
            )
        )
    if document.kind == "passport" and document.expires_on is None:
        problems.append(
            FieldProblem(
                field=f"{field}.expires_on",
                reason="airlines want to know until when the passport is valid",
                remedy="Add the date of expiry.",
            )
        )
    if document.expires_on is not None and document.expires_on < today:
        problems.append(
            FieldProblem(
                field=f"{field}.expires_on",
                reason=f"the document expired on {document.expires_on}",
                remedy="Add the new document.",
            )
        )
    return problems


@cache
def countries() -> frozenset[str]:
    """Return the two-letter codes of countries (ISO 3166, and XK for Kosovo)."""
    groups_and_unknown = {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"}
    codes = {str(code) for code in Locale("en").territories}
    return frozenset(c for c in codes - groups_and_unknown if re.fullmatch(r"[A-Z]{2}", c))


def document_warning(
    documents: Iterable[TravelerDocument], trip_ends_on: date
) -> FieldProblem | None:
    """Warn of a passport that expires before, or within six months after, the end of the trip."""
    for number, document in enumerate(documents):
        if document.kind != "passport" or document.expires_on is None:
            continue
        if document.expires_on >= add_months(trip_ends_on, DOCUMENT_MARGIN_MONTHS):
            continue
        field = f"documents.{number}.expires_on"
        if document.expires_on < trip_ends_on:
            reason = f"the passport expires on {document.expires_on}, before the trip ends"
        else:
            reason = (
                f"the passport expires on {document.expires_on}, less than "
                f"{DOCUMENT_MARGIN_MONTHS} months after the trip; many countries turn that away"
            )
        return FieldProblem(field=field, reason=reason, remedy="Renew it before you fly.")
    return None


def add_months(day: date, months: int) -> date:
    """Return the same day of a later month, or that month's last day."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    first_of_next = date(year + month // 12, month % 12 + 1, 1)
    last = (first_of_next - date(year, month, 1)).days
    return date(year, month, min(day.day, last))


class PassengerKind(StrEnum):
    """The kinds of fare. The limits are those of the airlines."""

    ADULT = "adult"  # from 12
    CHILD = "child"  # 2 to 11
    INFANT = "infant"  # under 2, on an adult's lap


def age_on(born_on: date, day: date) -> int:
    """Return the age in whole years; a birthday of 29 February counts on 1 March."""
    return day.year - born_on.year - ((day.month, day.day) < (born_on.month, born_on.day))


def passenger_kind(age: int) -> PassengerKind:
    if age < 2:
        return PassengerKind.INFANT
    return PassengerKind.CHILD if age < 12 else PassengerKind.ADULT


def party_of(birth_dates: Sequence[date], day: date) -> Party | FieldProblem:
    """Count people by kind of fare as of `day` (airlines take the last flight's day)."""
    kinds = [passenger_kind(age_on(born_on, day)) for born_on in birth_dates]
    problems = check_party(
        kinds.count(PassengerKind.ADULT),
        kinds.count(PassengerKind.CHILD),
        kinds.count(PassengerKind.INFANT),
    )
    if problems:
        return problems[0]
    return Party(
        adults=kinds.count(PassengerKind.ADULT),
        children=kinds.count(PassengerKind.CHILD),
        infants=kinds.count(PassengerKind.INFANT),
    )


def check_party(adults: int, children: int, infants: int) -> tuple[FieldProblem, ...]:
    """Return why no airline would sell seats to these people together."""
    problems = []
    if adults < 1:
        problems.append(
            FieldProblem(
                field="traveler_ids",
                reason="no traveller is 12 or older on the day of the last flight",
                remedy="Add an adult; children cannot be booked alone here.",
            )
        )
    elif infants > adults:
        problems.append(
            FieldProblem(
                field="traveler_ids",
                reason=f"{infants} children under 2 need a lap each, and there are only "
                f"{adults} adults",
                remedy="Add an adult for each child under 2.",
            )
        )
    if adults + children + infants > MOST_PASSENGERS:
        problems.append(
            FieldProblem(
                field="traveler_ids",
                reason=f"an airline books at most {MOST_PASSENGERS} people at once",
                remedy="Split the group into two wishes.",
            )
        )
    if not problems and infants > 4:
        problems.append(
            FieldProblem(
                field="traveler_ids",
                reason="at most 4 children under 2 can travel on laps in one booking",
                remedy="Split the group into two wishes.",
            )
        )
    return tuple(problems)

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.errors import FieldProblem
from domain.offers import Party
from domain.travelers import (
    PassengerKind,
    TravelerDetails,
    TravelerDocument,
    add_months,
    age_on,
    check_party,
    check_traveler,
    countries,
    document_warning,
    party_of,
    passenger_kind,
)

TODAY = date(2026, 11, 21)
DAYS = st.dates(date(1920, 1, 1), date(2030, 12, 31))


def details(**changes: Any) -> TravelerDetails:
    facts = {
        "given_name": "Amélie",
        "family_name": "O'Neill-García",
        "born_on": date(1990, 2, 28),
        "gender": "f",
        "title": "ms",
        "email": "amelie@example.com",
        "phone": "+351912345678",
    }
    return TravelerDetails(**(facts | changes))


def passport(**changes: Any) -> TravelerDocument:
    facts = {
        "kind": "passport",
        "number": "CA123456",
        "issuing_country": "PT",
        "expires_on": date(2031, 1, 1),
    }
    return TravelerDocument(**(facts | changes))


def fields(**changes: Any) -> list[str]:
    return [p.field for p in check_traveler(details(**changes), today=TODAY)]


def test_a_complete_traveller_has_no_problem():
    assert fields(documents=(passport(),), loyalty=(("TP", "123456"),)) == []


@pytest.mark.parametrize(
    "name", ["Łukasz", "Nguyễn", "Jean-Luc", "D'Arc", "Ana Maria", "Ó", "Þór", "  Ana   Maria "]
)
def test_takes_names_of_many_countries(name: str):
    assert fields(given_name=name) == []


@pytest.mark.parametrize(
    "name", ["", " ", "X" * 21, "R2D2", "Ана", "李", "Anna!", "-Anna", "'", "Anna_Maria", "a@b"]
)
def test_refuses_names_that_airlines_refuse(name: str):
    assert fields(given_name=name) == ["given_name"]
    assert fields(family_name=name) == ["family_name"]


def test_names_are_written_in_one_way():
    assert details(given_name=" Ame\u0301lie  Rose ").given_name == "Amélie Rose"
    assert details(family_name="O’Neill").family_name == "O'Neill"


@pytest.mark.parametrize(
    ("title", "gender", "fine"),
    [
        ("mr", "m", True),
        ("dr", "m", True),
        ("dr", "f", True),
        ("miss", "f", True),
        ("mr", "f", False),
        ("mrs", "m", False),
    ],
)
def test_title_and_gender_agree(title: str, gender: str, fine: bool):
    assert fields(title=title, gender=gender) == ([] if fine else ["title"])


def test_unknown_titles_and_genders_do_not_get_in():
    for changes in ({"title": "sir"}, {"gender": "x"}):
        with pytest.raises(ValidationError):
            details(**changes)


@pytest.mark.parametrize(
    ("born_on", "fine"),
    [
        (TODAY, False),
        (date(2027, 1, 1), False),
        (date(1890, 1, 1), False),
        (date(2026, 11, 20), True),
    ],
)
def test_birth_dates_are_past_and_possible(born_on: date, fine: bool):
    assert fields(born_on=born_on) == ([] if fine else ["born_on"])


@pytest.mark.parametrize(
    "email", ["", "a", "a@b", "a b@c.de", "a@b@c.de", "a@.de", "a@b.", "a@b..de"]
)
def test_refuses_what_is_no_e_mail_address(email: str):
    assert fields(email=email) == ["email"]


@pytest.mark.parametrize(
    "phone",
    ["", "912345678", "+351 912 345 678", "00351912345678", "+1", "+999123456789", "call me"],
)
def test_refuses_what_is_no_full_telephone_number(phone: str):
    assert fields(phone=phone) == ["phone"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": "!"}, "documents.0.number"),
        ({"issuing_country": "XX"}, "documents.0.issuing_country"),
        ({"issuing_country": "pt"}, "documents.0.issuing_country"),
        ({"issuing_country": "EU"}, "documents.0.issuing_country"),
        ({"expires_on": None}, "documents.0.expires_on"),
        ({"expires_on": date(2026, 11, 20)}, "documents.0.expires_on"),
        ({"expires_on": None, "kind": "known_traveler_number"}, None),
    ],
)
def test_documents(changes: Any, field: Any):
    assert fields(documents=(passport(**changes),)) == ([field] if field else [])


def test_a_loyalty_account_has_an_airline_and_a_number():
    assert fields(loyalty=(("TAP", "1"), ("TP", " "), ("B6", "12"))) == ["loyalty.0", "loyalty.1"]


def test_every_problem_says_what_to_do():
    bad = details(
        given_name="1", title="mr", email="x", phone="y", documents=(passport(number=""),)
    )
    problems = check_traveler(bad, today=TODAY)
    assert len(problems) == 5
    assert all(p.reason and p.remedy for p in problems)


def test_knows_the_countries():
    assert {"PT", "US", "XK", "TW"} <= countries()
    assert {"ZZ", "EU", "XA"}.isdisjoint(countries())


def test_warns_of_passports_that_end_with_the_trip_or_soon_after():
    trip_ends = date(2027, 5, 20)
    assert document_warning((passport(expires_on=date(2027, 11, 20)),), trip_ends) is None
    soon = document_warning((passport(expires_on=date(2027, 11, 19)),), trip_ends)
    before = document_warning((passport(expires_on=date(2027, 5, 19)),), trip_ends)
    assert soon is not None
    assert "less than 6 months after" in soon.reason
    assert before is not None
    assert "before the trip ends" in before.reason
    other = passport(kind="known_traveler_number", expires_on=date(2027, 1, 1))
    assert document_warning((other, passport(expires_on=None)), trip_ends) is None


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2027, 8, 31), 6, date(2028, 2, 29)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2026, 11, 21), 1, date(2026, 12, 21)),
        (date(2026, 12, 1), 12, date(2027, 12, 1)),
    ],
)
def test_adds_months(day: date, months: int, expected: Any):
    assert add_months(day, months) == expected


# Ages and parties


@pytest.mark.parametrize(
    ("born_on", "day", "age"),
    [
        (date(2025, 5, 20), date(2027, 5, 19), 1),
        (date(2025, 5, 20), date(2027, 5, 20), 2),
        (date(2024, 2, 29), date(2026, 2, 28), 1),
        (date(2024, 2, 29), date(2026, 3, 1), 2),
        (date(2024, 2, 29), date(2028, 2, 29), 4),
    ],
)
def test_ages(born_on: date, day: date, age: int):
    assert age_on(born_on, day) == age


@given(DAYS, DAYS)
def test_nobody_grows_younger(born_on: date, day: date):
    later = add_months(day, 12)
    assert age_on(born_on, later) - age_on(born_on, day) in {0, 1, 2}
    assert age_on(born_on, later) >= age_on(born_on, day)


@pytest.mark.parametrize(
    ("age", "kind"),
    [(0, "infant"), (1, "infant"), (2, "child"), (11, "child"), (12, "adult"), (80, "adult")],
)
def test_kinds_of_fare(age: int, kind: Any):
    assert passenger_kind(age) is PassengerKind(kind)


@given(st.lists(st.dates(date(1940, 1, 1), date(2027, 5, 1)), max_size=12))
def test_a_party_counts_everybody_or_says_why_not(births: list[date]):
    found = party_of(births, date(2027, 5, 20))
    kinds = [passenger_kind(age_on(b, date(2027, 5, 20))) for b in births]
    if isinstance(found, Party):
        assert (found.adults, found.children, found.infants) == tuple(
            kinds.count(k) for k in PassengerKind
        )
        assert found.infants <= found.adults
        assert len(births) <= 9
    else:
        assert isinstance(found, FieldProblem)
        assert found.remedy


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 12))
def test_every_party_that_passes_can_be_written_down(adults: int, children: int, infants: int):
    problems = check_party(adults, children, infants)
    if not problems:
        Party(adults=adults, children=children, infants=infants)
    assert bool(problems) == (adults < 1 or infants > adults or adults + children + infants > 9)


def test_a_child_that_turns_two_on_the_way_needs_a_seat():
    births = [date(1990, 1, 1), date(2025, 5, 20)]
    assert party_of(births, date(2027, 5, 12)) == Party(adults=1, infants=1)
    assert party_of(births, date(2027, 5, 20)) == Party(adults=1, children=1)

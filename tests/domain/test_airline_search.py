import re

import pytest

from domain.airline_search import resolve_airline, search_airlines
from domain.airlines import airline, airline_names


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("TP", "TP"),
        ("b6", "B6"),
        ("Lufthansa", "LH"),
        ("TAP Air Portugal (TP)", "TP"),
        ("iberia", "IB"),
        ("QX", "QX"),  # not in the table, and an airline's code all the same
        ("swiss", "LX"),
        ("Aeromexico", "AM"),
    ],
)
def test_a_code_or_a_name_is_an_airline(text: str, code: str):
    assert resolve_airline(text) == code


def test_what_may_mean_several_is_asked_back():
    found = resolve_airline("air china airlines")
    assert isinstance(found, tuple)
    trans = resolve_airline("trans")
    assert isinstance(trans, tuple)
    assert {a.code for a in trans} == {"HV", "TO", "TS"}
    assert resolve_airline("xqzzy blorp") == ()
    assert resolve_airline(" ") == ()


def test_small_typos_are_forgiven_but_not_taken_for_granted():
    assert "LH" in {a.code for a in search_airlines("Lufthnsa")}
    assert not isinstance(resolve_airline("Lufthnsa"), str)


def test_the_table_holds_codes_and_names_once_each():
    names = airline_names()
    assert all(re.fullmatch(r"[A-Z][A-Z0-9]|[0-9][A-Z]", code) for code in names)
    assert len(set(names.values())) == len(names)
    assert airline("AH").name == "Air Algérie"

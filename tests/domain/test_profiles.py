"""Profiles: how complete, which fare an age means, and files by what is in them."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.files import FileKind, kind_of, safe_name, size_words
from domain.profiles import ProfileStep, completion, fare_age, masked, valid_passport
from domain.travelers import TravelerDetails, TravelerDocument

TODAY = date(2026, 11, 26)
PASSPORT = TravelerDocument(
    kind="passport", number="CA123456", issuing_country="PT", expires_on=date(2031, 8, 1)
)


def person(**changes: Any) -> TravelerDetails:
    facts: dict[str, Any] = {
        "given_name": "Ana",
        "family_name": "Souza",
        "born_on": date(1990, 4, 12),
        "gender": "f",
        "title": "ms",
        "email": "ana@example.com",
        "phone": "+351912345678",
        "documents": (PASSPORT,),
    }
    return TravelerDetails(**(facts | changes))


@pytest.mark.parametrize(
    ("changes", "percent", "onward", "bookable"),
    [
        ({}, 100, None, True),
        ({"documents": ()}, 75, ProfileStep.DOCUMENT, True),
        ({"email": "", "phone": "", "documents": ()}, 50, ProfileStep.CONTACT, False),
        ({"title": "mr"}, 50, ProfileStep.NAME, False),
        (
            {"documents": (PASSPORT.model_copy(update={"expires_on": date(2026, 1, 1)}),)},
            75,
            ProfileStep.DOCUMENT,
            True,
        ),
        ({"loyalty": (("T", "1"),)}, 100, None, True),
    ],
)
def test_a_profile_goes_on_where_it_was_left(
    changes: dict[str, Any], percent: int, onward: ProfileStep | None, bookable: bool
):
    found = completion(person(**changes), today=TODAY)
    assert (found.percent, found.next, found.bookable) == (percent, onward, bookable)
    assert [one.step for one in found.steps] == list(ProfileStep)


def test_the_passport_that_lasts_longest_counts():
    newer = PASSPORT.model_copy(update={"expires_on": date(2035, 1, 1)})
    assert valid_passport(person(documents=(PASSPORT, newer)), TODAY) == newer
    assert valid_passport(person(documents=(PASSPORT,)), date(2032, 1, 1)) is None


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (date(2027, 5, 1), date(2027, 5, 20), "11 years old: child's fare"),
        (
            date(2027, 5, 1),
            date(2027, 6, 20),
            "11 or 12 years old: child's fare or adult's fare, depending on the date",
        ),
        (date(2017, 1, 1), date(2017, 1, 9), "1 years old: on a lap"),
    ],
)
def test_the_age_on_the_trip_decides_the_fare(first: date, last: date, words: str):
    assert fare_age(date(2015, 6, 3), first, last).words == words


def test_numbers_are_hidden_but_for_their_end():
    assert masked("CA123456") == "•••••456"
    assert masked("A12") == "•••"


def test_a_file_is_what_is_in_it():
    assert kind_of(b"\xff\xd8\xff\xe0JFIF") is FileKind.JPEG
    assert kind_of(b"\x89PNG\r\n\x1a\n....") is FileKind.PNG
    assert kind_of(b"%PDF-1.7") is FileKind.PDF
    assert kind_of(b"\0\0\0\x18ftypheic") is FileKind.HEIC
    for other in (b"", b"<html>", b"MZ\x90", b"GIF89a", b" %PDF-", b"<?xml version='1.0'?><svg>"):
        assert kind_of(other) is None
    assert (size_words(812_300), size_words(1_400_000), size_words(3)) == (
        "812 KB",
        "1.4 MB",
        "1 KB",
    )


@given(st.text(max_size=300))
def test_no_name_of_a_file_is_more_than_a_name(claimed: str):
    name = safe_name(claimed, FileKind.PDF)
    assert name.endswith(".pdf")
    assert 5 <= len(name) <= 84
    assert not set(name) & set('/\\:*?"<>|\r\n\0;')
    assert not name.startswith(".")

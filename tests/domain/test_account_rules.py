"""Passwords, tries, addresses and consent: the rules by themselves."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.accounts import (
    LINKS_LAST,
    ConsentStanding,
    LinkPurpose,
    NoConsent,
    clean_address,
    consent_standing,
)
from domain.passwords import normalised, password_problem
from domain.throttling import Limit, Taken, TryAgain

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short-one", "at least 12 characters"),
        ("x" * 129, "at most 128"),
        ("q1w2e3r4t5y6", "lists that thieves try"),
        ("Q1W2E3R4T5Y6", "lists that thieves try"),
        ("aaaaaaaaaaaaaaaa", "easy to guess"),
        ("qwertyuiopasdf", "commonly used"),
        ("ana.souza-1990", "made of your address"),
        ("souza@travel.example", "made of your address"),
        ("parkerflight1", "made of your address or of our name"),
        ("nightnightnight", "nothing to do with it or with you"),
    ],
)
def test_a_password_that_is_guessed_early_is_refused_with_a_remedy(
    password: str, said: str
) -> None:
    problem = password_problem(password, email="ana.souza@travel.example", own=("Ana", "1990"))
    assert problem is not None
    assert said in problem


@pytest.mark.parametrize(
    "password",
    ["correct horse battery staple", "Tr0ub4dour&3xyz", "a " * 60, "ночной поезд в Порту"],
)
def test_length_and_surprise_are_enough(password: str) -> None:
    if password.startswith("a a"):
        assert password_problem(password) is not None  # long, and no surprise at all
    else:
        assert password_problem(password, email="ana@example.com") is None


def test_one_password_written_in_two_ways_is_one_password() -> None:
    assert normalised("cafe\u0301 in lisboa") == normalised("café in lisboa")


def test_tries_run_out_and_come_back_one_by_one() -> None:
    limit, bucket = Limit(burst=3, every=timedelta(minutes=1)), None
    for _ in range(3):
        taken = limit.take(bucket, NOW)
        assert isinstance(taken, Taken)
        bucket = taken.empty_at
    assert limit.take(bucket, NOW) == TryAgain(NOW + timedelta(minutes=1))
    assert isinstance(limit.take(bucket, NOW + timedelta(minutes=1)), Taken)
    assert isinstance(limit.take(bucket, NOW + timedelta(seconds=59)), TryAgain)


@given(
    burst=st.integers(1, 20),
    every=st.integers(1, 3600),
    gaps=st.lists(st.integers(0, 7200), max_size=60),
)
def test_no_more_than_the_burst_and_one_an_interval_ever_pass(
    burst: int, every: int, gaps: list[int]
) -> None:
    limit = Limit(burst, timedelta(seconds=every))
    now, bucket, passed = NOW, None, []
    for gap in gaps:
        now += timedelta(seconds=gap)
        match limit.take(bucket, now):
            case Taken(empty_at):
                bucket = empty_at
                passed.append(now)
            case TryAgain(at):
                assert now < at <= now + limit.every
                # Waiting so long, and no longer, is enough.
                assert isinstance(limit.take(bucket, at), Taken)
    for number, first in enumerate(passed):
        for more, last in enumerate(passed[number:], start=1):
            assert more <= burst + (last - first) / limit.every


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" Ana@Example.com ", "Ana@Example.com"),
        ("ana+trips@mail.example.co.uk", "ana+trips@mail.example.co.uk"),
        ("ana", None),
        ("ana@host", None),
        ("@example.com", None),
        ("ana@example..com", None),
        ("a@b@example.com", None),
        ("ana@example.com, ben@example.com", None),
        ("ana@example.com\nBcc: ben@example.com", None),
        ("Ana <ana@example.com>", None),
        ("a" * 250 + "@example.com", None),
    ],
)
def test_only_what_can_be_one_address_is_written_to(text: str, address: str | None) -> None:
    assert clean_address(text) == address


def test_whether_one_may_consent_is_said_in_a_sentence_of_its_own() -> None:
    said = {ConsentStanding(refusal=why).sentence for why in (None, *NoConsent)}
    assert len(said) == 3
    assert "You can give consent." in said


def test_no_consent_before_the_address_is_confirmed_or_right_after_a_reset() -> None:
    def standing(**changes: datetime | None) -> ConsentStanding:
        fields = {"email_confirmed_at": NOW, "blocked_until": None} | changes
        return consent_standing(**fields, now=NOW)  # type: ignore[arg-type]

    assert standing().refusal is None
    assert standing(email_confirmed_at=None).refusal is NoConsent.UNCONFIRMED
    later = NOW + timedelta(seconds=1)
    assert standing(blocked_until=later) == ConsentStanding(
        refusal=NoConsent.JUST_RESET, until=later
    )
    assert standing(blocked_until=NOW).refusal is None
    assert {standing().sentence, standing(email_confirmed_at=None).sentence} == {
        "You can give consent.",
        ConsentStanding(refusal=NoConsent.UNCONFIRMED).sentence,
    }


def test_every_link_ends() -> None:
    assert set(LINKS_LAST) == set(LinkPurpose)

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.factors import (
    Factors,
    accepted_step,
    failures_still_counted,
    grouped,
    is_fresh,
    provisioning_uri,
    read_recovery_code,
    recovery_code,
    wait_until,
)

# The test secret of RFC 6238, appendix B, and its moments; there with eight digits, here the last six.
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
PUBLISHED = [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037")]
NOW = datetime(2026, 11, 26, 12, 0, 10, tzinfo=UTC)
STEP = timedelta(seconds=30)


def code_at(when: datetime) -> str:
    return pyotp.TOTP(SECRET).at(when)


@pytest.mark.parametrize(("seconds", "code"), PUBLISHED)
def test_codes_are_those_of_the_standard(seconds: int, code: str):
    at = datetime.fromtimestamp(seconds, UTC)
    assert accepted_step(SECRET, code, at, None) == seconds // 30


@pytest.mark.parametrize("steps", [-2, -1, 0, 1, 2])
def test_a_code_counts_one_step_early_and_one_step_late(steps: int):
    accepted = accepted_step(SECRET, code_at(NOW + steps * STEP), NOW, None)
    assert (accepted is not None) == (abs(steps) <= 1)


def test_a_code_counts_once_and_none_before_it_counts_after_it():
    step = accepted_step(SECRET, code_at(NOW), NOW, None)
    assert accepted_step(SECRET, code_at(NOW), NOW, step) is None
    assert accepted_step(SECRET, code_at(NOW - STEP), NOW, step) is None
    assert accepted_step(SECRET, code_at(NOW + STEP), NOW, step) == (step or 0) + 1


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "12345a", "１２３４５６", "-12345", "12 345"]
)
def test_what_is_no_code_is_refused(code: str):
    assert accepted_step(SECRET, code, NOW, None) is None


def test_an_app_is_told_who_asks():
    uri = provisioning_uri(SECRET, "ana@example.com", "Parker Flight")
    read = pyotp.parse_uri(uri)
    assert (read.secret, read.name, read.issuer) == (SECRET, "ana@example.com", "Parker Flight")


@given(st.binary(min_size=10, max_size=10))
def test_a_recovery_code_is_read_however_it_is_typed(chance: bytes):
    code = recovery_code(chance)
    assert len(code) == 11
    for typed in (code, code.lower(), code.replace("-", ""), f" {code[:3]} {code[3:]} "):
        assert read_recovery_code(typed) == code


def test_recovery_codes_use_all_of_their_letters():
    seen = {letter for n in range(256) for letter in recovery_code(bytes([n] * 10))}
    assert len(seen - {"-"}) == 32
    assert not seen & set("IO01")


@pytest.mark.parametrize(
    "text", ["", "123456", "K7QXN-4MHT", "K7QXN-4MHTBX", "K7QXN-4MHT0", "K7QXN-4MHTÄ"]
)
def test_what_cannot_be_a_recovery_code_is_none(text: str):
    assert read_recovery_code(text) is None


def test_guessing_takes_longer_and_longer_and_never_locks_out():
    waits = [wait_until(n, NOW) - NOW for n in range(1, 40)]
    assert waits[:4] == [timedelta(0)] * 4
    assert waits[4] == timedelta(seconds=30)
    assert waits == sorted(waits)
    assert max(waits) == timedelta(minutes=15)


def test_failures_are_forgotten_after_a_day():
    assert failures_still_counted(9, NOW, NOW + timedelta(hours=23)) == 9
    assert failures_still_counted(9, NOW, NOW + timedelta(hours=24)) == 0


@pytest.mark.parametrize(
    ("shown", "fresh"),
    [(None, False), (0, True), (599, True), (600, False), (-1, False)],
)
def test_a_factor_that_was_shown_counts_for_a_while(shown: int | None, fresh: bool):
    at = None if shown is None else NOW - timedelta(seconds=shown)
    assert is_fresh(at, NOW, timedelta(minutes=10)) is fresh


def test_recovery_codes_alone_are_no_second_factor():
    assert not Factors(codes_left=10).any
    assert Factors(passkeys=1).any
    assert Factors(totp=True, passkeys=2).count == 3


def test_a_secret_is_parted_for_copying_by_hand():
    assert grouped(SECRET[:10]) == "GEZD GNBV GY"

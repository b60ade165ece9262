"""Encryption: what goes in comes out, and only in its own place and with its own key."""

import dataclasses
import itertools
import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError

from runtime.crypto import (
    DecryptionFailed,
    EncryptionCodec,
    MasterKeys,
    decrypt_bytes,
    decrypt_field,
    encrypt_bytes,
    encrypt_field,
    hmac_hex,
    new_data_key,
    new_master_key,
    rewrap,
    unwrap,
    with_fresh_key,
    wrap,
    wrapped_with,
)
from runtime.temporal import data_converter

KEY = new_data_key()
OLD = new_master_key("k1")
NEW = new_master_key("k2")
PLACE = {"table": "travelers", "column": "family_name", "row_id": "row-1"}
text = st.text(max_size=60)


@given(text)
def test_a_field_comes_back_from_its_own_place(plain: str) -> None:
    token = encrypt_field(KEY, plain, **PLACE)
    assert decrypt_field(KEY, token, **PLACE) == plain
    assert token != encrypt_field(KEY, plain, **PLACE)
    assert re.fullmatch(r"f1\.[\w-]+", token)


@given(plain=text, name=st.sampled_from(sorted(PLACE)), other=text)
def test_a_field_that_was_moved_does_not_open(plain: str, name: str, other: str) -> None:
    if other == PLACE[name]:
        other += "x"
    token = encrypt_field(KEY, plain, **PLACE)
    with pytest.raises(DecryptionFailed):
        decrypt_field(KEY, token, **(PLACE | {name: other}))


def test_a_file_opens_in_its_own_place_alone() -> None:
    sealed = encrypt_bytes(KEY, b"a passport", **PLACE)
    assert decrypt_bytes(KEY, sealed, **PLACE) == b"a passport"
    with pytest.raises(DecryptionFailed):
        decrypt_bytes(KEY, sealed, **(PLACE | {"row_id": "row-2"}))


def test_a_fresh_key_goes_in_front_and_the_old_ones_still_open() -> None:
    wrapped = wrap(KEY, MasterKeys.parse(OLD), "user-1")
    today = date(2026, 11, 27)
    after = MasterKeys.parse(with_fresh_key(OLD, today))
    assert (after.current_id, list(after.by_id)) == ("k2-20261127", ["k2-20261127", "k1"])
    assert unwrap(wrapped, after, "user-1") == KEY
    strange = with_fresh_key(new_master_key("other"), today)
    assert MasterKeys.parse(strange).current_id == "k2-20261127"


def test_what_was_never_a_wrapped_key_is_not_opened() -> None:
    wrapped = wrap(KEY, MasterKeys.parse(OLD), "user-1")
    with pytest.raises(DecryptionFailed, match="not a wrapped data key"):
        unwrap(f"x{wrapped}", MasterKeys.parse(OLD), "user-1")


def test_the_borders_between_the_parts_of_a_place_count() -> None:
    token = encrypt_field(KEY, "x", table="ab", column="c", row_id="d")
    with pytest.raises(DecryptionFailed):
        decrypt_field(KEY, token, table="a", column="bc", row_id="d")


@given(plain=text, number=st.integers(0, 1000), other=st.characters())
def test_any_change_is_noticed(plain: str, number: int, other: str) -> None:
    token = encrypt_field(KEY, plain, **PLACE)
    place = number % len(token)
    if other == token[place]:
        other = "!"
    changed = token[:place] + other + token[place + 1 :]
    with pytest.raises(DecryptionFailed):
        decrypt_field(KEY, changed, **PLACE)
    with pytest.raises(DecryptionFailed):
        decrypt_field(KEY, token[:place], **PLACE)


def test_another_persons_key_opens_nothing() -> None:
    with pytest.raises(DecryptionFailed):
        decrypt_field(new_data_key(), encrypt_field(KEY, "x", **PLACE), **PLACE)


@given(st.text(min_size=1, max_size=40))
def test_a_data_key_is_bound_to_its_person(subject: str) -> None:
    keys = MasterKeys.parse(OLD)
    wrapped = wrap(KEY, keys, subject)
    assert unwrap(wrapped, keys, subject) == KEY
    with pytest.raises(DecryptionFailed):
        unwrap(wrapped, keys, subject + "x")


def test_rotating_the_master_key_keeps_what_was_written() -> None:
    old, both, new = (MasterKeys.parse(t) for t in (OLD, f"{NEW},{OLD}", NEW))
    wrapped = wrap(KEY, old, "p1")
    rewrapped = rewrap(wrapped, both, "p1")
    assert (wrapped_with(wrapped), wrapped_with(rewrapped)) == ("k1", "k2")
    assert unwrap(rewrapped, new, "p1") == KEY
    assert rewrap(rewrapped, both, "p1") == rewrapped
    with pytest.raises(DecryptionFailed, match="k1"):
        unwrap(wrapped, new, "p1")
    with pytest.raises(DecryptionFailed):
        rewrap(wrapped, both, "p2")


def test_a_key_id_may_hold_a_dot() -> None:
    keys = MasterKeys.parse(new_master_key("2026.11"))
    assert unwrap(wrap(KEY, keys, "p"), keys, "p") == KEY


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("", "no key"),
        ("abc", "key 1 is not written as id:base64"),
        (f"{OLD},{OLD}", "occurs twice"),
        ("k1:!!!", "not base64"),
        ("k1:AAAA", "3 bytes instead of 32"),
    ],
    ids=itertools.count(),  # the keys are random, a test's name must not be
)
def test_master_keys_that_are_none_are_refused(written: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        MasterKeys.parse(written)
    assert "AAAA" not in str(caught.value)


def test_hashes_are_keyed() -> None:
    assert hmac_hex("a", "x") == hmac_hex("a", "x")
    assert len({hmac_hex("a", "x"), hmac_hex("b", "x"), hmac_hex("a", "y")}) == 3
    assert re.fullmatch("[0-9a-f]{64}", hmac_hex("a", "x"))


async def test_payloads_are_encrypted_and_old_keys_still_read() -> None:
    old = EncryptionCodec(MasterKeys.parse(OLD))
    both = EncryptionCodec(MasterKeys.parse(f"{NEW},{OLD}"))
    plain = Payload(metadata={"encoding": b"json/plain"}, data=b'"Ann Traveller"')
    [sealed] = await old.encode([plain])
    assert b"Ann" not in sealed.SerializeToString()
    assert sealed.metadata["key-id"] == b"k1"
    assert await both.decode([sealed]) == [plain]
    assert (await both.encode([plain]))[0].metadata["key-id"] == b"k2"
    assert await both.decode([plain]) == [plain]


async def test_a_changed_payload_or_an_unknown_key_is_noticed() -> None:
    codec = EncryptionCodec(MasterKeys.parse(OLD))
    [sealed] = await codec.encode([Payload(data=b"x")])
    changed = Payload(metadata=sealed.metadata, data=sealed.data[:-1] + b"\x00\x01")
    with pytest.raises(DecryptionFailed):
        await codec.decode([changed])
    with pytest.raises(DecryptionFailed, match="k1"):
        await EncryptionCodec(MasterKeys.parse(NEW)).decode([sealed])


class Wish(BaseModel):
    budget: Decimal
    depart: date
    cities: frozenset[str]


@dataclasses.dataclass
class Plain:
    note: str


async def test_our_converter_carries_models_and_hides_what_errors_say() -> None:
    converter = data_converter(MasterKeys.parse(OLD))
    wish = Wish(budget=Decimal("520.10"), depart=date(2027, 5, 6), cities=frozenset({"LIS"}))
    payloads = await converter.encode([wish, Plain("for Ann")])
    assert not any(b"LIS" in p.data or b"Ann" in p.data for p in payloads)
    assert await converter.decode(payloads, [Wish, Plain]) == [wish, Plain("for Ann")]

    failure = Failure()
    error = ApplicationError("Ann's card was declined", "4242", type="Declined")
    await converter.encode_failure(error, failure)
    stored = failure.SerializeToString()
    assert b"Ann" not in stored
    assert b"4242" not in stored
    assert failure.application_failure_info.type == "Declined"
    assert "Ann" in str(await converter.decode_failure(failure))

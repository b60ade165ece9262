"""Signed links and API keys."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.tokens import (
    PAY_PURPOSE,
    BadToken,
    ExpiredToken,
    api_key_hash,
    email_hash,
    new_api_key,
    one_time_hash,
    one_time_token,
    pay_link,
    read_token,
    sign_token,
)
from runtime.web_tokens import form_token, new_token, same_text, session_hash, share_hash

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@given(st.uuids(), st.uuids())
def test_a_token_says_what_was_signed(subject: UUID, owner: UUID) -> None:
    link = read_token("s", "pay", sign_token("s", "pay", subject, LATER, owner=owner), NOW)
    assert (link.subject, link.owner, link.expires_at) == (subject, owner, LATER)


@given(st.integers(0, 79), st.sampled_from("Az09-_"))
def test_a_changed_token_is_refused(position: int, letter: str) -> None:
    token = sign_token("s", "pay", UUID(int=7), LATER, owner=UUID(int=9))
    changed = token[:position] + letter + token[position + 1 :]
    if changed != token:
        with pytest.raises(BadToken):
            read_token("s", "pay", changed, NOW)


@given(st.text(max_size=100))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(BadToken):
        read_token("s", "pay", text, NOW)


def test_a_token_serves_one_purpose_one_secret_and_its_time() -> None:
    token = sign_token("s", "pay", uuid4(), LATER, owner=uuid4())
    with pytest.raises(BadToken):
        read_token("s", "card-setup", token, NOW)
    with pytest.raises(BadToken):
        read_token("other", "pay", token, NOW)
    with pytest.raises(ExpiredToken):
        read_token("s", "pay", token, LATER)


def test_keys_differ_and_hash_by_pepper() -> None:
    assert new_api_key() != new_api_key()
    assert new_api_key().startswith("pk_")
    assert api_key_hash("p", "pk_x") != api_key_hash("q", "pk_x") != "pk_x"
    assert email_hash("p", " Ana@Example.com") == email_hash("p", "ana@example.com")


def test_the_link_to_the_bank_says_whose_attempt_it_is() -> None:
    attempt, owner = uuid4(), uuid4()
    link = pay_link("https://parker.example/", "s", attempt, LATER, owner=owner)
    token = link.removeprefix("https://parker.example/pay/")
    found = read_token("s", PAY_PURPOSE, token, NOW)
    assert (found.subject, found.owner, found.expires_at) == (attempt, owner, LATER)


def test_a_link_that_works_once_is_made_again_by_who_knows_the_secret_alone() -> None:
    link = uuid4()
    token = one_time_token("s", "reset", link)
    assert token == one_time_token("s", "reset", link)
    others = {one_time_token(*words) for words in (
        ("t", "reset", link), ("s", "confirm", link), ("s", "reset", uuid4())
    )}  # fmt: skip
    assert len(others | {token}) == 4
    stored = one_time_hash("p", token)
    assert token not in stored
    assert stored != one_time_hash("q", token)


def test_what_a_browser_keeps_is_stored_as_a_hash_and_bound_to_its_use() -> None:
    cookie = new_token()
    assert cookie != new_token()
    hashes = {session_hash("p", cookie), session_hash("q", cookie), form_token("p", cookie)}
    hashes.add(share_hash("p", cookie))
    assert len(hashes) == 4
    assert cookie not in hashes
    assert same_text(form_token("s", cookie), form_token("s", cookie))
    assert not same_text(form_token("s", cookie), form_token("s", "é"))

"""Signed links and API keys."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.tokens import (
    BadToken,
    ExpiredToken,
    api_key_hash,
    email_hash,
    new_api_key,
    read_token,
    sign_token,
)

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

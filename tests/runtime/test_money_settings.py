"""What travellers are told of their money: spans of days a country, and words that hold."""

import pytest

from runtime.crypto import new_master_key
from runtime.settings import SettingsError, load_settings


def load(**more: str):
    values = {
        "PARKER_DATABASE_URL": "postgresql://u:p@host/db",
        "PARKER_MASTER_KEYS": new_master_key("k1"),
        "PARKER_HMAC_SECRET": "s" * 40,
    }
    named = {f"PARKER_MONEY_{name.upper()}": value for name, value in more.items()}
    return load_settings(values | named, env_files=()).money


def test_a_country_may_have_a_span_of_its_own():
    money = load(refund_days_in="us:5-7, PT:1-3", card_warning_days="90,14")
    assert money.refund_days("US") == (5, 7)
    assert money.refund_days("PT") == (1, 3)
    assert money.refund_days(None) == (5, 10)
    assert money.card_warning_days == (90, 14)


@pytest.mark.parametrize(
    "bad",
    [
        {"refund_days_in": "US:soon"},
        {"refund_days_in": "US:9-3"},
        {"refund_days_first": "11"},
        {"statement_descriptor": "PF"},
    ],
)
def test_what_cannot_be_told_is_refused_at_start(bad: dict[str, str]):
    with pytest.raises(SettingsError, match=r"PARKER_MONEY|first day"):
        load(**bad)

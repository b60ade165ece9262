"""What counts as one network when tries are counted: no finer than what one guesser is given."""

import pytest
from starlette.requests import Request

from api.throttle import network_of


def network(host: str | None) -> str:
    client = (host, 50_000) if host is not None else None
    return network_of(Request({"type": "http", "client": client, "headers": []}))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.7", "::ffff:192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("2001:db8:1:2::3", "2001:db8:1:2:ffff::4", True),
        ("2001:db8:1:2::3", "2001:db8:1:3::3", False),
        (None, "not an address", True),
    ],
)
def test_a_household_is_one_network(one: str | None, other: str | None, same: bool) -> None:
    assert (network(one) == network(other)) is same

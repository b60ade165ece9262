"""Which addresses may be called, and when a call is made again."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.telling import KIND_OF, Channel, channels_of
from domain.webhooks import (
    TYPES,
    BadWebhookUrl,
    Verdict,
    is_given_up,
    may_be_called,
    next_try,
    payload,
    target_of,
    verdict_on,
)

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
INSIDE = [
    "0.0.0.0", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1",
    "127.8.8.8", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1",
    "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.1.2.3",
    "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::7f00:1",
    "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:a00:1::",
    "2002:7f00:1::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_nothing_inside_is_called(address: str):
    assert not may_be_called(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_the_public_internet_is_called(address: str):
    assert may_be_called(ip_address(address))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_called_only_where_that_is_allowed(address: str):
    assert may_be_called(ip_address(address), loopback=True)
    assert not may_be_called(ip_address(address))


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_an_address_in_disguise_is_judged_as_what_it_is(number: int, loopback: bool):
    plain = IPv4Address(number)
    allowed = may_be_called(plain, loopback=loopback)
    assert allowed <= (plain.is_global or plain.is_loopback)
    assert may_be_called(IPv6Address((0xFFFF << 32) | number), loopback=loopback) == allowed
    for carrier in ("64:ff9b::/96", "2002::/16", "::/96"):
        network = IPv6Network(carrier)
        shift = 80 if network.prefixlen == 16 else 0
        wrapped = IPv6Address(int(network.network_address) | (number << shift))
        assert not may_be_called(wrapped) or number < 2


@given(st.text(max_size=80))
def test_no_text_breaks_the_judge(text: str):
    for url in (text, f"https://{text}", f"https://a.example/{text}", f"http://{text}@127.0.0.1/"):
        try:
            target = target_of(url)
        except BadWebhookUrl:
            continue
        assert target.scheme == "https"
        assert target.host
        assert target.path.startswith("/")
        assert not set(target.host) & set(" /?#@\\")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/x", "ftp://hooks.example.com", "hooks.example.com/x", "https://",
        "https://user:word@hooks.example.com/", "https://hooks.example.com/#part", "http://127.0.0.1/",
        "https://127.0.0.1/", "https://[::1]/", "https://10.1.2.3/x", "https://[fd00::1]/",
        "https://169.254.169.254/latest/meta-data", "https://hooks.example.com:99999/",
        "https://hooks.example.com/" + "x" * 2000, "https://ho oks.example.com/", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_bad_addresses_are_refused_with_a_sentence(url: str):
    with pytest.raises(BadWebhookUrl, match=r"\.$"):
        target_of(url)


def test_good_addresses_are_taken_apart():
    target = target_of("https://Hooks.Example.com:8443/a/b?c=d")
    assert (target.host, target.port, target.path) == ("hooks.example.com", 8443, "/a/b?c=d")
    assert target.authority == "hooks.example.com:8443"
    assert target_of("https://bücher.example").host == "xn--bcher-kva.example"
    local = target_of("http://127.0.0.1:9000", loopback=True)
    assert (local.path, local.authority) == ("/", "127.0.0.1:9000")
    # Only this machine is excused from TLS.
    with pytest.raises(BadWebhookUrl):
        target_of("http://hooks.example.com/", loopback=True)


def test_it_is_tried_for_three_days_and_not_for_ever():
    at, tries = NOW, 1
    while (then := next_try(tries, at)) is not None:
        assert then > at
        at, tries = then, tries + 1
    assert timedelta(days=3) < at - NOW < timedelta(days=4)
    assert tries == 10
    assert next_try(1, NOW, timedelta(hours=1)) == NOW + timedelta(hours=1)
    assert next_try(1, NOW, timedelta(days=400)) == NOW + timedelta(hours=24)


def test_answers_are_judged_by_their_status_alone():
    assert [verdict_on(status) for status in (200, 204, 299)] == [Verdict.DELIVERED] * 3
    assert [verdict_on(status) for status in (None, 301, 400, 404, 500)] == [Verdict.AGAIN] * 5
    assert verdict_on(410) is Verdict.GONE


def test_a_server_is_given_up_after_days_of_failures_only():
    patience = timedelta(days=3)
    assert not is_given_up(None, 99, NOW, patience)
    assert not is_given_up(NOW - patience, 4, NOW, patience)
    assert not is_given_up(NOW - timedelta(days=2), 99, NOW, patience)
    assert is_given_up(NOW - patience, 5, NOW, patience)


def test_every_event_that_a_webhook_hears_of_has_a_name():
    heard = {event for event in KIND_OF if Channel.WEBHOOK in channels_of(event)}
    assert heard == set(TYPES)


def test_a_body_holds_figures_and_no_words_of_ours():
    told = payload(
        "booking.booked", at=NOW, url="https://x.example/b", sandbox=True,
        data={"price_minor": 1, "link_id": "secret", "name": "Ada"},
    )  # fmt: skip
    assert told["data"] == {"price_minor": 1, "url": "https://x.example/b", "sandbox": True}

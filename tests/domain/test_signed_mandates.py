"""What was signed is what is allowed: no byte of it can change, and nothing beyond it is charged."""

import json
import os
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from authenticator import Authenticator, decoded
from consents import KEYS
from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns import BookingMode
from domain.criteria import Criteria
from domain.mandate_document import (
    BadMandate,
    MandateDocument,
    MandateKind,
    PasskeySignature,
    SignedConsent,
    SignedMandate,
    SignedTraveler,
    canonical,
    challenge_of,
    from_text,
    name_digest,
    read_document,
    server_bytes,
    to_text,
    verified,
)
from domain.mandates import Charge, Mandate, MandateRefusal, carriers_of, covers, may_book
from domain.money import Money
from domain.offers import Cabin, DatePair, Party
from runtime.signing import MandateKeys, new_mandate_key, rotated

NOW = datetime(2026, 11, 26, 17, tzinfo=UTC)
CAP, IN_ALL = 52_000, 80_000
WISH = Criteria(
    origins=("JFK",),
    destinations=("LIS", "OPO"),
    departure_from=date(2027, 5, 1),
    departure_until=date(2027, 6, 15),
    nights_min=6,
    nights_max=10,
    budget=Money(minor=CAP, currency="USD"),
    airlines_wanted=("TP", "B6"),
    airlines_excluded=("ZZ",),
    max_connections=1,
)
PAIR = DatePair(
    origin="JFK", destination="LIS", departs_on=date(2027, 5, 10), returns_on=date(2027, 5, 18)
)
ROUTE = "TP204@2027-05-10T18:30#Basic+|TP209@2027-05-18T17:00"
TRAVELLER = uuid4()


def usd(minor: int) -> Money:
    return Money(minor=minor, currency="USD")


DOCUMENT = MandateDocument.for_wish(
    WISH,
    kind=MandateKind.BOOKING,
    mandate_id=uuid4(),
    campaign_id=uuid4(),
    owner_id=uuid4(),
    relying_party="localhost",
    mode=BookingMode.AUTO,
    criteria_version=3,
    cap_each=usd(CAP),
    cap_total=usd(IN_ALL),
    party=Party(),
    travelers=(SignedTraveler(traveler_id=TRAVELLER, name_digest=name_digest(b"s", "Ana", "Né")),),
    card_id=uuid4(),
    itinerary_key=None,
    consent=SignedConsent(version="2026-11", words="I allow “it” – once, at most 520.00 USD."),
    issued_at=NOW - timedelta(days=1),
    expires_at=NOW + timedelta(days=364),
    nonce=to_text(os.urandom(32)),
)
CHARGE = Charge(
    campaign_id=DOCUMENT.campaign_id,
    owner_id=DOCUMENT.owner_id,
    mode=DOCUMENT.mode,
    criteria_version=3,
    criteria=WISH,
    party=Party(),
    traveler_ids=(TRAVELLER,),
    named_card_id=DOCUMENT.card_id,
    card_id=DOCUMENT.card_id,
    total=usd(48_000),
    used=usd(0),
    pair=PAIR,
    itinerary_key=ROUTE,
)


def sign(document: MandateDocument, passkey: PasskeySignature | None = None) -> SignedMandate:
    key_id, signature = KEYS.sign(server_bytes(canonical(document), passkey))
    return SignedMandate(
        document=canonical(document).decode(),
        key_id=key_id,
        signature=to_text(signature),
        passkey=passkey,
    )


def passkey_of(document: MandateDocument, device: Authenticator) -> PasskeySignature:
    """Have a device sign the document, as the browser does on the page of its consent."""
    made = json.loads(
        device.register(
            json.dumps({"user": {"id": "dXNlcg"}, "rp": {"id": "localhost"}, "challenge": "eA"})
        )
    )
    import cbor2

    data = cbor2.loads(decoded(made["response"]["attestationObject"]))["authData"]
    question = {"challenge": to_text(challenge_of(document)), "rpId": "localhost"}
    answer = json.loads(device.answer(json.dumps(question)))["response"]
    return PasskeySignature(
        relying_party="localhost",
        credential_id=to_text(device.credential_id),
        public_key=to_text(data[55 + len(device.credential_id) :]),
        authenticator_data=answer["authenticatorData"],
        client_data=answer["clientDataJSON"],
        signature=answer["signature"],
    )


DEVICE = Authenticator("http://localhost:8000")
SIGNED = sign(DOCUMENT, passkey_of(DOCUMENT, DEVICE))
PLAIN = sign(DOCUMENT)


def allows(signed: SignedMandate, charge: Charge = CHARGE, *, now: datetime = NOW) -> bool:
    """Ask as the product does before it holds money and before it orders."""
    try:
        document = verified(signed, KEYS)
    except BadMandate:
        return False
    mandate = Mandate.of(document, revoked_at=None)
    return may_book(mandate, charge.total, now) is None and covers(document, charge) is None


def test_what_was_signed_allows_what_was_said() -> None:
    assert allows(SIGNED)
    assert allows(PLAIN)
    assert read_document(PLAIN.document) == DOCUMENT
    assert json.loads(PLAIN.document)["cap_each"] == {"currency": "USD", "minor": CAP}
    assert "Ana" not in PLAIN.document


PLACES = [("document",), ("signature",), ("key_id",)] + [
    ("passkey", name) for name in PasskeySignature.model_fields
]


@given(place=st.sampled_from(PLACES), where=st.integers(0, 5000), byte=st.integers(1, 127))
def test_a_change_of_any_byte_of_anything_leaves_nothing_allowed(
    place: tuple[str, ...], where: int, byte: int
) -> None:
    plain = SIGNED.model_dump(mode="json")
    holder = plain
    for name in place[:-1]:
        holder = holder[name]
    text = str(holder[place[-1]])
    at = where % len(text)
    changed = text[:at] + chr(byte) + text[at + 1 :]
    holder[place[-1]] = changed
    assert allows(SignedMandate.model_validate(plain)) is (changed == text)


def other(value: Any) -> Any:
    """Return another value of the same kind."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return value + "x" if len(value) != 3 else "EUR"
        case None:
            return 1
        case list():
            return [*value, *value] if value else ["XX"]
        case dict():
            name = min(value)
            return value | {name: other(value[name])}
    raise TypeError(value)


@pytest.mark.parametrize("field", [f for f in MandateDocument.model_fields if f != "format"])
def test_no_field_can_be_changed_after_signing(field: str) -> None:
    """Not even where the text is still a document of ours in its canonical form."""
    plain = json.loads(PLAIN.document)
    values = {
        "kind": "allow_once", "mode": "ask_me_first", "cabin": "business", "card_id": str(uuid4()),
        "departure_from": "2027-05-02", "departure_until": "2027-06-14", "itinerary_key": ROUTE,
        "issued_at": "2026-01-01T00:00:00Z", "expires_at": "2029-01-01T00:00:00Z",
    }  # fmt: skip
    if field.endswith("_id") and field != "card_id":
        values[field] = str(uuid4())
    plain[field] = values.get(field, other(plain[field]))
    text = canonical(MandateDocument.model_validate_json(json.dumps(plain))).decode()
    assert text != PLAIN.document
    for signed in (PLAIN, SIGNED):
        assert not allows(signed.model_copy(update={"document": text}))


CHANGES: list[tuple[str, Any, MandateRefusal]] = [
    ("campaign_id", uuid4(), MandateRefusal.OTHER_WISH),
    ("owner_id", uuid4(), MandateRefusal.OTHER_WISH),
    ("mode", BookingMode.ASK_ME_FIRST, MandateRefusal.OTHER_WISH),
    ("criteria_version", 4, MandateRefusal.OTHER_WISH),
    ("party", Party(adults=2), MandateRefusal.OTHER_TRAVELLERS),
    ("traveler_ids", (uuid4(),), MandateRefusal.OTHER_TRAVELLERS),
    ("named_card_id", None, MandateRefusal.OTHER_CARD),
    ("card_id", uuid4(), MandateRefusal.OTHER_CARD),
    ("total", usd(CAP + 1), MandateRefusal.ABOVE_CAP),
    ("used", usd(IN_ALL - 48_000 + 1), MandateRefusal.USED_UP),
    ("pair", PAIR.model_copy(update={"departs_on": date(2027, 4, 30)}), None),
    ("pair", PAIR.model_copy(update={"returns_on": date(2027, 5, 21)}), None),
    ("pair", PAIR.model_copy(update={"returns_on": None}), None),
    ("pair", PAIR.model_copy(update={"cabin": Cabin.BUSINESS}), None),
    ("itinerary_key", "ZZ1@2027-05-10T18:30", None),
    ("itinerary_key", "AF23@2027-05-10T18:30+TP9@2027-05-10T23:00", None),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "kind"), CHANGES)
def test_nothing_but_what_was_signed_is_covered(field: str, value: Any, kind: Any) -> None:
    problem = covers(DOCUMENT, CHARGE.model_copy(update={field: value}))
    assert problem is not None
    assert problem.kind is (kind or MandateRefusal.OTHER_FLIGHTS)


def test_what_names_no_flights_yet_is_held_against_the_rest_alone() -> None:
    assert covers(DOCUMENT, CHARGE.model_copy(update={"pair": None, "itinerary_key": None})) is None
    # Whether the money is in the right currency is asked before.
    euros = Money(minor=2 * IN_ALL, currency="EUR")
    assert covers(DOCUMENT, CHARGE.model_copy(update={"total": euros})) is None


@pytest.mark.parametrize("field", list(MandateDocument.wish_of(WISH)))
def test_another_wish_is_not_covered_whatever_differs(field: str) -> None:
    plain = WISH.model_dump(mode="json")
    values = {
        "departure_from": "2027-04-01", "departure_until": "2027-07-01", "cabin": "first",
        "checked_bags": 2,
    }  # fmt: skip
    plain[field] = values.get(field, other(plain[field]))
    plain[field] = min(plain[field], 2) if field == "max_connections" else plain[field]
    wish = Criteria.model_validate(plain)
    problem = covers(DOCUMENT, CHARGE.model_copy(update={"criteria": wish}))
    assert problem is not None
    assert problem.kind is MandateRefusal.OTHER_WISH


@given(
    total=st.integers(0, 2 * CAP),
    used=st.integers(0, IN_ALL),
    hours=st.integers(-48, 24 * 400),
    revoked=st.none() | st.integers(-48, 48),
)
def test_a_charge_is_allowed_within_both_caps_and_its_time_and_never_else(
    total: int, used: int, hours: int, revoked: int | None
) -> None:
    now = NOW + timedelta(hours=hours)
    revoked_at = None if revoked is None else NOW + timedelta(hours=revoked)
    charge = CHARGE.model_copy(update={"total": usd(total), "used": usd(used)})
    mandate = Mandate.of(verified(SIGNED, KEYS), revoked_at)
    allowed = may_book(mandate, charge.total, now) is None and covers(DOCUMENT, charge) is None
    assert allowed is (
        total <= CAP
        and used + total <= IN_ALL
        and DOCUMENT.issued_at <= now < DOCUMENT.expires_at
        and (revoked_at is None or now < revoked_at)
    )


def test_an_amendment_is_for_one_itinerary_alone() -> None:
    once = DOCUMENT.model_copy(update={"kind": MandateKind.ALLOW_ONCE, "itinerary_key": ROUTE})
    assert covers(once, CHARGE) is None
    other_flights = CHARGE.model_copy(update={"itinerary_key": ROUTE.replace("204", "206")})
    problem = covers(once, other_flights)
    assert problem is not None
    assert problem.kind is MandateRefusal.OTHER_FLIGHTS


def test_a_passkey_counts_only_verified_for_this_site_and_this_document() -> None:
    careless = Authenticator("http://localhost:8000", verifies=False)
    elsewhere = Authenticator("https://localhost.example")
    plain_http = Authenticator("http://parker.example")
    for device in (careless, elsewhere, plain_http):
        assert not allows(sign(DOCUMENT, passkey_of(DOCUMENT, device)))
    of_another = DOCUMENT.model_copy(update={"nonce": to_text(os.urandom(32))})
    assert not allows(sign(DOCUMENT, passkey_of(of_another, DEVICE)))
    assert SIGNED.passkey is not None
    other_site = SIGNED.passkey.model_copy(update={"relying_party": "other.example"})
    assert not allows(sign(DOCUMENT, other_site))
    assert not allows(SIGNED.model_copy(update={"passkey": None}))
    assert not allows(PLAIN.model_copy(update={"passkey": SIGNED.passkey}))


def test_what_a_retired_key_signed_still_holds_and_a_strange_keys_does_not() -> None:
    first = new_mandate_key("m1")
    old = MandateKeys.parse(first)
    key_id, signature = old.sign(b"a document")
    changed = rotated(first, date(2026, 11, 27))
    after = MandateKeys.parse(changed)
    assert (after.current_id, list(after.public)) == ("m2-20261127", ["m2-20261127", "m1"])
    assert after.server_signed(key_id, b"a document", signature)
    assert MandateKeys.of_published(after.published()).server_signed(
        key_id, b"a document", signature
    )
    assert not KEYS.server_signed(key_id, b"a document", signature)
    assert first.partition(":")[2] not in changed
    for text in ("", "m1", "m1:c2hvcnQ=", changed.partition(",")[2], f"{first},{first}"):
        with pytest.raises(ValueError, match=r"key|id"):
            MandateKeys.parse(text)
    with pytest.raises(ValueError, match="list of mandate keys"):
        MandateKeys.of_published({"keys": [{"kid": "x"}]})
    with pytest.raises(ValueError, match="only check"):
        MandateKeys.of_published(old.published()).sign(b"")


@pytest.mark.parametrize("text", ["A", "é", "not base64!", "AA=="])
def test_bytes_are_written_in_one_way_alone(text: str) -> None:
    with pytest.raises(BadMandate, match="base64url"):
        from_text(text)


def test_carriers_are_read_from_the_flights_key() -> None:
    assert carriers_of(ROUTE) == {"TP"}
    assert carriers_of("B6123@2027-05-10T18:30+TP9@2027-05-11T01:00#Flex+Bag") == {"B6", "TP"}


def test_a_name_is_not_found_by_its_digest() -> None:
    assert name_digest(b"a", "Ana", "Souza") != name_digest(b"b", "Ana", "Souza")
    assert name_digest(b"a", "AnaS", "ouza") != name_digest(b"a", "Ana", "Souza")

"""The signed form of a consent: one canonical document, what signs it, and what it allows.

The bytes that are signed are the document as canonical JSON (RFC 8785), so that anybody can make
them again from what they see. Whoever travels is named by a salted digest: once the salt is
destroyed, the document still holds and says nothing about a person any more.
"""

import base64
import binascii
import hashlib
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, Protocol, Self
from uuid import UUID

import rfc8785
from pydantic import ValidationError

from domain.campaigns import BookingMode
from domain.criteria import Criteria
from domain.money import Money
from domain.offers import Cabin, Party
from domain.values import Value

FORMAT = "parker-mandate/1"


class MandateKind(StrEnum):
    BOOKING = "booking"  # any flights that satisfy the wish
    ALLOW_ONCE = "allow_once"  # one itinerary, dearer than the wish allows, for some minutes


class SignedTraveler(Value):
    """Who travels: our id, and a digest of the name under a salt that is kept apart."""

    traveler_id: UUID
    name_digest: str


class SignedConsent(Value):
    """The words that were agreed to."""

    version: str
    words: str


class MandateDocument(Value):
    """What is allowed. `card_id` None is whichever card is the owner's default at the time."""

    format: Literal["parker-mandate/1"] = "parker-mandate/1"
    kind: MandateKind
    mandate_id: UUID
    campaign_id: UUID
    owner_id: UUID
    relying_party: str
    mode: BookingMode
    criteria_version: int
    cap_each: Money
    cap_total: Money
    origins: tuple[str, ...]
    destinations: tuple[str, ...]
    departure_from: date
    departure_until: date
    nights_min: int | None
    nights_max: int | None
    cabin: Cabin
    airlines_wanted: tuple[str, ...]
    airlines_excluded: tuple[str, ...]
    max_connections: int | None
    checked_bags: int
    refundable_only: bool
    party: Party
    travelers: tuple[SignedTraveler, ...]
    card_id: UUID | None
    itinerary_key: str | None
    consent: SignedConsent
    issued_at: datetime
    expires_at: datetime
    nonce: str

    @classmethod
    def for_wish(cls, criteria: Criteria, **facts: object) -> Self:
        """Make the document for a wish; `facts` are all other fields."""
        return cls.model_validate({**cls.wish_of(criteria), **facts})

    @property
    def currency(self) -> str:
        return self.cap_each.currency

    def allows_wish(self, criteria: Criteria) -> bool:
        """Say whether the wish is the one that was signed, as far as the document names it."""
        wish = self.wish_of(criteria)
        return all(getattr(self, name) == value for name, value in wish.items())

    @staticmethod
    def wish_of(criteria: Criteria) -> dict[str, object]:
        """Return the parts of a wish that a document names."""
        return {
            "origins": criteria.origins,
            "destinations": criteria.destinations,
            "departure_from": criteria.departure_from,
            "departure_until": criteria.departure_until,
            "nights_min": criteria.nights_min,
            "nights_max": criteria.nights_max,
            "cabin": criteria.cabin,
            "airlines_wanted": criteria.airlines_wanted,
            "airlines_excluded": criteria.airlines_excluded,
            "max_connections": criteria.max_connections,
            "checked_bags": criteria.checked_bags,
            "refundable_only": criteria.refundable_only,
        }


class PasskeySignature(Value):
    """A traveller's own signature by a passkey, as WebAuthn made it; binary parts in base64url.

    `public_key` is the credential's COSE key. The challenge is `challenge_of` the document.
    """

    relying_party: str
    credential_id: str
    public_key: str
    authenticator_data: str
    client_data: str
    signature: str


class SealedSalt(Value):
    """The salt of one traveller's digest, encrypted for its place in the table of salts."""

    traveler_id: UUID
    salt_encrypted: str


class SignedMandate(Value):
    """A document with its signatures, as it is stored and handed out.

    `document` is the canonical text itself: its bytes are what counts.
    """

    document: str
    key_id: str
    signature: str
    passkey: PasskeySignature | None = None


class SignatureCheck(Protocol):
    """What knows the keys: `runtime.signing` in the product, pinned keys offline."""

    def server_signed(self, key_id: str, data: bytes, signature: bytes) -> bool: ...

    def traveller_signed(
        self,
        *,
        challenge: bytes,
        relying_party: str,
        credential_id: bytes,
        public_key: bytes,
        authenticator_data: bytes,
        client_data: bytes,
        signature: bytes,
    ) -> bool: ...


class BadMandate(ValueError):
    """The document is not what was signed, or not one of ours."""


def canonical(document: MandateDocument) -> bytes:
    """Return the bytes that are signed."""
    return rfc8785.dumps(document.model_dump(mode="json"))


def challenge_of(document: MandateDocument) -> bytes:
    """Return what the traveller's passkey is asked to sign."""
    return hashlib.sha256(from_text(document.nonce) + canonical(document)).digest()


def server_bytes(document: bytes, passkey: PasskeySignature | None) -> bytes:
    """Return what the server signs: the document, and that the traveller signed it, if so.

    So a traveller's signature can be neither taken off nor exchanged for another's.
    """
    if passkey is None:
        return document
    return document + hashlib.sha256(rfc8785.dumps(passkey.model_dump(mode="json"))).digest()


def name_digest(salt: bytes, given_name: str, family_name: str) -> str:
    """Return what stands for a name; nobody finds the name by it without the salt."""
    return to_text(hashlib.sha256(salt + rfc8785.dumps([given_name, family_name])).digest())


def read_document(text: str) -> MandateDocument:
    """Return the document of a text that is its canonical form, byte for byte.

    Raises:
        BadMandate: it is not.
    """
    try:
        document = MandateDocument.model_validate_json(text)
        exact = canonical(document) == text.encode()
    except (ValidationError, rfc8785.CanonicalizationError, UnicodeError):
        exact = False
    if not exact:
        raise BadMandate("this is not a mandate in its canonical form")
    return document


def verified(signed: SignedMandate, check: SignatureCheck) -> MandateDocument:
    """Return the document if everybody who is said to have signed it did.

    Raises:
        BadMandate: naming the first thing that does not hold.
    """
    document = read_document(signed.document)
    data = server_bytes(signed.document.encode(), signed.passkey)
    if not check.server_signed(signed.key_id, data, from_text(signed.signature)):
        raise BadMandate("the server's signature does not hold")
    passkey = signed.passkey
    if passkey is None:
        return document
    if passkey.relying_party != document.relying_party:
        raise BadMandate("the traveller signed for another site")
    if not check.traveller_signed(
        challenge=challenge_of(document),
        relying_party=passkey.relying_party,
        credential_id=from_text(passkey.credential_id),
        public_key=from_text(passkey.public_key),
        authenticator_data=from_text(passkey.authenticator_data),
        client_data=from_text(passkey.client_data),
        signature=from_text(passkey.signature),
    ):
        raise BadMandate("the traveller's signature does not hold")
    return document


def to_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_text(text: str) -> bytes:
    """Return the bytes of a base64url text, which has exactly one way to be written.

    Raises:
        BadMandate: it is not written in that way.
    """
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise BadMandate("this is not base64url") from None
    if to_text(raw) != text:
        raise BadMandate("this is not base64url")
    return raw

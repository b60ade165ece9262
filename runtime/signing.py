"""The keys that sign mandates (Ed25519), and the check of what they and passkeys have signed."""

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from runtime.key_ids import next_id

_KEY_ID = re.compile(r"^[A-Za-z0-9._-]{1,32}$")
_RETIRED = "public"
_BYTES = 32
_USER_PRESENT, _USER_VERIFIED = 0x01, 0x04


@dataclass(frozen=True)
class MandateKeys:
    """Public keys by id, and the private one that signs now, where this process has it."""

    public: dict[str, Ed25519PublicKey]
    current_id: str
    private: Ed25519PrivateKey | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `id:base64 seed,id2:public:base64`, the current key first.

        A key that has retired needs only its public half: what it signed can still be checked.

        Raises:
            ValueError: no key, a repeated or odd id, or a key that is not 32 bytes.
        """
        public: dict[str, Ed25519PublicKey] = {}
        private: Ed25519PrivateKey | None = None
        for number, part in enumerate(filter(None, map(str.strip, text.split(","))), start=1):
            key_id, _, rest = part.partition(":")
            kind, _, retired = rest.partition(":")
            if not _KEY_ID.match(key_id) or not rest:
                raise ValueError(f"key {number} is not written as id:base64")
            if key_id in public:
                raise ValueError(f"the id {key_id!r} occurs twice")
            if kind == _RETIRED and retired:
                if number == 1:
                    raise ValueError("the first key is public only and cannot sign")
                public[key_id] = Ed25519PublicKey.from_public_bytes(_key(key_id, retired))
                continue
            seed = Ed25519PrivateKey.from_private_bytes(_key(key_id, rest))
            public[key_id] = seed.public_key()
            private = private or seed
        if not public:
            raise ValueError("there is no key")
        return cls(public, next(iter(public)), private)

    @classmethod
    def of_published(cls, document: dict[str, Any]) -> Self:
        """Read keys as we publish them; such keys check and never sign.

        Raises:
            ValueError: it is no such document.
        """
        try:
            public = {
                str(key["kid"]): Ed25519PublicKey.from_public_bytes(_unpadded(key["x"]))
                for key in document["keys"]
                if key["crv"] == "Ed25519"
            }
        except (KeyError, TypeError, ValueError):
            raise ValueError("this is not a list of mandate keys") from None
        if not public:
            raise ValueError("there is no key in it")
        return cls(public, next(iter(public)))

    def sign(self, data: bytes) -> tuple[str, bytes]:
        """Return the current key's id and its signature."""
        if self.private is None:
            raise ValueError("these keys can only check")
        return self.current_id, self.private.sign(data)

    def published(self) -> dict[str, Any]:
        """Return the public halves as a JSON Web Key Set, the current one first."""
        return {
            "keys": [
                {
                    "kid": key_id,
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "alg": "EdDSA",
                    "use": "sig",
                    "x": base64.urlsafe_b64encode(_raw(key)).rstrip(b"=").decode(),
                }
                for key_id, key in self.public.items()
            ]
        }

    def server_signed(self, key_id: str, data: bytes, signature: bytes) -> bool:
        key = self.public.get(key_id)
        if key is None:
            return False
        try:
            key.verify(signature, data)
        except InvalidSignature:
            return False
        return True

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
    ) -> bool:
        """Say whether a passkey of this site signed this challenge with its user verified."""
        del credential_id  # it names the key; the key itself is what counts
        if len(authenticator_data) < _BYTES + 5:
            return False
        flags = authenticator_data[_BYTES]
        return (
            authenticator_data[:_BYTES] == hashlib.sha256(relying_party.encode()).digest()
            and bool(flags & _USER_PRESENT)
            and bool(flags & _USER_VERIFIED)
            and _asked_for(client_data, challenge, relying_party)
            and _holds(
                public_key, authenticator_data + hashlib.sha256(client_data).digest(), signature
            )
        )


def new_mandate_key(key_id: str) -> str:
    """Return a fresh signing key as `id:base64`, ready for the setting."""
    seed = Ed25519PrivateKey.generate().private_bytes_raw()
    return f"{key_id}:{base64.b64encode(seed).decode()}"


def rotated(text: str, today: date) -> str:
    """Put a fresh key in front and keep the public halves of those that were there."""
    keys = MandateKeys.parse(text)
    fresh = new_mandate_key(next_id(keys.public, "m", today))
    retired = [
        f"{key_id}:{_RETIRED}:{base64.b64encode(_raw(key)).decode()}"
        for key_id, key in keys.public.items()
    ]
    return ",".join([fresh, *retired])


def _asked_for(client_data: bytes, challenge: bytes, relying_party: str) -> bool:
    """Say whether the browser was asked for this very signature, on a page of that site."""
    try:
        said = json.loads(client_data)
        kind, asked, origin = said["type"], said["challenge"], urlsplit(said["origin"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    host = origin.hostname or ""
    ours = host == relying_party or host.endswith(f".{relying_party}")
    secure = origin.scheme == "https" or host == "localhost"
    wanted = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
    return kind == "webauthn.get" and asked == wanted and ours and secure


def _holds(public_key: bytes, data: bytes, signature: bytes) -> bool:
    from webauthn.helpers import (
        decode_credential_public_key,
        decoded_public_key_to_cryptography,
        verify_signature,
    )
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        decoded = decode_credential_public_key(public_key)
        verify_signature(
            public_key=decoded_public_key_to_cryptography(decoded),
            signature_alg=decoded.alg,
            signature=signature,
            data=data,
        )
    except (
        InvalidSignature, UnsupportedAlgorithm, WebAuthnException, ValueError, LookupError,
        TypeError, AttributeError,
    ):  # fmt: skip
        return False  # what is not even a key signs nothing
    return True


def _key(key_id: str, encoded: str) -> bytes:
    try:
        raw = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ValueError(f"the key {key_id!r} is not base64") from None
    if len(raw) != _BYTES:
        raise ValueError(f"the key {key_id!r} has {len(raw)} bytes instead of {_BYTES}")
    return raw


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)

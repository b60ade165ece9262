"""An authenticator in software: makes passkeys and answers questions as a browser would send it."""

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Authenticator:
    """One passkey; what it says of itself may be changed to what it should not say."""

    origin: str
    verifies: bool = True
    counts: bool = True
    count: int = 0
    credential_id: bytes = field(default_factory=lambda: os.urandom(16))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    user_handle: bytes | None = None

    @property
    def public_key(self) -> bytes:
        """The public half, in the form in which it is stored (COSE)."""
        numbers = self.key.public_key().public_numbers()
        return cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        )

    def register(self, options: str) -> str:
        """Answer the wish for a new passkey."""
        wish = json.loads(options)
        self.user_handle = decoded(wish["user"]["id"])
        attested = bytes(16) + len(self.credential_id).to_bytes(2) + self.credential_id
        attested += self.public_key
        data = self._data(wish["rp"]["id"], _ATTESTED) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(
            clientDataJSON=self._client_data("webauthn.create", wish["challenge"]),
            attestationObject=attestation,
        )

    def answer(self, options: str) -> str:
        """Answer a question."""
        question = json.loads(options)
        client_data = self._client_data("webauthn.get", question["challenge"])
        data = self._data(question["rpId"])
        signed = data + hashlib.sha256(client_data).digest()
        return self._answer(
            clientDataJSON=client_data,
            authenticatorData=data,
            signature=self.key.sign(signed, ec.ECDSA(SHA256())),
            userHandle=self.user_handle or b"",
        )

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps(
            {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        ).encode()

    def _data(self, relying_party: str, flags: int = 0) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self.verifies else 0)
        self.count += self.counts
        party = hashlib.sha256(relying_party.encode()).digest()
        return party + bytes([flags]) + self.count.to_bytes(4)

    def _answer(self, **response: bytes) -> str:
        shown: dict[str, Any] = {name: encoded(raw) for name, raw in response.items()}
        name = encoded(self.credential_id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": shown})

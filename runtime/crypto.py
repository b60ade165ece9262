"""Encryption of single fields and of what Temporal stores, and keyed hashes. AES-256-GCM only.

A person's fields are encrypted with that person's data key, which is stored wrapped by a master
key: rotating a master key rewraps data keys, and destroying a data key forgets the person.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

from runtime.key_ids import next_id

_KEY_BYTES = 32
_NONCE_BYTES = 12  # what GCM is specified for; random, and one key makes far fewer than 2^32
_FIELD_VERSION = "f1"
_WRAP_VERSION = "w1"
_ENCODING = b"binary/encrypted"
_KEY_ID = re.compile(r"^[A-Za-z0-9._-]{1,32}$")


class DecryptionFailed(Exception):
    """The text was changed, moved to another place, or belongs to another key."""


@dataclass(frozen=True)
class MasterKeys:
    """The installation's keys by id; new texts use the first, old ones stay readable."""

    by_id: dict[str, bytes] = field(repr=False)
    current_id: str
    newer: Callable[[], str] | None = field(default=None, repr=False, compare=False)
    """Where keys are that were made after this process started, asked about an unknown one."""

    @classmethod
    def parse(cls, text: str, *, newer: Callable[[], str] | None = None) -> Self:
        """Read `id:base64,id2:base64`, the current key first.

        Raises:
            ValueError: no key, a repeated or odd id, or a key that is not 32 bytes.
        """
        by_id: dict[str, bytes] = {}
        for number, part in enumerate(filter(None, map(str.strip, text.split(","))), start=1):
            key_id, _, encoded = part.partition(":")
            if not _KEY_ID.match(key_id) or not encoded:
                raise ValueError(f"key {number} is not written as id:base64")
            if key_id in by_id:
                raise ValueError(f"the id {key_id!r} occurs twice")
            try:
                by_id[key_id] = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                raise ValueError(f"the key {key_id!r} is not base64") from None
            if len(by_id[key_id]) != _KEY_BYTES:
                raise ValueError(f"the key {key_id!r} has {len(by_id[key_id])} bytes instead of 32")
        if not by_id:
            raise ValueError("there is no key")
        return cls(by_id, next(iter(by_id)), newer)

    @property
    def current(self) -> bytes:
        return self.by_id[self.current_id]

    def get(self, key_id: str) -> bytes:
        """Return a key by its id.

        Raises:
            DecryptionFailed: the key is not among those of this installation.
        """
        known = self.by_id.get(key_id) or self._newer().get(key_id)
        if known is None:
            raise DecryptionFailed(f"no master key with the id {key_id!r}")
        return known

    def _newer(self) -> dict[str, bytes]:
        """Read what was added since: keys are exchanged while processes run."""
        text = self.newer() if self.newer is not None else ""
        return type(self).parse(text).by_id if text else {}


def new_master_key(key_id: str) -> str:
    """Return a fresh key as `id:base64`, ready for the setting."""
    return f"{key_id}:{base64.b64encode(os.urandom(_KEY_BYTES)).decode()}"


def with_fresh_key(text: str, today: date) -> str:
    """Put a fresh key in front of those that are there.

    >>> with_fresh_key(new_master_key("k7"), date(2026, 11, 27)).partition(":")[0]
    'k8-20261127'
    """
    return f"{new_master_key(next_id(MasterKeys.parse(text).by_id, 'k', today))},{text}"


def new_data_key() -> bytes:
    return os.urandom(_KEY_BYTES)


def wrap(data_key: bytes, keys: MasterKeys, subject_id: str) -> str:
    """Encrypt a data key with the current master key; the result is bound to its subject."""
    sealed = _seal(keys.current, data_key, _aad("data key", subject_id))
    return f"{_WRAP_VERSION}.{keys.current_id}.{_text(sealed)}"


def unwrap(wrapped: str, keys: MasterKeys, subject_id: str) -> bytes:
    """Return the data key of a subject.

    Raises:
        DecryptionFailed: changed, of another subject, or of a master key that is not here.
    """
    version, _, rest = wrapped.partition(".")
    key_id, _, sealed = rest.rpartition(".")
    if version != _WRAP_VERSION:
        raise DecryptionFailed("this is not a wrapped data key")
    return _open(keys.get(key_id), _bytes(sealed), _aad("data key", subject_id))


def wrapped_with(wrapped: str) -> str:
    """Return the id of the master key that a data key is wrapped with."""
    return wrapped.partition(".")[2].rpartition(".")[0]


def rewrap(wrapped: str, keys: MasterKeys, subject_id: str) -> str:
    """Wrap a data key with the current master key; unchanged if it already is.

    Raises:
        DecryptionFailed: as `unwrap`.
    """
    data_key = unwrap(wrapped, keys, subject_id)
    if wrapped_with(wrapped) == keys.current_id:
        return wrapped
    return wrap(data_key, keys, subject_id)


def encrypt_field(data_key: bytes, plaintext: str, *, table: str, column: str, row_id: str) -> str:
    """Encrypt one field; the result opens only in the same table, column and row."""
    sealed = _seal(data_key, plaintext.encode(), _aad("field", table, column, row_id))
    return f"{_FIELD_VERSION}.{_text(sealed)}"


def decrypt_field(data_key: bytes, token: str, *, table: str, column: str, row_id: str) -> str:
    """Return the plain text of a field.

    Raises:
        DecryptionFailed: changed, moved to another place, or of another key.
    """
    version, _, sealed = token.partition(".")
    if version != _FIELD_VERSION:
        raise DecryptionFailed("this is not an encrypted field")
    return _open(data_key, _bytes(sealed), _aad("field", table, column, row_id)).decode()


def encrypt_bytes(data_key: bytes, plain: bytes, *, table: str, column: str, row_id: str) -> bytes:
    """Encrypt a file; the result opens only in the same table, column and row."""
    return _seal(data_key, plain, _aad("file", table, column, row_id))


def decrypt_bytes(data_key: bytes, sealed: bytes, *, table: str, column: str, row_id: str) -> bytes:
    """Return a file as it was.

    Raises:
        DecryptionFailed: changed, moved to another place, or of another key.
    """
    return _open(data_key, sealed, _aad("file", table, column, row_id))


def hmac_hex(secret: str, text: str) -> str:
    """Return a keyed SHA-256 of a text, as 64 hexadecimal digits."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class EncryptionCodec(PayloadCodec):
    """Encrypts every payload on its way to Temporal; the key's id travels beside it."""

    def __init__(self, keys: MasterKeys) -> None:
        self._keys = keys

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._encrypt(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._decrypt(payload) for payload in payloads]

    def _encrypt(self, payload: Payload) -> Payload:
        key_id = self._keys.current_id.encode()
        return Payload(
            metadata={"encoding": _ENCODING, "key-id": key_id},
            data=_seal(self._keys.current, payload.SerializeToString(), _aad("payload")),
        )

    def _decrypt(self, payload: Payload) -> Payload:
        # The server makes some payloads itself, search attributes and heartbeats of its own.
        if payload.metadata.get("encoding") != _ENCODING:
            return payload
        key = self._keys.get(payload.metadata.get("key-id", b"").decode(errors="replace"))
        return Payload.FromString(_open(key, payload.data, _aad("payload")))


def _aad(*parts: str) -> bytes:
    """Join parts so that no two lists of parts give the same bytes."""
    return b"".join(_sized(part.encode()) for part in ("parker", *parts))


def _sized(part: bytes) -> bytes:
    return len(part).to_bytes(4) + part


def _seal(key: bytes, plain: bytes, aad: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, aad)


def _open(key: bytes, sealed: bytes, aad: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], aad)
    except (InvalidTag, ValueError):
        raise DecryptionFailed("the text was changed, moved, or belongs to another key") from None


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        sealed = b""
    if _text(sealed) != text:  # the decoder passes over what it does not know
        raise DecryptionFailed("the text is not what was stored")
    return sealed

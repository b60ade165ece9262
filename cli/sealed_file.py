"""A file sealed under a passphrase, written and read as a stream.

AES-256-GCM in chunks, as the STREAM construction has it (https://eprint.iacr.org/2015/189): the
nonce of each holds its number and whether it is the last, so that no chunk can be changed, moved,
left out or cut off. The key comes from the passphrase by scrypt; salt and costs stand in the first
line, which every chunk is bound to.
"""

import json
import os
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC = "parker-backup-1"
_CHUNK = 1 << 20
_TAG = 16
_PREFIX = 7  # + 4 for the number + 1 for "the last one": the 12 bytes of a nonce
_COST = 1 << 16  # 64 MB of memory a guess
_MOST_COST = 1 << 20  # what somebody else wrote must not take all of our memory
_LONGEST_HEADER = 1_000


class CannotOpen(Exception):
    """The passphrase is another one, or the file was changed or cut off."""


class SealedWriter:
    """Give it bytes; `close` writes the last chunk, without which nothing opens.

    `cost` is what a guess at the passphrase takes; the file says it of itself.
    """

    def __init__(self, file: BinaryIO, passphrase: str, *, cost: int = _COST) -> None:
        self._file, self._prefix = file, os.urandom(_PREFIX)
        salt = os.urandom(16)
        facts = {"format": MAGIC, "salt": salt.hex(), "cost": cost, "prefix": self._prefix.hex()}
        self._header = json.dumps(facts).encode() + b"\n"
        self._cipher = AESGCM(_key(passphrase, salt, cost))
        self._number, self._waiting = 0, bytearray()
        file.write(self._header)

    def write(self, data: bytes) -> int:
        self._waiting += data
        # One chunk is always kept back: whether it is the last is not known yet.
        while len(self._waiting) > _CHUNK:
            self._seal(bytes(self._waiting[:_CHUNK]), last=False)
            del self._waiting[:_CHUNK]
        return len(data)

    def close(self) -> None:
        self._seal(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        nonce = _nonce(self._prefix, self._number, last=last)
        self._file.write(self._cipher.encrypt(nonce, chunk, self._header))
        self._number += 1


class SealedReader:
    """Read what was written; every byte that comes out has been checked."""

    def __init__(self, file: BinaryIO, passphrase: str) -> None:
        header = file.readline(_LONGEST_HEADER)
        try:
            facts = json.loads(header)
            ours = facts["format"] == MAGIC and 2 <= facts["cost"] <= _MOST_COST
            prefix, salt = bytes.fromhex(facts["prefix"]), bytes.fromhex(facts["salt"])
        except (ValueError, KeyError, TypeError):
            ours, prefix, salt, facts = False, b"", b"", {}
        if not ours:
            raise CannotOpen("this is no backup of ours")
        cipher = AESGCM(_key(passphrase, salt, facts["cost"]))
        self._chunks = _opened(file, cipher, prefix, header)
        self._ready = bytearray()

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._ready) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._ready += chunk
        size = len(self._ready) if size < 0 else size
        out = bytes(self._ready[:size])
        del self._ready[:size]
        return out


def _opened(file: BinaryIO, cipher: AESGCM, prefix: bytes, header: bytes) -> Iterator[bytes]:
    number, sealed = 0, file.read(_CHUNK + _TAG)
    while True:
        following = file.read(_CHUNK + _TAG)
        nonce = _nonce(prefix, number, last=not following)
        try:
            yield cipher.decrypt(nonce, sealed, header)
        except (InvalidTag, ValueError):
            raise CannotOpen(
                "the passphrase is another one" if number == 0 else "the file was changed or cut"
            ) from None
        if not following:
            return
        number, sealed = number + 1, following


def _key(passphrase: str, salt: bytes, cost: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive(passphrase.encode())


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + number.to_bytes(4) + bytes([last])

"""All of a person's data as one file, written while it is read: nothing of it rests on a disk."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

from api.services import Services
from db.exports import person_rows
from db.queries.traveler_files import get_file
from db.retained import receipts_of
from domain.exports import FILES
from domain.ids import UserId
from runtime.crypto import DecryptionFailed
from runtime.key_store import KeyDestroyed

_ENOUGH = 64 * 1024


class _Sink(io.RawIOBase):
    """What a zip file is written to: whoever reads takes it away, piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self.waiting = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self.waiting += len(piece)
        return len(piece)

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces, self.waiting = [], 0
        return taken


async def json_export(services: Services, user_id: UserId) -> AsyncIterator[bytes]:
    """Yield one JSON object: the name of each file, and in it each table with its rows."""
    yield b"{"
    for number, file in enumerate(FILES):
        yield (b"," if number else b"") + json.dumps(file.name).encode() + b":"
        async for piece in _tables(services, user_id, file.tables):
            yield piece
    yield b"}"


async def zip_export(services: Services, user_id: UserId, now: datetime) -> AsyncIterator[bytes]:
    """Yield a zip file: a JSON file a subject, and receipts, consents and orders each by itself."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_info("READ ME.txt", now), _read_me(now))
        for file in FILES:
            with archive.open(_info(f"{file.name}.json", now), "w", force_zip64=True) as entry:
                async for piece in _tables(services, user_id, file.tables):
                    entry.write(piece)
                    if sink.waiting > _ENOUGH:
                        yield sink.take()
            yield sink.take()
        async for name, text in _single_files(services, user_id):
            archive.writestr(_info(name, now), text)
            yield sink.take()
    yield sink.take()


async def _tables(
    services: Services, user_id: UserId, tables: tuple[str, ...]
) -> AsyncIterator[bytes]:
    yield b"{"
    for number, table in enumerate(tables):
        yield (b",\n " if number else b"\n ") + json.dumps(table).encode() + b": ["
        first = True
        async for row in person_rows(services.database, services.vault, user_id, table):
            yield (b"\n  " if first else b",\n  ") + json.dumps(row, ensure_ascii=False).encode()
            first = False
        yield b"]"
    yield b"\n}"


async def _single_files(
    services: Services, user_id: UserId
) -> AsyncIterator[tuple[str, str | bytes]]:
    """Yield what somebody may want to hand on alone: its name, and what is in it."""
    async with services.database.transaction(user_id) as session:
        receipts = await receipts_of(session, services.vault, user_id)
    for receipt in receipts:
        name = _of_booking(receipt["booking_reference"], receipt["booking_id"])
        yield f"receipts/{name}.json", json.dumps(receipt, indent=1)
    salts: dict[str, list[Any]] = {}
    async for salt in person_rows(services.database, services.vault, user_id, "mandate_salts"):
        salts.setdefault(salt["mandate_id"], []).append(salt)
    async for consent in person_rows(services.database, services.vault, user_id, "mandates"):
        signed = consent | {"salts": salts.get(consent["id"], [])}
        yield f"consents/{consent['id']}.json", json.dumps(signed, indent=1)
    async for booking in person_rows(services.database, services.vault, user_id, "bookings"):
        if booking["raw_order"]:
            name = _of_booking(booking["booking_reference"], booking["id"])
            yield f"orders/{name}.json", booking["raw_order"]
    documents: dict[str, list[Any]] = {}
    async for document in person_rows(
        services.database, services.vault, user_id, "traveler_documents"
    ):
        documents.setdefault(document["traveler_id"], []).append(document)
    for traveler_id, found in documents.items():
        yield f"documents/{traveler_id}.json", json.dumps(found, indent=1, ensure_ascii=False)
    async for scan in person_rows(services.database, services.vault, user_id, "traveler_files"):
        content = await _scan(services, user_id, scan)
        if content is not None:
            yield f"documents/{scan['traveler_id']}/{scan['id'][:8]} {scan['name']}", content


async def _scan(services: Services, user_id: UserId, scan: dict[str, Any]) -> bytes | None:
    """Open one scan; one that does not open must not keep all the others from their owner."""
    async with services.database.transaction(user_id) as session:
        row = await get_file(session, UUID(scan["traveler_id"]), UUID(scan["id"]))
        if row is None:
            return None
        try:
            return await services.vault.open_file(session, row)
        except (DecryptionFailed, KeyDestroyed):
            return None


def _info(name: str, now: datetime) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, now.timetuple()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16  # for its owner's eyes, where it is unpacked
    return info


def _of_booking(reference: str | None, booking_id: str) -> str:
    """Name a booking's file: airlines give the same reference to several bookings."""
    plain = "".join(letter for letter in reference or "" if letter.isalnum())
    return f"{plain}-{booking_id[:8]}" if plain else booking_id


def _read_me(now: datetime) -> str:
    lines = [
        f"Everything Parker Flight holds about you, as of {now:%d %B %Y, %H:%M} UTC.",
        "",
        *(f"{file.name + '.json':18} {file.holds}." for file in FILES),
        "",
        f"{'receipts/':18} What was charged for each booking, and what was refunded.",
        f"{'consents/':18} Each consent as it was signed, with its signatures.",
        f"{'orders/':18} Each order as the airline's seller sent it.",
        f"{'documents/':18} The documents of each traveller, and their scans.",
        "",
        "Times are in UTC. Amounts are in the smallest unit of their currency (cents).",
        "Hashes of passwords, keys and the like are left out: they open things and tell nothing.",
        "This file names people and passports: keep it where nobody else looks.",
    ]
    return "\n".join(lines) + "\n"

"""The vault of personal data: each person's fields under a key of their own.

A data key a person, wrapped by a master key of the installation and kept apart from the database
(`runtime/key_store.py`); each field is bound to its table, column and row, so that a value moved
elsewhere does not open.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.traveler import TravelerRow
from db.models.traveler_document import TravelerDocumentRow
from db.models.traveler_file import TravelerFileRow
from db.own_words import SEALED
from db.queries.travelers import get_traveler, list_documents
from db.session import acts_for
from domain.ids import TravelerId, UserId, derive
from domain.travelers import TravelerDetails, TravelerDocument
from runtime import crypto
from runtime.clock import system_now
from runtime.key_store import FileState, KeyDestroyed, KeyName, KeyStore
from runtime.settings import Settings

TRAVELERS = "travelers"
DOCUMENTS = "traveler_documents"
FILES = "traveler_files"
_PLAIN = ("given_name", "family_name", "born_on", "gender", "title", "email", "phone")
RETAINED = "retained_records"
RETENTION = "retention"
"""The owner of the keys of what the law makes us keep; a key for each year in which terms end."""
_KEYS = "data_keys"
_MOST_KEPT = 4_096  # keys of a few hundred bytes each


class NoSuchTraveler(LookupError):
    """The traveller is not there, or the session's person may not see them."""


@dataclass(frozen=True)
class SealedTraveler:
    """A traveller's rows, to be added in this order."""

    traveler: TravelerRow
    documents: tuple[TravelerDocumentRow, ...]


class PersonalVault:
    """Seals and opens personal fields. Every call works inside the caller's transaction.

    The account and each of its travellers have a key of their own, so that one can be forgotten
    alone.
    """

    def __init__(
        self,
        master_keys: crypto.MasterKeys,
        store: KeyStore,
        *,
        clock: Callable[[], datetime] = system_now,
    ) -> None:
        self._master_keys, self._store, self._clock = master_keys, store, clock
        self._unwrapped: dict[KeyName, tuple[FileState, bytes]] = {}

    async def data_key(
        self, session: AsyncSession, owner: UserId, subject: UUID | str | None = None
    ) -> bytes:
        """Return the key of an account, or of one of its travellers; made on first use.

        Raises:
            runtime.key_store.KeyDestroyed: the subject was erased.
        """
        acts_for(session, owner)
        known: dict[KeyName, bytes] = session.info.setdefault(_KEYS, {})
        name = KeyName(str(owner), str(subject or owner))
        if name not in known:
            known[name] = self._key(name)
        return known[name]

    def key_of(self, owner: UUID, subject: UUID) -> bytes:
        """Return a key with no transaction about it, as migrations need it."""
        return self._key(KeyName(str(owner), str(subject)))

    def words(self, *, opens: bool = True) -> "Words":
        """Return what seals and opens people's own words; `opens` False: seals only."""
        return Words(self, opens=opens)

    def _key(self, name: KeyName) -> bytes:
        """Return a key; unwrapped once as long as its file stays as it is."""
        state = self._store.state(name)
        known = self._unwrapped.get(name)
        if known is not None and state is not None and known[0] == state:
            return known[1]
        key = self._unwrap(name)
        if len(self._unwrapped) >= _MOST_KEPT:
            self._unwrapped.clear()
        if state is not None:
            self._unwrapped[name] = (state, key)
        return key

    def _unwrap(self, name: KeyName) -> bytes:
        wrapped = self._store.read(name)
        if wrapped is None:
            fresh = crypto.wrap(crypto.new_data_key(), self._master_keys, name.subject)
            # Somebody else may have been first: the key that stands is the one that counts.
            wrapped = self._store.keep(name, fresh)
        return crypto.unwrap(wrapped, self._master_keys, name.subject)

    def adopt(self, owner: UUID, wrapped: str) -> None:
        """Keep an account's key that was made elsewhere.

        Raises:
            ValueError: another key stands already.
        """
        name = KeyName(str(owner), str(owner))
        if self._store.keep(name, wrapped) != wrapped:
            raise ValueError(f"another key of {owner} is kept already")

    async def seal(
        self,
        session: AsyncSession,
        user_id: UserId,
        text: str,
        *,
        table: str,
        column: str,
        row_id: UUID | str,
        subject: UUID | str | None = None,
    ) -> str:
        """Encrypt one field for its place; `column` without its `_encrypted`.

        `subject` is who or what can be forgotten without the rest of the account: a traveller, or
        a booking whose order names several.
        """
        key = await self.data_key(session, user_id, subject)
        return crypto.encrypt_field(key, text, table=table, column=column, row_id=str(row_id))

    async def open(
        self,
        session: AsyncSession,
        user_id: UserId,
        token: str,
        *,
        table: str,
        column: str,
        row_id: UUID | str,
        subject: UUID | str | None = None,
    ) -> str:
        """Return the text of a sealed field.

        Raises:
            runtime.crypto.DecryptionFailed: changed, moved to another place, or of another key.
            runtime.key_store.KeyDestroyed: the subject was erased.
        """
        place = {"table": table, "column": column, "row_id": str(row_id)}
        key = await self.data_key(session, user_id, subject)
        try:
            return crypto.decrypt_field(key, token, **place)
        except crypto.DecryptionFailed:
            if subject is None:
                raise
        # Sealed before its subject had a key of its own.
        key = await self.data_key(session, user_id)
        return crypto.decrypt_field(key, token, **place)

    async def open_expiry(self, session: AsyncSession, row: TravelerDocumentRow) -> date | None:
        """Return until when a traveller's document is good, and nothing else of it."""
        if not row.expires_on_encrypted:
            return None
        key = await self.data_key(session, UserId(row.user_id), row.traveler_id)
        text = crypto.decrypt_field(
            key, row.expires_on_encrypted, table=DOCUMENTS, column="expires_on", row_id=str(row.id)
        )
        return date.fromisoformat(text)

    async def seal_traveler(
        self,
        session: AsyncSession,
        user_id: UserId,
        traveler_id: TravelerId,
        details: TravelerDetails,
        now: datetime,
        *,
        label: str = "",
    ) -> SealedTraveler:
        """Make a traveller's rows; nothing of a person in them is readable."""
        key = await self.data_key(session, user_id, traveler_id)
        plain = details.model_dump(mode="json")

        def sealed(text: str, table: str, column: str, row_id: UUID) -> str:
            return crypto.encrypt_field(key, text, table=table, column=column, row_id=str(row_id))

        fields: dict[str, Any] = {
            f"{name}_encrypted": sealed(str(plain[name]), TRAVELERS, name, traveler_id)
            for name in _PLAIN
        }
        loyalty = json.dumps(plain["loyalty"]) if plain["loyalty"] else None
        traveler = TravelerRow(
            id=traveler_id,
            user_id=user_id,
            label=label,
            **fields,
            loyalty_encrypted=loyalty and sealed(loyalty, TRAVELERS, "loyalty", traveler_id),
            created_at=now,
            updated_at=now,
        )
        documents = [
            await self.seal_document(
                session,
                traveler,
                document,
                derive("document", traveler_id, position, now.isoformat()),
                now,
            )
            for position, document in enumerate(details.documents)
        ]
        return SealedTraveler(traveler, tuple(documents))

    async def seal_document(
        self,
        session: AsyncSession,
        traveler: TravelerRow,
        document: TravelerDocument,
        document_id: UUID,
        now: datetime,
    ) -> TravelerDocumentRow:
        """Make the row of one document of a traveller's."""
        key = await self.data_key(session, UserId(traveler.user_id), traveler.id)

        def sealed(text: str, column: str) -> str:
            return crypto.encrypt_field(
                key, text, table=DOCUMENTS, column=column, row_id=str(document_id)
            )

        expires = document.expires_on
        return TravelerDocumentRow(
            id=document_id,
            traveler_id=traveler.id,
            user_id=traveler.user_id,
            kind=document.kind,
            number_encrypted=sealed(document.number, "number"),
            issuing_country_encrypted=sealed(document.issuing_country, "issuing_country"),
            expires_on_encrypted=sealed(expires.isoformat(), "expires_on") if expires else None,
            created_at=now,
        )

    async def seal_file(
        self, session: AsyncSession, row: TravelerFileRow, name: str, content: bytes
    ) -> None:
        """Put a file of a traveller's into its row, under the traveller's own key."""
        key = await self.data_key(session, UserId(row.user_id), row.traveler_id)
        place = {"table": FILES, "row_id": str(row.id)}
        row.name_encrypted = crypto.encrypt_field(key, name, column="name", **place)
        row.content_encrypted = crypto.encrypt_bytes(key, content, column="content", **place)

    async def open_file_name(self, session: AsyncSession, row: TravelerFileRow) -> str:
        key = await self.data_key(session, UserId(row.user_id), row.traveler_id)
        return crypto.decrypt_field(
            key, row.name_encrypted, table=FILES, column="name", row_id=str(row.id)
        )

    async def open_file(self, session: AsyncSession, row: TravelerFileRow) -> bytes:
        """Return what is in a file, byte for byte."""
        key = await self.data_key(session, UserId(row.user_id), row.traveler_id)
        return crypto.decrypt_bytes(
            key, row.content_encrypted, table=FILES, column="content", row_id=str(row.id)
        )

    async def open_traveler(
        self, session: AsyncSession, traveler_id: TravelerId
    ) -> TravelerDetails:
        """Return a traveller as the airline needs them, documents and loyalty numbers included.

        Raises:
            NoSuchTraveler: not there, or not visible to this session.
            runtime.crypto.DecryptionFailed: a field was changed or moved.
        """
        row = await get_traveler(session, traveler_id)
        if row is None:
            raise NoSuchTraveler(str(traveler_id))
        documents = await list_documents(session, traveler_id)
        key = await self.data_key(session, UserId(row.user_id), traveler_id)
        return _opened(key, row, documents)

    def seal_retained(self, text: str, *, row_id: UUID, keep_until: date) -> str:
        """Encrypt what the law makes us keep, under the key of the year in which its term ends."""
        key = self._retention_key(keep_until)
        return crypto.encrypt_field(key, text, table=RETAINED, column="sealed", row_id=str(row_id))

    def open_retained(self, token: str, *, row_id: UUID, keep_until: date) -> str:
        """Return what was kept.

        Raises:
            runtime.key_store.KeyDestroyed: its term has ended.
        """
        key = self._retention_key(keep_until)
        return crypto.decrypt_field(key, token, table=RETAINED, column="sealed", row_id=str(row_id))

    def end_retention(self, before: date) -> None:
        """Destroy the keys of years that have ended before this day; again is harmless."""
        for name in list(self._store.names()):
            if name.owner == RETENTION and int(name.subject) < before.year:
                self._store.destroy(name)

    def forget_person(self, owner: UUID) -> None:
        """Destroy the keys of an account and of all of its travellers; again is harmless."""
        self._store.destroy_all(str(owner))

    def forget_subjects(self, owner: UUID, subjects: Iterable[UUID]) -> None:
        """Destroy the keys of a traveller, or of bookings; again is harmless."""
        for subject in subjects:
            self._store.destroy(KeyName(str(owner), str(subject)))

    def forgotten_people(self) -> list[UserId]:
        """Return the accounts whose keys were destroyed."""
        return [
            UserId(UUID(name.owner)) for name in self._store.gone() if name.owner == name.subject
        ]

    def _retention_key(self, keep_until: date) -> bytes:
        return self._key(KeyName(RETENTION, str(keep_until.year)))

    def key_names(self) -> Iterator[KeyName]:
        """Yield every data key's name."""
        return self._store.names()

    def keys_to_rewrap(self) -> list[KeyName]:
        """Return the data keys that an older master key wraps."""
        found = []
        for name in self._store.names():
            with suppress(KeyDestroyed):
                wrapped = self._store.read(name)
                if wrapped and crypto.wrapped_with(wrapped) != self._master_keys.current_id:
                    found.append(name)
        return found

    def rotate_master_key(self, advance: Callable[[float], None] = lambda _done: None) -> int:
        """Wrap every data key with the current master key; return how many were rewrapped.

        Stopped half-way, another run finds what is left. `advance` hears how many are done.
        """
        done = 0
        for name in self.keys_to_rewrap():
            with suppress(KeyDestroyed):
                wrapped = self._store.read(name)
                if wrapped is not None:
                    fresh = crypto.rewrap(wrapped, self._master_keys, name.subject)
                    self._store.replace(name, fresh)
                    done += 1
                    advance(done)
        return done


class Words:
    """Seals and opens people's own words for things; the book of `db/own_words.py`.

    A sealed text says whose it is, so that it opens wherever it is read:
    `o1.{account}.{who of it can be forgotten alone}.{the sealed field}`.
    """

    def __init__(self, vault: PersonalVault, *, opens: bool) -> None:
        self._vault, self._opens = vault, opens

    def seal(self, owner: UUID, subject: UUID, place: str, text: str) -> str:
        """Return a text sealed for a column; also what travels in messages instead of it."""
        key = self._vault.key_of(owner, subject)
        field = crypto.encrypt_field(key, text, row_id=str(subject), **_words_at(place))
        return f"{SEALED}{owner.hex}.{subject.hex}.{field}"

    def open(self, token: str, place: str) -> tuple[UUID, UUID, str] | None:
        """Return whose words these are and what they say; nothing, once their key is gone."""
        if not self._opens:
            return None
        try:
            owner, subject, field = token.removeprefix(SEALED).split(".", 2)
            ids = UUID(owner), UUID(subject)
        except ValueError:
            return None  # from before words were sealed, and it merely looks like it
        try:
            key = self._vault.key_of(*ids)
            return *ids, crypto.decrypt_field(key, field, row_id=str(ids[1]), **_words_at(place))
        except (crypto.DecryptionFailed, KeyDestroyed):
            return *ids, ""


def _words_at(place: str) -> dict[str, str]:
    table, _, column = place.partition(".")
    return {"table": table, "column": column}


def vault_of(settings: Settings, *, clock: Callable[[], datetime] = system_now) -> PersonalVault:
    """Return the vault of an installation."""
    return PersonalVault(settings.keys, KeyStore(settings.key_folder), clock=clock)


def _opened(
    key: bytes, row: TravelerRow, documents: Sequence[TravelerDocumentRow]
) -> TravelerDetails:
    def text(token: str, table: str, column: str, row_id: UUID) -> str:
        return crypto.decrypt_field(key, token, table=table, column=column, row_id=str(row_id))

    plain: dict[str, Any] = {
        name: text(getattr(row, f"{name}_encrypted"), TRAVELERS, name, row.id) for name in _PLAIN
    }
    if row.loyalty_encrypted:
        plain["loyalty"] = json.loads(text(row.loyalty_encrypted, TRAVELERS, "loyalty", row.id))
    plain["documents"] = [
        {
            "kind": document.kind,
            "number": text(document.number_encrypted, DOCUMENTS, "number", document.id),
            "issuing_country": text(
                document.issuing_country_encrypted, DOCUMENTS, "issuing_country", document.id
            ),
            "expires_on": document.expires_on_encrypted
            and text(document.expires_on_encrypted, DOCUMENTS, "expires_on", document.id),
        }
        for document in documents
    ]
    # From JSON, so that lists become the tuples and dates that the value holds.
    return TravelerDetails.model_validate_json(json.dumps(plain))

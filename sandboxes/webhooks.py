"""Outgoing webhooks: queued with the change they tell of, sent at least once, in no sure order."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import httpx

from sandboxes.clock import from_text, to_text, wall_now
from sandboxes.store import Json, Store, Tx

Signer = Callable[[str, bytes, datetime], dict[str, str]]

_KIND = "webhook_delivery"
_ATTEMPT = "webhook_attempt"
_MODE = "webhook_mode"
_GIVE_UP_AFTER = timedelta(hours=72)  # Duffel's documented retry span; Stripe's is alike
_LONGEST_PAUSE = timedelta(hours=1)
_REVERSE_QUIET = timedelta(seconds=1)  # how long it must be still before a batch goes out reversed
_RECEIVER_TIMEOUT = 10.0


class Mode(StrEnum):
    """How a vendor's deliveries are treated."""

    NORMAL = "normal"
    HOLD = "hold"
    DROP = "drop"
    DUPLICATE = "duplicate"
    REVERSE = "reverse"


class Webhooks:
    """The queue of deliveries and the task that empties it."""

    def __init__(self, store: Store, signers: Mapping[str, Signer]) -> None:
        self._store = store
        self._signers = signers
        self._wake = asyncio.Event()

    def enqueue(
        self,
        tx: Tx,
        *,
        vendor: str,
        endpoint_id: str,
        event_id: str,
        type: str,  # noqa: A002
        url: str,
        secret: str,
        body: Json,
    ) -> None:
        """Queue one event for one endpoint, in the transaction that made it true."""
        mode = mode_of(tx, vendor)
        state = {Mode.HOLD: "held", Mode.REVERSE: "held", Mode.DROP: "dropped"}.get(mode, "pending")
        now = to_text(wall_now())
        for _ in range(2 if mode is Mode.DUPLICATE else 1):
            delivery_id = f"whd_{tx.next_number(_KIND)}"
            delivery = {
                "id": delivery_id,
                "vendor": vendor,
                "endpoint_id": endpoint_id,
                "event_id": event_id,
                "type": type,
                "url": url,
                "secret": secret,
                "body": json.dumps(body, separators=(",", ":")),
                "state": state,
                "attempts": 0,
                "last_status": None,
                "created_at": now,
                "next_at": now,
            }
            _put(tx, delivery)
        self._wake.set()

    def set_mode(self, vendor: str, mode: Mode) -> None:
        with self._store.transaction() as tx:
            tx.put(_MODE, vendor, {"vendor": vendor, "mode": mode.value})

    def flush(self, vendor: str | None) -> int:
        """Release what is held, in the order of the vendor's mode; tell how many."""
        with self._store.transaction() as tx:
            held = [d for d in tx.find(_KIND, state="held") if vendor in (None, d["vendor"])]
            _release(tx, held)
        self._wake.set()
        return len(held)

    def deliveries(self, vendor: str | None) -> list[Json]:
        """List deliveries without secrets, oldest first."""
        with self._store.transaction() as tx:
            rows = tx.find(_KIND, vendor=vendor) if vendor else tx.all(_KIND)
        return [
            {k: v for k, v in row.items() if k != "secret"} | {"body": json.loads(row["body"])}
            for row in rows
        ]

    async def run(self) -> None:
        """Send what is due until cancelled."""
        async with httpx.AsyncClient(timeout=_RECEIVER_TIMEOUT) as client:
            while True:
                due = self._due()
                by_vendor: dict[str, list[Json]] = {}
                for delivery in due:
                    by_vendor.setdefault(delivery["vendor"], []).append(delivery)
                await asyncio.gather(
                    *(self._send_all(client, batch) for batch in by_vendor.values())
                )
                self._wake.clear()
                if not due:
                    try:
                        await asyncio.wait_for(self._wake.wait(), timeout=0.5)
                    except TimeoutError:
                        continue

    async def post(
        self, *, vendor: str, endpoint_id: str, event_id: str, type: str, url: str, secret: str,  # noqa: A002
        body: Json,
    ) -> int | None:  # fmt: skip
        """Send one event at once, outside the queue; give the receiver's status, None if none."""
        async with httpx.AsyncClient(timeout=_RECEIVER_TIMEOUT) as client:
            row = {
                "vendor": vendor, "endpoint_id": endpoint_id, "event_id": event_id, "type": type,
                "url": url, "secret": secret, "body": json.dumps(body, separators=(",", ":")),
            }  # fmt: skip
            return await self._send(client, row)

    def _due(self) -> list[Json]:
        now = wall_now()
        with self._store.transaction() as tx:
            held = tx.find(_KIND, state="held")
            for vendor in {d["vendor"] for d in held}:
                mine = [d for d in held if d["vendor"] == vendor]
                mode = mode_of(tx, vendor)
                quiet = now - from_text(mine[-1]["created_at"]) >= _REVERSE_QUIET
                if mode is Mode.REVERSE and quiet:
                    _release(tx, mine)
            pending = tx.find(_KIND, state="pending")
        due = [d for d in pending if from_text(d["next_at"]) <= now]
        return sorted(due, key=lambda d: str(d["next_at"]))

    async def _send_all(self, client: httpx.AsyncClient, batch: list[Json]) -> None:
        for delivery in batch:
            status = await self._send(client, delivery)
            self._note(delivery["id"], status)

    async def _send(self, client: httpx.AsyncClient, row: Json) -> int | None:
        raw = row["body"].encode()
        headers = {"Content-Type": "application/json"}
        headers |= self._signers[row["vendor"]](row["secret"], raw, wall_now())
        status: int | None = None
        text = ""
        try:
            answer = await client.post(row["url"], content=raw, headers=headers)
            status, text = answer.status_code, answer.text[:1000]
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            text = type(error).__name__
        with self._store.transaction() as tx:
            attempt_id = f"{tx.next_number(_ATTEMPT):022d}"
            attempt = {
                "id": attempt_id,
                "vendor": row["vendor"],
                "endpoint_id": row["endpoint_id"],
                "event_id": row["event_id"],
                "type": row["type"],
                "url": row["url"],
                "response_status_code": status,
                "response_body": text,
                "created_at": to_text(wall_now()),
            }
            tx.put(_ATTEMPT, attempt_id, attempt, keys={"vendor": row["vendor"]})
        return status

    def _note(self, delivery_id: str, status: int | None) -> None:
        now = wall_now()
        with self._store.transaction() as tx:
            delivery = tx.get(_KIND, delivery_id)
            if delivery is None:  # wiped meanwhile
                return
            delivery["attempts"] += 1
            delivery["last_status"] = status
            if status is not None and 200 <= status < 300:
                delivery["state"] = "delivered"
            elif now - from_text(delivery["created_at"]) > _GIVE_UP_AFTER:
                delivery["state"] = "failed"
            else:
                pause = min(timedelta(seconds=2 ** min(delivery["attempts"], 20)), _LONGEST_PAUSE)
                delivery["next_at"] = to_text(now + pause)
            _put(tx, delivery)


def mode_of(tx: Tx, vendor: str) -> Mode:
    row = tx.get(_MODE, vendor)
    return Mode(row["mode"]) if row else Mode.NORMAL


def attempts_of(tx: Tx, vendor: str) -> list[Json]:
    """List every attempt to deliver, oldest first, for a vendor's own delivery log."""
    return tx.find(_ATTEMPT, vendor=vendor)


def _release(tx: Tx, held: list[Json]) -> None:
    now = wall_now()
    reversed_vendors = {v for v in {d["vendor"] for d in held} if mode_of(tx, v) is Mode.REVERSE}
    for place, delivery in enumerate(held):
        behind = len(held) - place if delivery["vendor"] in reversed_vendors else place
        # A millisecond apart and in the past: sending follows next_at.
        delivery["next_at"] = to_text(now - timedelta(milliseconds=10 * len(held) - behind))
        delivery["state"] = "pending"
        _put(tx, delivery)


def _put(tx: Tx, delivery: Json) -> None:
    keys = {"vendor": delivery["vendor"], "state": delivery["state"]}
    tx.put(_KIND, delivery["id"], delivery, keys=keys)

"""What the stand-in knows: objects by kind and id, and the events that tell of their changes."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from sandboxes.store import Json, Tx
from sandboxes.stripe.errors import missing
from sandboxes.vendor import Options
from sandboxes.webhooks import Webhooks

API_VERSION = "2026-10-28.endive"
"""The only version spoken here; what stripe-python 16.1 sends by default."""

VENDOR = "stripe"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KEYED = (
    "customer", "payment_intent", "charge", "payment_method", "setup_intent", "source", "type",
    "email", "_hold", "_due", "url",
)  # fmt: skip
_SETTINGS = "stripe.settings"


class Books:
    """One transaction's view of everything, at one caller's now."""

    def __init__(
        self,
        tx: Tx,
        webhooks: Webhooks,
        *,
        now: datetime,
        wall: datetime,
        request_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        self.tx = tx
        self.time = now
        self.now = int(now.timestamp())
        """The caller's now as Stripe writes instants: whole seconds since 1970."""
        self.wall = int(wall.timestamp())
        self._webhooks = webhooks
        self._request = {"id": request_id, "idempotency_key": idempotency_key}

    def new_id(self, prefix: str, length: int = 24) -> str:
        """Make the next id of a prefix; a function of the seed and of how many came before."""
        number = self.tx.next_number(f"stripe.{prefix}")
        seed = self.settings()["seed"]
        return f"{prefix}_{scramble(f'{seed}:{prefix}:{number}', length)}"

    def get(self, kind: str, id: str) -> Json | None:  # noqa: A002
        return self.tx.get(f"stripe.{kind}", id)

    def require(self, kind: str, id: str, param: str = "id") -> Json:  # noqa: A002
        """Give an object or refuse as Stripe does for ids that lead nowhere."""
        found = self.get(kind, id)
        if found is None:
            raise missing(kind.rsplit(".", maxsplit=1)[-1].replace("_", " "), id, param)
        return found

    def put(self, data: Json) -> Json:
        """Store an object under its own kind, id and references."""
        data["_clock"] = [self.now, self.wall]
        keys = {name: data[name] for name in _KEYED if isinstance(data.get(name), str)}
        self.tx.put(f"stripe.{data['object']}", data["id"], data, keys=keys)
        return data

    def delete(self, data: Json) -> None:
        self.tx.delete(f"stripe.{data['object']}", data["id"])

    def find(self, kind: str, **keys: str) -> list[Json]:
        """List objects with these references, oldest first."""
        return self.tx.find(f"stripe.{kind}", **keys)

    def settings(self) -> Json:
        """Give what outlives calls: seed, fee, receiver of webhooks, lag of the search."""
        return self.tx.get(_SETTINGS, "stripe") or {"seed": 1, "search_lag": 60}

    def change_settings(self, **values: object) -> None:
        """Remember settings; does nothing when they are the same already."""
        old = self.settings()
        if any(old.get(name) != value for name, value in values.items()):
            self.tx.put(_SETTINGS, "stripe", {**old, **values})

    def event(self, type: str, subject: Json, previous: Json | None = None) -> None:  # noqa: A002
        """Record that something happened and queue it for every endpoint that wants it."""
        data: Json = {"object": public(subject)}
        if previous:
            data["previous_attributes"] = previous
        receivers = [e for e in self._receivers() if wants(e["enabled_events"], type)]
        event: Json = {
            "id": self.new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now,
            "data": data,
            "livemode": False,
            "pending_webhooks": len(receivers),
            "request": self._request,
            "type": type,
        }
        self.put(event)
        for endpoint in receivers:
            self._webhooks.enqueue(
                self.tx,
                vendor=VENDOR,
                endpoint_id=endpoint["id"],
                event_id=event["id"],
                type=type,
                url=endpoint["url"],
                secret=endpoint["_secret"],
                body=event,
            )

    def _receivers(self) -> list[Json]:
        endpoints = [e for e in self.find("webhook_endpoint") if e["status"] == "enabled"]
        settings = self.settings()
        if settings.get("webhook_url"):
            endpoints.append(
                {
                    "id": "we_configured",
                    "url": settings["webhook_url"],
                    "_secret": settings["webhook_secret"],
                    "enabled_events": ["*"],
                }
            )
        return endpoints


def settings_of(options: Options, seed: int, fee_basis_points: int) -> Json:
    """Gather what the process was started with."""
    return {
        "seed": seed,
        "fee_basis_points": fee_basis_points,
        "webhook_url": options.webhook_urls.get(VENDOR),
        "webhook_secret": options.webhook_secrets.get(VENDOR, "whsec_sandbox"),
    }


def wants(enabled: Sequence[str], type: str) -> bool:  # noqa: A002
    """Tell whether an endpoint's list takes an event of this type."""
    return "*" in enabled or type in enabled


def public(data: Json) -> Json:
    """Leave out what only the stand-in knows of an object."""
    return {key: value for key, value in data.items() if not key.startswith("_")}


def scramble(text: str, length: int) -> str:
    """Turn a text into something that looks like the random part of an id."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest())
    signs = []
    for _ in range(length):
        number, rest = divmod(number, len(_ALPHABET))
        signs.append(_ALPHABET[rest])
    return "".join(signs)


def clock_of(data: Json, wall: datetime) -> datetime:
    """Tell what time it is for an object's owner, for visitors who bring no clock of their own.

    The owner's clock at the last change, plus the wall time that has passed since.
    """
    then, wall_then = data["_clock"]
    return datetime.fromtimestamp(then, UTC) + (wall - datetime.fromtimestamp(wall_then, UTC))

"""Rules that bend calls: kept in the store, counted, and chosen in the order they were set."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from sandboxes.store import Json, Store, Tx

TRANSPORT_EFFECTS = frozenset(
    {
        "delay", "timeout_before", "timeout_after", "late", "close_before", "close_after",
        "error_before", "error_after", "rate_limit", "garbage_truncated", "garbage_types",
        "garbage_missing", "garbage_items", "garbage_html", "garbage_huge", "hang_headers",
    }
)  # fmt: skip
"""Effects that the frame applies to any call; all others are vendors' behaviours."""

MARK_HEADER = "X-Sandbox-Mark"
"""What a test's caller says of itself, so that a rule can aim at calls that name nobody."""

_KIND = "fault"


class BadRuleError(ValueError):
    """The control plane was asked for a rule that means nothing."""


@dataclass(frozen=True)
class Rule:
    """A rule that fired for the call at hand."""

    id: str
    effect: str
    seconds: float
    status: int | None
    code: str | None
    value: Any

    def option(self, name: str, default: Any = None) -> Any:
        """Read one field of an object-valued `value`."""
        return self.value.get(name, default) if isinstance(self.value, dict) else default


class Faults:
    """The rules of all vendors."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, body: Json, effects: Collection[str]) -> str:
        """Store a rule; `effects` are those its vendor knows. Raises BadRuleError."""
        effect = body.get("effect")
        if effect not in effects:
            raise BadRuleError(f"unknown effect {effect!r}; known: {', '.join(sorted(effects))}")
        times = body.get("times", 1)
        skip = body.get("skip", 0)
        seconds = body.get("seconds", 30)
        if times is not None and not (isinstance(times, int) and times > 0):
            raise BadRuleError("times must be a positive integer or null")
        if not isinstance(skip, int) or skip < 0:
            raise BadRuleError("skip must be zero or more")
        if not isinstance(seconds, int | float) or seconds < 0:
            raise BadRuleError("seconds must be zero or more")
        with self._store.transaction() as tx:
            rule_id = f"flt_{tx.next_number('fault')}"
            tx.put(
                _KIND,
                rule_id,
                {
                    "id": rule_id,
                    "vendor": body["vendor"],
                    "operation": body.get("operation", "*"),
                    "effect": effect,
                    "times": times,
                    "skip": skip,
                    "contains": body.get("contains"),
                    "seconds": seconds,
                    "status": body.get("status"),
                    "code": body.get("code"),
                    "value": body.get("value"),
                    "seen": 0,
                    "fired": 0,
                },
            )
        return rule_id

    def rules(self) -> list[Json]:
        with self._store.transaction() as tx:
            return tx.all(_KIND)

    def delete(self, rule_id: str) -> bool:
        with self._store.transaction() as tx:
            return tx.delete(_KIND, rule_id)

    def clear(self) -> None:
        with self._store.transaction() as tx:
            for rule in tx.all(_KIND):
                tx.delete(_KIND, rule["id"])

    def transport(self, vendor: str, operation: str, text: str) -> Rule | None:
        """Take the rule that bends this call as a whole, if any, and count it."""
        with self._store.transaction() as tx:
            return _take(tx, vendor, operation, text, TRANSPORT_EFFECTS)

    def behaviour(
        self,
        tx: Tx,
        vendor: str,
        operation: str,
        request: Request,
        effects: Collection[str] | None = None,
    ) -> Rule | None:
        """Take the first vendor behaviour set for this call, and count it, in the caller's tx.

        `effects` narrows the choice to those the handler can honour at this point; asking does
        not use up rules with other effects.
        """
        return _take(tx, vendor, operation, text_of(request), effects)


def text_of(request: Request) -> str:
    """Give what a rule's `contains` is looked for in: path, query, the caller's mark and body."""
    body: bytes = getattr(request.state, "body", b"")
    query = f"?{request.url.query}" if request.url.query else ""
    mark = request.headers.get(MARK_HEADER, "")
    return f"{request.url.path}{query}\n{mark}\n{body.decode(errors='replace')}"


def _take(
    tx: Tx, vendor: str, operation: str, text: str, effects: Collection[str] | None
) -> Rule | None:
    for rule in tx.all(_KIND):
        wanted = (
            rule["effect"] not in TRANSPORT_EFFECTS
            if effects is None
            else rule["effect"] in effects
        )
        if not (
            wanted
            and rule["vendor"] == vendor
            and rule["operation"] in ("*", operation)
            and (rule["contains"] is None or rule["contains"] in text)
        ):
            continue
        spent = rule["times"] is not None and rule["fired"] >= rule["times"]
        rule["seen"] += 1
        fires = not spent and rule["seen"] > rule["skip"]
        rule["fired"] += fires
        tx.put(_KIND, rule["id"], rule)
        if fires:
            return Rule(
                id=rule["id"],
                effect=rule["effect"],
                seconds=float(rule["seconds"]),
                status=rule["status"],
                code=rule["code"],
                value=rule["value"],
            )
    return None

"""The audit log: who did what to which thing, when, from where and why; and how rows are chained.

A row holds ids, states and amounts, never a person's data. What people wrote is sealed with the key
of whoever it is about, so that the chain outlives their erasure: its bytes are those of the sealed
text. Of a network there is a digest, salted with who came from it.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import rfc8785

FIRST = "0" * 64
"""What stands before the first row of the chain."""
CHECKPOINT_FORMAT = "parker-audit-checkpoint/1"


class Action(StrEnum):
    """Everything that is ever written down; nothing else can be."""

    CAMPAIGN_STATE = "campaign.state"
    CAMPAIGN_EDITED = "campaign.edited"
    ATTEMPT_STATE = "attempt.state"
    BOOKING_STATE = "booking.state"
    PAYMENT_STATE = "payment.state"
    ERASURE_STATE = "erasure.state"
    ERASURE_ASKED = "erasure.asked"
    MANDATE_GIVEN = "mandate.given"
    MANDATE_REVOKED = "mandate.revoked"
    MANDATE_USED = "mandate.used"
    MANDATE_RELEASED = "mandate.released"
    KEY_MADE = "key.made"
    KEY_REVOKED = "key.revoked"
    PASSWORD_SET = "password.set"  # noqa: S105 - the name of an action
    ADDRESS_CHANGED = "address.changed"
    FACTOR_ADDED = "factor.added"
    FACTOR_REMOVED = "factor.removed"
    SESSIONS_ENDED = "sessions.ended"
    ROLE_GIVEN = "role.given"
    SWITCH_TURNED = "switch.turned"
    REFUND_STATE = "refund.state"
    PERSON_LOOKED_AT = "person.looked_at"
    TASK_CLOSED = "task.closed"
    OPERATOR_ACTED = "operator.acted"
    PROPOSAL_MADE = "proposal.made"
    PROPOSAL_DECIDED = "proposal.decided"
    PROPOSAL_LAPSED = "proposal.lapsed"
    ACTION_EXPIRED = "action.expired"
    RETENTION_RAN = "retention.ran"
    RESTORED = "installation.restored"


# What is told of an account whenever it is done, and so is written down by the same hand.
ACCOUNT_EVENTS: Mapping[str, Action] = {
    "password_changed": Action.PASSWORD_SET,
    "password_reset": Action.PASSWORD_SET,
    "email_changed": Action.ADDRESS_CHANGED,
    "email_kept": Action.ADDRESS_CHANGED,
    "factor_added": Action.FACTOR_ADDED,
    "factor_removed": Action.FACTOR_REMOVED,
}


class ActorKind(StrEnum):
    PERSON = "person"  # signed in with a browser; `actor` is the account
    KEY = "key"  # an API key; `actor` is the key
    WORKFLOW = "workflow"  # a process of ours; `actor` is its workflow id
    COMMAND = "command"  # the command line; `actor` is the login on that machine
    PRODUCT = "product"  # a part of the product itself


class Channel(StrEnum):
    """From where."""

    PAGES = "pages"
    API = "api"
    WORKER = "worker"
    COMMAND_LINE = "command line"


@dataclass(frozen=True)
class Actor:
    """Who acts, as what, and from where."""

    kind: ActorKind
    id: str
    channel: Channel
    role: str = ""
    network: str = ""
    """A salted digest of the network that was asked from: tells whether it was the same again."""


@dataclass(frozen=True)
class Entry:
    """One thing that was done. `user_id`: whose thing it is, if it is a person's."""

    action: Action
    kind: str
    id: str
    user_id: UUID | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


COLUMNS = (
    "id",
    "at",
    "actor_kind",
    "actor",
    "role",
    "channel",
    "network",
    "action",
    "object_kind",
    "object_id",
    "user_id",
    "before",
    "after",
    "reason",
)
"""What a row's digest is made of: all of it, as it is stored."""


def digest_of(row: Mapping[str, Any]) -> str:
    """Return the digest of a row's canonical bytes (RFC 8785)."""
    return hashlib.sha256(canonical({name: row[name] for name in COLUMNS})).hexdigest()


def canonical(values: Mapping[str, Any]) -> bytes:
    return rfc8785.dumps({name: _plain(value) for name, value in values.items()})


def link(previous: str, position: int, row_id: int, digest: str) -> str:
    """Return the hash of a link, which stands for all links before it too."""
    return hashlib.sha256(f"{previous}:{position}:{row_id}:{digest}".encode()).hexdigest()


@dataclass(frozen=True)
class Checkpoint:
    """How far the chain had come at an instant; signed, and kept outside of the database."""

    position: int
    hash: str
    at: datetime

    def signed_bytes(self) -> bytes:
        """Return what is signed; it begins with its format, so that it stands for nothing else."""
        return canonical({"format": CHECKPOINT_FORMAT, **self.facts()})

    def facts(self) -> dict[str, Any]:
        return {"position": self.position, "hash": self.hash, "at": _plain(self.at)}


class Fault(StrEnum):
    """What a chain can be found to have suffered."""

    CHANGED = "changed"  # the row is not what was linked
    REMOVED = "removed"  # the link stands and its row does not
    BROKEN = "broken"  # links do not follow on each other: swapped, rewritten, or one is missing
    CUT = "cut"  # the chain ends before a checkpoint
    REWRITTEN = "rewritten"  # whole, but not the chain that a checkpoint was made of


@dataclass(frozen=True)
class Finding:
    """The first thing that is wrong: where in the chain, and with which row."""

    fault: Fault
    position: int
    row_id: int | None = None


class ChainCheck:
    """Follows a chain link by link and says where it first breaks."""

    def __init__(self, checkpoints: Iterable[Checkpoint] = ()) -> None:
        # Of one position there may be two, where the log was restored or cut: both must hold.
        self._checkpoints: dict[int, set[str]] = {}
        for one in checkpoints:
            self._checkpoints.setdefault(one.position, set()).add(one.hash)
        self.position, self.hash = 0, FIRST

    def follow(self, row: Mapping[str, Any]) -> Finding | None:
        """Look at the next link with its row (its columns are None where there is none)."""
        position, row_id = row["position"], row["row_id"]
        if position != self.position + 1:
            return Finding(Fault.BROKEN, self.position + 1)
        if row["id"] is None:
            return Finding(Fault.REMOVED, position, row_id)
        if digest_of(row) != row["digest"]:
            return Finding(Fault.CHANGED, position, row_id)
        self.position, self.hash = position, link(self.hash, position, row_id, row["digest"])
        if self.hash != row["hash"]:
            return Finding(Fault.BROKEN, position, row_id)
        if self._checkpoints.get(position, {self.hash}) != {self.hash}:
            return Finding(Fault.REWRITTEN, position, row_id)
        return None

    def end(self) -> Finding | None:
        """Hold the end of the chain against the checkpoints."""
        last = max(self._checkpoints, default=0)
        return Finding(Fault.CUT, self.position + 1) if last > self.position else None


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case UUID() | StrEnum():
            return str(value)
        case _:
            return value

"""An attempt as operators read it: what happened in order, and what each call said."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from api.web.words import span_of
from db.models.provider_call import CallState, ProviderCallRow
from db.queries.console.attempts import AttemptFacts
from domain.attempts import LIVE, AttemptState
from domain.money import Money
from runtime.telemetry import redact_text

_TONES = {
    CallState.SENT: "wait",
    CallState.ANSWERED: "good",
    CallState.UNKNOWN: "bad",
    CallState.REFUSED: "wait",
    CallState.UNAVAILABLE: "wait",
    CallState.ABSENT: "quiet",
}
_SENTENCES = {
    AttemptState.VALIDATING: "The offer is being checked again; no money is held yet.",
    AttemptState.AUTHORISING: "The card is being asked for a hold; nothing was ordered.",
    AttemptState.AWAITING_AUTHENTICATION: "The traveller's bank asks them; nothing was ordered.",
    AttemptState.ORDERING: "The order was sent: from here on it finishes, whatever is asked.",
    AttemptState.ORDER_UNKNOWN: "The order's answer was lost; the seller is asked.",
    AttemptState.CAPTURING: "The order exists; the held money is being taken.",
    AttemptState.CAPTURED: "It is booked and paid.",
    AttemptState.COMPENSATING: "It is being undone: holds are released, orders cancelled.",
    AttemptState.FAILED: "It ended without a booking.",
}


@dataclass(frozen=True)
class CallView:
    """One call: what we sent and what came back, in ids and amounts."""

    key: str
    kind: str
    provider: str
    state: str
    tone: str
    sent_at: datetime
    took: str
    sent: str
    came_back: str


@dataclass(frozen=True)
class Moment:
    at: datetime
    words: str


@dataclass(frozen=True)
class AttemptView:
    sentence: str
    live: bool
    calls: tuple[CallView, ...]
    timeline: tuple[Moment, ...]
    fare: Money
    limit: Money


def attempt_view(facts: AttemptFacts, now: datetime) -> AttemptView:
    row = facts.attempt
    return AttemptView(
        sentence=_sentence(facts, now),
        live=row.state in LIVE,
        calls=tuple(call_view(one) for one in facts.calls),
        timeline=_timeline(facts),
        fare=Money(minor=row.matched_minor, currency=row.currency),
        limit=Money(minor=row.limit_minor, currency=row.currency),
    )


def _sentence(facts: AttemptFacts, now: datetime) -> str:
    row = facts.attempt
    said = _SENTENCES[row.state]
    if row.failure_reason:
        said += f" Why: {row.failure_reason.value.replace('_', ' ')}."
    if row.state in LIVE:
        still = now - row.updated_at
        if still > timedelta(minutes=15):
            said += f" Nothing has moved for {span_of(int(still.total_seconds()))}."
    return said


def call_view(row: ProviderCallRow) -> CallView:
    took = "no answer yet"
    if row.answered_at is not None:
        took = f"{(row.answered_at - row.sent_at).total_seconds():.2f} s"
    return CallView(
        key=row.key,
        kind=row.kind,
        provider=row.provider,
        state=row.state.value,
        tone=_TONES[row.state],
        sent_at=row.sent_at,
        took=took,
        sent=shown(row.facts),
        came_back=shown(row.answer),
    )


def shown(values: Mapping[str, Any] | None) -> str:
    """Write facts for reading. They hold ids and amounts; what looks like a person is hidden."""
    if not values:
        return "nothing"
    return redact_text(json.dumps(values, indent=1, sort_keys=True, default=str))


def _timeline(facts: AttemptFacts) -> tuple[Moment, ...]:
    row = facts.attempt
    fare = Money(minor=row.matched_minor, currency=row.currency)
    found = [Moment(row.started_at, f"Begun for a fare of {fare} at {row.seller}")]
    for call in facts.calls:
        found.append(Moment(call.sent_at, f"{call.provider}: {call.kind} sent"))
        if call.answered_at is not None:
            found.append(
                Moment(call.answered_at, f"{call.provider}: {call.kind} is {call.state.value}")
            )
    for payment in facts.payments:
        amount = Money(minor=payment.amount_minor, currency=payment.currency)
        words = f"Payment {payment.round} of {amount} is {payment.state.value.replace('_', ' ')}"
        if payment.decline_code:
            words += f" ({payment.decline_code})"
        found.append(Moment(payment.updated_at, words))
    for refund in facts.refunds:
        amount = Money(minor=refund.amount_minor, currency=refund.currency)
        found.append(Moment(refund.updated_at, f"Refund of {amount} is {refund.status}"))
    for task in facts.tasks:
        found.append(Moment(task.created_at, f"A person was asked: {task.kind.replace('_', ' ')}"))
        if task.closed_at is not None:
            found.append(Moment(task.closed_at, f"Settled by a person: {task.kind}"))
    if facts.booking is not None:
        found.append(Moment(facts.booking.created_at, f"Booking is {facts.booking.state}"))
    if row.finished_at is not None:
        found.append(Moment(row.finished_at, f"Ended: {row.state.value}"))
    return tuple(sorted(found, key=lambda one: one.at))

"""What the pages of webhooks show, in the reader's words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.travellers_hooks import Endpoint
from db.models.webhook import (
    DeliveryState,
    EndpointState,
    WebhookDeliveryRow,
    WebhookTryRow,
)
from domain.words import Words

PATH = "/account/webhooks"


@dataclass(frozen=True)
class EndpointView:
    path: str
    url: str
    state: str
    tone: str
    mark: str
    sentence: str
    active: bool
    old_until: datetime | None


@dataclass(frozen=True)
class TryView:
    at: datetime
    words: str


@dataclass(frozen=True)
class DeliveryView:
    id: UUID
    type: str
    message_id: str
    at: datetime
    state: str
    tone: str
    mark: str
    sentence: str
    next_at: datetime | None
    tries: tuple[TryView, ...]
    tries_words: str
    may_resend: bool


def endpoint_view(one: Endpoint, now: datetime, say: Words) -> EndpointView:
    active = one.state is EndpointState.ACTIVE
    if not active:
        state, tone, mark = say("Switched off"), "bad", "✕"
        sentence = say("It did not answer for days, so we stopped calling it.")
        if one.reason == "gone":
            sentence = say("It said that it is gone for good, so we stopped calling it.")
    elif one.failing_since is not None:
        state, tone, mark = say("Failing"), "wait", "!"
        sentence = say(
            "It has been failing since {moment}; we try again.", moment=one.failing_since
        )
    else:
        state, tone, mark = say("Active"), "good", "✓"
        sentence = say("It is called whenever something happens.")
    old_until = one.old_secret_until
    return EndpointView(
        path=f"{PATH}/{one.id}",
        url=one.url,
        state=state,
        tone=tone,
        mark=mark,
        sentence=sentence,
        active=active,
        old_until=old_until if old_until and old_until > now else None,
    )


def list_sentence(endpoints: Sequence[EndpointView], most: int, say: Words) -> str:
    if not endpoints:
        return say(
            "You have no webhook. One lets a program of yours hear at once what happens to your"
            " wishes and bookings."
        )
    if len(endpoints) >= most:
        return say("You have as many webhooks as can be kept. Remove one to add another.")
    off = sum(not one.active for one in endpoints)
    if off:
        return say("{number} of your webhooks is switched off and hears nothing.", number=off)
    return say("Your webhooks are called whenever something happens.")


def delivery_view(
    row: WebhookDeliveryRow, tries: Sequence[WebhookTryRow], say: Words
) -> DeliveryView:
    pending = row.state is DeliveryState.PENDING
    match row.state:
        case DeliveryState.DELIVERED:
            state, tone, mark = say("Delivered"), "good", "✓"
            sentence = say("Your server took it.")
        case DeliveryState.FAILED:
            state, tone, mark = say("Given up"), "bad", "✕"
            sentence = say("Your server did not take it, and it is not tried again by itself.")
        case DeliveryState.PENDING:
            state, tone, mark = say("On its way"), "wait", "…"
            sentence = say("It is about to be sent.") if not tries else say("It is tried again.")
    return DeliveryView(
        id=row.id,
        type=row.type,
        message_id=row.message_id,
        at=row.created_at,
        state=state,
        tone=tone,
        mark=mark,
        sentence=sentence,
        next_at=row.next_try_at if pending and tries else None,
        tries=tuple(TryView(each.at, _came_back(each, say)) for each in tries),
        tries_words=say("One try") if len(tries) == 1 else say("{n} tries", n=len(tries)),
        may_resend=not pending,
    )


def _came_back(one: WebhookTryRow, say: Words) -> str:
    took = say("after {n} ms", n=one.milliseconds)
    if one.status is not None:
        return say("answered with {status}, {took}", status=str(one.status), took=took)
    match one.code:
        case "address_not_allowed":
            return say("not called: the name leads to no address of the public internet")
        case "name_not_found":
            return say("not called: nobody knows the name")
        case "certificate_refused":
            return say("not called: its certificate is not for this name")
        case "answer_timed_out":
            return say("no answer in time, {took}", took=took)
        case "connection_refused" | "connection_timed_out":
            return say("nobody there, {took}", took=took)
        case _:
            return say("the connection was lost, {took}", took=took)

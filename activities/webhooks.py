"""Delivering what happened to travellers' own servers, each call on record."""

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from activities.failures import heartbeats
from activities.offers import WORKER
from db.models.notice import NoticeRow
from db.models.webhook import (
    DeliveryState,
    EndpointState,
    WebhookDeliveryRow,
    WebhookEndpointRow,
)
from db.queries.notices import NewNotice, add_notices
from db.queries.webhooks import (
    due_deliveries,
    give_up_pending,
    log_try,
    take_delivery,
)
from db.session import Database
from db.vault import PersonalVault
from db.webhook_secrets import opened_secrets, opened_url
from domain.ids import UserId, derive
from domain.letters import NoticeFacts, Page, path_of
from domain.webhooks import TEST_TYPE, Verdict, is_given_up, next_try, payload, verdict_on
from providers.ports import OutgoingWebhook, WebhookAnswer, WebhookSender
from runtime.clock import activity_now
from runtime.key_store import KeyDestroyed

# Side by side: one slow server must not keep the others waiting, nor take all that we have.
CALLS = 8


@dataclass(frozen=True)
class _Call:
    """A delivery that was taken, and what is sent."""

    delivery_id: UUID
    tries: int
    hook: OutgoingWebhook


class WebhookDeliveries:
    """Makes the calls that are due. No connection to Postgres is held during a call."""

    def __init__(
        self,
        database: Database,
        vault: PersonalVault,
        sender: WebhookSender,
        *,
        base_url: str,
        sandbox: bool,
        patience: timedelta,
    ) -> None:
        self._database, self._vault, self._sender = database, vault, sender
        self._base_url, self._sandbox, self._patience = base_url, sandbox, patience
        self._calls = asyncio.Semaphore(CALLS)

    async def deliver(self, user_id: UserId) -> int:
        """Make a person's calls that are due; return how many were accepted."""
        async with self._database.transaction(WORKER) as session:
            due = await due_deliveries(session, user_id, activity_now())
        async with heartbeats():
            return sum(await asyncio.gather(*(self._one(each) for each in due)))

    async def _one(self, delivery_id: UUID) -> bool:
        async with self._calls:
            call = await self._take(delivery_id)
            if call is None:
                return False
            answer = await self._sender.call(call.hook)
            async with self._database.transaction(WORKER) as session:
                return await self._settle(session, call, answer)

    async def _take(self, delivery_id: UUID) -> _Call | None:
        async with self._database.transaction(WORKER) as session:
            row = await take_delivery(session, delivery_id, activity_now())
            if row is None:
                return None
            endpoint = await session.get_one(WebhookEndpointRow, row.endpoint_id)
            now = activity_now()
            if endpoint.state is not EndpointState.ACTIVE:
                _end(row, DeliveryState.FAILED, now)
                return None
            try:
                url = await opened_url(session, self._vault, endpoint)
                secrets = await opened_secrets(session, self._vault, endpoint, now)
            except KeyDestroyed:
                _end(row, DeliveryState.FAILED, now)
                return None
            body = json.dumps(await self._body(session, row), separators=(",", ":"))
            hook = OutgoingWebhook(
                message_id=row.message_id, url=url, body=body, secrets=tuple(secrets)
            )
            return _Call(row.id, row.tries, hook)

    async def _body(self, session: AsyncSession, row: WebhookDeliveryRow) -> dict[str, object]:
        if row.type == TEST_TYPE or row.notice_id is None:
            url = f"{self._base_url}/account/webhooks"
            return payload(TEST_TYPE, at=row.created_at, url=url, sandbox=self._sandbox)
        notice = await session.get_one(NoticeRow, row.notice_id)
        facts = NoticeFacts(data={}, campaign_id=notice.campaign_id, booking_id=notice.booking_id)
        path = path_of(Page.BOOKING, facts) or "/notices"
        return payload(
            row.type,
            at=notice.created_at,
            url=self._base_url + path,
            sandbox=self._sandbox,
            notice_id=notice.id,
            campaign_id=notice.campaign_id,
            booking_id=notice.booking_id,
            data=notice.data,
        )

    async def _settle(self, session: AsyncSession, call: _Call, answer: WebhookAnswer) -> bool:
        """Write down what came of a call, and what that means for delivery and endpoint."""
        # The endpoint first, in one order everywhere.
        seen = await session.get_one(WebhookDeliveryRow, call.delivery_id)
        endpoint = await session.get_one(
            WebhookEndpointRow, seen.endpoint_id, with_for_update=True, populate_existing=True
        )
        row = await session.get_one(
            WebhookDeliveryRow, call.delivery_id, with_for_update=True, populate_existing=True
        )
        now = activity_now()
        log_try(
            session,
            row,
            at=now,
            status=answer.status,
            code=answer.code,
            milliseconds=answer.milliseconds,
        )
        if row.state is not DeliveryState.PENDING or row.tries != call.tries:
            return False  # asked for again meanwhile: that one counts
        verdict = verdict_on(answer.status)
        if verdict is Verdict.DELIVERED:
            _end(row, DeliveryState.DELIVERED, now)
            endpoint.failures, endpoint.failing_since, endpoint.updated_at = 0, None, now
            return True
        pause = timedelta(seconds=answer.pause_seconds) if answer.pause_seconds else None
        row.next_try_at = next_try(row.tries, now, pause)
        if row.next_try_at is None:
            _end(row, DeliveryState.FAILED, now)
        endpoint.failures += 1
        endpoint.failing_since = endpoint.failing_since or now
        endpoint.updated_at = now
        gone = verdict is Verdict.GONE
        if gone or is_given_up(endpoint.failing_since, endpoint.failures, now, self._patience):
            await _switch_off(session, endpoint, "gone" if gone else "failing", now)
        return False


async def _switch_off(
    session: AsyncSession, endpoint: WebhookEndpointRow, reason: str, now: datetime
) -> None:
    if endpoint.state is not EndpointState.ACTIVE:
        return
    endpoint.state, endpoint.state_reason = EndpointState.DISABLED, reason
    await session.flush()
    await give_up_pending(session, endpoint.id, now)
    subject = derive("webhook disabled", endpoint.id, now.isoformat())
    told = NewNotice(
        event="webhook_disabled",
        subject_id=subject,
        user_id=endpoint.user_id,
        data={"reason": reason, "endpoint_id": str(endpoint.id)},
    )
    await add_notices(session, [told], now)


def _end(row: WebhookDeliveryRow, state: DeliveryState, now: datetime) -> None:
    row.state, row.next_try_at, row.finished_at = state, None, now

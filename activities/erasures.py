"""Forgetting somebody, step by step; each step may be taken again after a death in the middle."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, RPCError, WorkflowUpdateFailedError
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCStatusCode

from activities.failures import heartbeats, provider_call
from activities.offers import WORKER
from activities.options import HEARTBEAT_TIMEOUT, ActivityOptions
from db.journal import remember
from db.locks import lock
from db.models.erasure import ErasureRow
from db.queries.erasures import (
    bookings_without_order,
    forget_person,
    forget_traveler,
    get_erasure,
    hindrances,
    histories_of,
    shut_account,
    wishes_not_ended,
)
from db.queries.notices import NewNotice, add_notices
from db.queries.payment_methods import list_payment_methods
from db.queries.transitions import change_state
from db.retained import keep_receipts
from db.session import Database
from db.vault import PersonalVault
from domain.erasures import ErasureState, possible_from
from domain.ids import CampaignId, UserId, derive
from domain.journal import Act
from domain.messages.campaign import campaign_workflow_id
from domain.messages.erasure import ErasureFacts
from providers.ports import CardVault
from runtime.clock import activity_now
from runtime.privacy_settings import PrivacySettings
from runtime.temporal import RPC_TIMEOUT

# Tried for ever: whoever asked to be forgotten is owed an end.
PATIENT = ActivityOptions(
    start_to_close_timeout=timedelta(minutes=5),
    heartbeat_timeout=HEARTBEAT_TIMEOUT,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=10)
    ),
)
# The last mail is worth an hour of trying, not a person's data kept for longer.
LAST_MAIL = ActivityOptions(
    start_to_close_timeout=timedelta(minutes=2),
    schedule_to_close_timeout=timedelta(hours=1),
    heartbeat_timeout=HEARTBEAT_TIMEOUT,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=5)
    ),
)


class ErasureActivities:
    def __init__(
        self,
        database: Database,
        vault: PersonalVault,
        cards: CardVault,
        privacy: PrivacySettings,
    ) -> None:
        self._database, self._vault, self._cards = database, vault, cards
        self._privacy = privacy

    @activity.defn
    async def read_erasure(self, erasure_id: UUID) -> ErasureFacts:
        """Say how it stands."""
        async with self._database.transaction(WORKER) as session:
            return await self._facts(session, await _row(session, erasure_id))

    @activity.defn
    async def withdraw_erasure(self, erasure_id: UUID) -> ErasureFacts:
        """Take it back, unless it has begun."""
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            row = await _locked(session, erasure_id)
            if row.state is ErasureState.ASKED:
                notice = _notice(row, "erasure_withdrawn")
                await change_state(
                    session, row, ErasureState.WITHDRAWN, now=now, event="", notices=[notice]
                )
            return await self._facts(session, row)

    @activity.defn
    async def begin_erasure(self, erasure_id: UUID) -> ErasureFacts:
        """Begin, if its time has come and nothing is in the way; else say when to look again.

        Once begun there is no way back: the account is shut in the same transaction.
        """
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            row = await _locked(session, erasure_id)
            if row.state is not ErasureState.ASKED or row.due_at > now:
                return await self._facts(session, row)
            user_id = UserId(row.user_id)
            facts = await self._facts(session, row)
            if facts.wishes:
                return facts
            found = await hindrances(session, user_id, row.traveler_id, now)
            if found:
                row.due_at = possible_from(found, now)
                row.waits_for = sorted({hindrance.obstacle.value for hindrance in found})
                row.updated_at = now
                await session.flush()
                await add_notices(session, [_notice(row, "erasure_waits")], now)
                return await self._facts(session, row)
            notice = _notice(row, "erasure_begun")
            await change_state(
                session, row, ErasureState.BEGUN, now=now, event="", notices=[notice]
            )
            if row.traveler_id is None:
                await shut_account(session, user_id, now)
            return await self._facts(session, row)

    @activity.defn
    async def pause_wishes(self, erasure_id: UUID) -> None:
        """Let nothing be booked while it can still be taken back."""
        await self._ask_wishes(erasure_id, "pause")

    @activity.defn
    async def cancel_wishes(self, erasure_id: UUID) -> None:
        """End what is still wished for."""
        await self._ask_wishes(erasure_id, "cancel")

    @activity.defn
    async def detach_cards(self, erasure_id: UUID) -> None:
        """Let the card processor forget the person's cards."""
        async with self._database.transaction(WORKER) as session:
            row = await _row(session, erasure_id)
            user_id = UserId(row.user_id)
            references = [
                await self._vault.open(
                    session,
                    user_id,
                    card.method_ref_encrypted,
                    table="payment_methods",
                    column="method_ref",
                    row_id=card.id,
                )
                for card in await list_payment_methods(session, user_id)
                if card.method_ref_encrypted
            ]
        for reference in references:
            async with provider_call():
                await self._cards.detach(reference)

    @activity.defn
    async def forget_rows(self, erasure_id: UUID) -> None:
        """Keep what the law makes us keep, then let the rows go: both or neither."""
        now = activity_now()
        async with heartbeats(), self._database.transaction(WORKER) as session:
            row = await _begun(session, erasure_id)
            user_id = UserId(row.user_id)
            # Begun, so it will be done: no backup may bring them back from here on.
            whom = row.traveler_id or user_id
            remember(session, Act.ERASED, "erasures", [whom], user_id, at=now)
            if row.traveler_id is not None:
                await forget_traveler(session, user_id, row.traveler_id)
                return
            years = self._privacy.receipts_years
            await keep_receipts(session, self._vault, user_id, years=years, now=now)
            await forget_person(session, user_id, now)

    @activity.defn
    async def destroy_keys(self, erasure_id: UUID) -> None:
        """Destroy the keys: what is left anywhere, in backups too, opens no more."""
        async with self._database.transaction(WORKER) as session:
            row = await _begun(session, erasure_id)
            # An order names everybody on board, so it has a key of its own.
            emptied = await bookings_without_order(session, UserId(row.user_id))
        if row.traveler_id is None:
            self._vault.forget_person(row.user_id)
        else:
            self._vault.forget_subjects(row.user_id, [row.traveler_id, *emptied])

    @activity.defn
    async def forget_histories(self, erasure_id: UUID) -> int:
        """Delete what Temporal remembers of the person's processes; return how many runs."""
        client, deleted = activity.client(), 0
        async with self._database.transaction(WORKER) as session:
            row = await _begun(session, erasure_id)
            names = await histories_of(session, UserId(row.user_id))
        async with heartbeats():
            for name in names:
                deleted += await delete_runs(client, name)
        return deleted

    @activity.defn
    async def close_erasure(self, erasure_id: UUID) -> ErasureFacts:
        """Write down that it is done."""
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            row = await _locked(session, erasure_id)
            if row.state is ErasureState.BEGUN:
                await change_state(session, row, ErasureState.DONE, now=now, event="")
            return await self._facts(session, row)

    async def _facts(self, session: AsyncSession, row: ErasureRow) -> ErasureFacts:
        user_id = UserId(row.user_id)
        whole = row.traveler_id is None
        return ErasureFacts(
            erasure_id=row.id,
            user_id=user_id,
            traveler=not whole,
            state=row.state,
            due_at=row.due_at,
            wishes=tuple(await wishes_not_ended(session, user_id)) if whole else (),
        )

    async def _ask_wishes(self, erasure_id: UUID, update: str) -> None:
        async with self._database.transaction(WORKER) as session:
            row = await _row(session, erasure_id)
            wishes = await wishes_not_ended(session, UserId(row.user_id))
        async with heartbeats():
            for wish in wishes:
                await _ask(activity.client(), wish, update, erasure_id)


async def _row(session: AsyncSession, erasure_id: UUID) -> ErasureRow:
    row = await get_erasure(session, erasure_id)
    if row is None:
        raise ApplicationError("there is no such erasure", type="NoErasure", non_retryable=True)
    return row


async def _locked(session: AsyncSession, erasure_id: UUID) -> ErasureRow:
    await _row(session, erasure_id)
    row = await lock(session, ErasureRow, erasure_id)
    assert row is not None
    return row


async def _begun(session: AsyncSession, erasure_id: UUID) -> ErasureRow:
    """Return the row; nothing is forgotten unless its beginning was written down."""
    row = await _row(session, erasure_id)
    if row.state is not ErasureState.BEGUN:
        raise ApplicationError("it has not begun", type="NotBegun", non_retryable=True)
    return row


def _notice(row: ErasureRow, event: str) -> NewNotice:
    return NewNotice(
        event=event,
        # It may have to wait more than once, and is told of each time.
        subject_id=derive("erasure", row.id, row.due_at.isoformat()),
        user_id=row.user_id,
        data={
            "traveler": row.traveler_id is not None,
            "due_at": row.due_at.isoformat(),
            "waits_for": row.waits_for,
        },
    )


async def _ask(client: Client, wish: CampaignId, update: str, erasure_id: UUID) -> None:
    """Ask a wish's process for something; one that has ended has nothing left to ask for."""
    handle = client.get_workflow_handle(campaign_workflow_id(wish))
    try:
        await handle.execute_update(
            update, id=f"{update}:erasure:{erasure_id}", rpc_timeout=RPC_TIMEOUT
        )
    except WorkflowUpdateFailedError:
        activity.logger.info("a wish cannot %s at the moment", update)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


async def delete_runs(client: Client, workflow_id: str) -> int:
    """Delete every run of a process that has ended."""
    deleted = 0
    async for run in client.list_workflows(f"WorkflowId = '{workflow_id}'"):
        execution = WorkflowExecution(workflow_id=run.id, run_id=run.run_id)
        try:
            await client.workflow_service.delete_workflow_execution(
                DeleteWorkflowExecutionRequest(
                    namespace=client.namespace, workflow_execution=execution
                ),
                timeout=RPC_TIMEOUT,
            )
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
        deleted += 1
    return deleted

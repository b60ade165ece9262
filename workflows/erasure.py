"""Forget a person, or one of their travellers: after a while in which it can be taken back."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.erasures import LAST_MAIL, PATIENT, ErasureActivities
    from activities.notices import NoticeActivities
    from activities.options import ROWS
    from domain.erasures import ErasureState
    from domain.ids import UserId
    from domain.messages.erasure import ErasureFacts, ErasureInput
    from domain.messages.notices import TellingInput, telling_workflow_id
    from workflows.moving_on import move_on, time_to_move_on

# A wish that is asked to end while a booking is being made ends with that.
WISH_POLL = timedelta(minutes=1)
SHORTEST = timedelta(seconds=1)


@workflow.defn
class ErasureWorkflow:
    """The row says how far it is; a run that begins anew goes on from there."""

    @workflow.init
    def __init__(self, erasure: ErasureInput) -> None:
        self._id = erasure.erasure_id
        self._withdrawn = False

    @workflow.run
    async def run(self, erasure: ErasureInput) -> ErasureFacts:
        facts = await self._read()
        if not facts.traveler:
            await workflow.execute_activity_method(
                ErasureActivities.pause_wishes, self._id, **PATIENT
            )
        while facts.state is ErasureState.ASKED:
            until = facts.due_at - workflow.now()
            await self._pause(until, "until it can no longer be taken back")
            facts = await self._begin()
            if facts.state is ErasureState.ASKED and facts.wishes:
                await self._pause(WISH_POLL, "until the last wish has ended")
            if time_to_move_on():
                await workflow.wait_condition(workflow.all_handlers_finished)
                move_on(erasure)
        if facts.state is ErasureState.BEGUN:
            facts = await self._forget(facts)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return facts

    async def _pause(self, span: timedelta, summary: str) -> None:
        try:
            await workflow.wait_condition(
                lambda: self._withdrawn, timeout=max(span, SHORTEST), timeout_summary=summary
            )
        except TimeoutError:
            return

    async def _begin(self) -> ErasureFacts:
        """Begin once its time has come, every wish has ended, and nothing is in the way."""
        facts = await self._read()
        if facts.state is not ErasureState.ASKED or facts.due_at > workflow.now():
            return facts
        if facts.wishes:
            await workflow.execute_activity_method(
                ErasureActivities.cancel_wishes, self._id, **PATIENT
            )
        facts = await workflow.execute_local_activity_method(
            ErasureActivities.begin_erasure, self._id, **ROWS
        )
        if facts.state is ErasureState.ASKED:
            await self._tell(facts.user_id)
        return facts

    async def _forget(self, facts: ErasureFacts) -> ErasureFacts:
        """Go to the end, whatever happens; each step may be taken twice."""
        await self._last_mail(facts.user_id)
        if not facts.traveler:
            await self._detach_cards()
        for step in (ErasureActivities.forget_rows, ErasureActivities.destroy_keys):
            await workflow.execute_activity_method(step, self._id, **PATIENT)
        if not facts.traveler:
            await workflow.execute_activity_method(
                ErasureActivities.forget_histories, self._id, **PATIENT
            )
        return await workflow.execute_local_activity_method(
            ErasureActivities.close_erasure, self._id, **ROWS
        )

    async def _last_mail(self, user_id: UserId) -> None:
        """Tell the address before it goes; a mail server that is away stops nothing."""
        try:
            await workflow.execute_activity_method(
                NoticeActivities.send_personal_notices, user_id, **LAST_MAIL
            )
        except ActivityError:
            workflow.logger.warning("the last mail could not be sent")

    async def _detach_cards(self) -> None:
        try:
            await workflow.execute_activity_method(
                ErasureActivities.detach_cards, self._id, **PATIENT
            )
        except ActivityError:
            # Refused for good: the processor does not know the card any more.
            workflow.logger.warning("a card could not be detached")

    async def _tell(self, user_id: UserId) -> None:
        try:
            await workflow.start_child_workflow(
                "TellingWorkflow",
                TellingInput(user_id=user_id),
                id=telling_workflow_id(user_id),
                parent_close_policy=ParentClosePolicy.ABANDON,
            )
        except WorkflowAlreadyStartedError:
            await workflow.get_external_workflow_handle(telling_workflow_id(user_id)).signal("tell")

    async def _read(self) -> ErasureFacts:
        return await workflow.execute_local_activity_method(
            ErasureActivities.read_erasure, self._id, **ROWS
        )

    @workflow.update
    async def withdraw(self) -> ErasureFacts:
        """Take it back; the answer says whether it was in time."""
        facts = await workflow.execute_local_activity_method(
            ErasureActivities.withdraw_erasure, self._id, **ROWS
        )
        self._withdrawn = facts.state is ErasureState.WITHDRAWN
        if self._withdrawn:
            await self._tell(facts.user_id)
        return facts

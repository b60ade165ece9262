"""Telling a person what belongs to no process of its own, and what was held back for later."""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.notices import SEND_NOTICES, NoticeActivities
    from activities.options import ROWS
    from activities.papers import WARN, PaperActivities
    from domain.ids import UserId
    from domain.messages.notices import SweepInput, TellingInput, telling_workflow_id
    from domain.messages.papers import PapersInput
    from workflows.moving_on import move_on, time_to_move_on

# A mail server that was away for as long as an activity tries is asked again after this.
AWAY = timedelta(hours=1)
SHORTEST = timedelta(seconds=1)


@workflow.defn
class TellingWorkflow:
    """Lives as long as something is to be told to one person: now, or at an hour to come.

    Whoever writes a notice starts it with the signal `tell`; it ends when nothing waits any more.
    """

    @workflow.init
    def __init__(self, telling: TellingInput) -> None:
        self._user_id = telling.user_id
        self._called = False

    @workflow.run
    async def run(self, telling: TellingInput) -> None:
        while True:
            self._called = False
            until = await self._tell()
            if until is not None:
                await self._sleep(until)
            # A signal on the last moment brings the loop back: the server refuses to end a run
            # that has not heard all.
            elif not self._called:
                return
            if time_to_move_on():
                move_on(telling)

    async def _tell(self) -> datetime | None:
        """Send what is due; return when there is more to send."""
        try:
            await workflow.execute_activity_method(
                NoticeActivities.send_personal_notices, self._user_id, **SEND_NOTICES
            )
        except ActivityError:
            workflow.logger.warning("a notice could not be sent; it is tried again later")
            return workflow.now() + AWAY
        return await workflow.execute_local_activity_method(
            NoticeActivities.next_notice, self._user_id, **ROWS
        )

    async def _sleep(self, until: datetime) -> None:
        try:
            await workflow.wait_condition(
                lambda: self._called,
                timeout=max(until - workflow.now(), SHORTEST),
                timeout_summary="until the next notice is due",
            )
        except TimeoutError:
            return

    @workflow.signal
    def tell(self) -> None:
        """Look again: something was written down."""
        self._called = True


@workflow.defn
class NoticeKeeperWorkflow:
    """Wakes the telling of people whom nobody told in time; a Schedule calls it again and again.

    So a notice is sent although whoever wrote it died before saying so.
    """

    @workflow.run
    async def run(self, sweep: SweepInput) -> None:
        found = await workflow.execute_local_activity_method(
            NoticeActivities.find_untold, sweep, **ROWS
        )
        for user_id in found.people:
            await wake_telling(user_id)


async def wake_telling(user_id: UserId) -> None:
    """Have what is pending for a person sent: by the telling that lives, or by a new one."""
    telling = workflow.get_external_workflow_handle(telling_workflow_id(user_id))
    try:
        await telling.signal("tell")
    except ApplicationError:
        await _start_telling(user_id)


async def _start_telling(user_id: UserId) -> None:
    try:
        await workflow.start_child_workflow(
            TellingWorkflow.run,
            TellingInput(user_id=user_id),
            id=telling_workflow_id(user_id),
            parent_close_policy=ParentClosePolicy.ABANDON,
        )
    except WorkflowAlreadyStartedError:
        return


@workflow.defn
class PaperKeeperWorkflow:
    """Warns of cards and passports that expire; a Schedule calls it again and again.

    It only writes down what people are to be told: the keeper above finds that, and each reader's
    hours are kept.
    """

    @workflow.run
    async def run(self, papers: PapersInput) -> None:
        page: PapersInput | None = papers
        while page is not None:
            if time_to_move_on():
                move_on(page)
            seen = await workflow.execute_activity_method(
                PaperActivities.warn_of_expiry, page, summary=page.papers, **WARN
            )
            page = seen.next

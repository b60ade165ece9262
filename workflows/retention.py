"""The daily run: what was kept long enough goes, and what was forgotten stays forgotten."""

from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ActivityError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.options import ROWS
    from activities.retention import CLEAR, RetentionActivities
    from domain.messages.erasure import ErasureInput, erasure_workflow_id
    from domain.messages.retention import Cleared, RetentionInput
    from workflows.erasure import ErasureWorkflow


@workflow.defn
class RetentionWorkflow:
    """A Schedule starts it; what it did not get done is done by the next."""

    @workflow.run
    async def run(self, retention: RetentionInput) -> Cleared:
        erasures = await workflow.execute_local_activity_method(
            RetentionActivities.find_erasures, **ROWS
        )
        for erasure_id in erasures:
            await self._look_after(erasure_id)
        again = await workflow.execute_activity_method(RetentionActivities.forget_again, **CLEAR)
        rows = {}
        for sweep in retention.sweeps:
            try:
                rows[sweep] = await workflow.execute_activity_method(
                    RetentionActivities.clear_away, sweep, summary=sweep, **CLEAR
                )
            except ActivityError:
                # One kind that cannot be cleared must not keep the others.
                workflow.logger.exception("clearing away failed", extra={"sweep": sweep.value})
        return Cleared(rows=rows, erasures=tuple(erasures), forgotten_again=again)

    async def _look_after(self, erasure_id: UUID) -> None:
        try:
            await workflow.start_child_workflow(
                ErasureWorkflow.run,
                ErasureInput(erasure_id=erasure_id),
                id=erasure_workflow_id(erasure_id),
                parent_close_policy=ParentClosePolicy.ABANDON,
            )
        except WorkflowAlreadyStartedError:
            return

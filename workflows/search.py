"""The one pacing loop of a seller: what is due is looked at, once for all campaigns it fits."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.search import LOOK, PLAN, SearchActivities
    from domain.messages.campaign import campaign_workflow_id
    from domain.messages.search import (
        DueLook,
        LookInput,
        LookResult,
        PlanInput,
        RoundPlan,
        SearchInput,
        search_workflow_id,
    )
    from runtime.temporal import SEARCH_QUEUE
    from workflows.moving_on import move_on, time_to_move_on

IDLE = timedelta(days=30)  # nothing due: only a nudge matters; this bounds a lost one
LOOK_PRIORITY = Priority(priority_key=4)  # attempts search at 1
ROUNDS_PER_RUN = 200


@workflow.defn
class SearchWorkflow:
    @workflow.init
    def __init__(self, search: SearchInput) -> None:
        self._seller = search.seller
        self._rounds = search.rounds
        self._looks = search.looks
        self._nudged = False

    @workflow.run
    async def run(self, search: SearchInput) -> None:
        del search
        rounds_here = 0
        while not self._long(rounds_here):
            self._nudged = False
            plan = await self._plan()
            await self._tell(plan)
            await self._look_at(plan)
            rounds_here += 1
            self._rounds += 1
            await self._sleep(plan)
        await workflow.wait_condition(workflow.all_handlers_finished)
        move_on(SearchInput(seller=self._seller, rounds=self._rounds, looks=self._looks))

    def _long(self, rounds_here: int) -> bool:
        return rounds_here > 0 and (time_to_move_on() or rounds_here >= ROUNDS_PER_RUN)

    async def _plan(self) -> RoundPlan:
        plan = await workflow.execute_local_activity_method(
            SearchActivities.plan_round, PlanInput(seller=self._seller), **PLAN
        )
        workflow.set_current_details(plan.summary)
        return plan

    async def _tell(self, plan: RoundPlan) -> None:
        """Let campaigns look at their rows, which this round has changed."""
        for campaign_id in plan.stopped:
            campaign = workflow.get_external_workflow_handle(campaign_workflow_id(campaign_id))
            try:
                await campaign.signal("row_changed")
            except ApplicationError:
                workflow.logger.info("the campaign has ended meanwhile")

    async def _look_at(self, plan: RoundPlan) -> None:
        """Look at each due pair, so many side by side; one that fails does not stop the others."""
        width = asyncio.Semaphore(plan.width)

        async def one(number: int, due: DueLook) -> None:
            async with width:
                await self._look(number, due)

        await asyncio.gather(*(one(n, due) for n, due in enumerate(plan.looks)))

    async def _look(self, number: int, due: DueLook) -> None:
        key = f"{workflow.info().run_id}:{self._rounds}:{number}"
        try:
            result = await workflow.execute_activity_method(
                SearchActivities.look,
                LookInput(seller=self._seller, look_key=key, pair=due.pair, reason=due.reason),
                task_queue=SEARCH_QUEUE,
                priority=LOOK_PRIORITY,
                summary=f"{due.pair.key}: {due.reason}",
                **LOOK,
            )
        except ActivityError:
            workflow.logger.warning("a look failed", extra={"pair": due.pair.key})
            return
        self._looks += 1
        await self._signal_matches(result)

    async def _signal_matches(self, result: LookResult) -> None:
        for match in result.matches:
            campaign = workflow.get_external_workflow_handle(
                campaign_workflow_id(match.campaign_id)
            )
            try:
                await campaign.signal("offer_found", match.offer)
            except ApplicationError:
                workflow.logger.info("the campaign has ended meanwhile")

    async def _sleep(self, plan: RoundPlan) -> None:
        pause = plan.next_due_at - workflow.now() if plan.next_due_at else IDLE
        try:
            await workflow.wait_condition(
                lambda: self._nudged,
                timeout=max(pause, timedelta(seconds=1)),
                timeout_summary="until the next look is due",
            )
        except TimeoutError:
            return

    @workflow.signal
    def nudge(self) -> None:
        """Think again: a campaign began, changed or resumed."""
        self._nudged = True


@workflow.defn
class SearchKeeperWorkflow:
    """Starts the search loop if it does not run; a Schedule calls it again and again."""

    @workflow.run
    async def run(self, search: SearchInput) -> None:
        try:
            await workflow.start_child_workflow(
                SearchWorkflow.run,
                search,
                id=search_workflow_id(search.seller),
                parent_close_policy=ParentClosePolicy.ABANDON,
            )
        except WorkflowAlreadyStartedError:
            return

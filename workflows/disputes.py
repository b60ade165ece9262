"""Following disputes over charges: a Schedule asks every hour, an event of Stripe's at once."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.disputes import DisputeActivities
    from activities.options import REPEATABLE
    from domain.messages.disputes import DisputesSeen


@workflow.defn
class DisputeWorkflow:
    """Looks once, and once more for whoever asked while it looked."""

    def __init__(self) -> None:
        self._again = False

    @workflow.run
    async def run(self) -> DisputesSeen:
        while True:
            self._again = False
            seen = await workflow.execute_activity_method(
                DisputeActivities.follow_disputes, summary="what do banks ask?", **REPEATABLE
            )
            if not self._again:
                return seen

    @workflow.signal
    def look_again(self) -> None:
        """Something was heard of a dispute."""
        self._again = True

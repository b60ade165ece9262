"""The plain design: every campaign polls for itself."""

from datetime import timedelta

from temporalio import workflow

QUEUE = "polling"


@workflow.defn
class PollingCampaign:
    @workflow.run
    async def run(self, every_seconds: float, until: float) -> None:
        while workflow.now().timestamp() < until:
            await workflow.execute_activity("poll", start_to_close_timeout=timedelta(seconds=60))
            await workflow.sleep(timedelta(seconds=every_seconds))
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(args=[every_seconds, until])

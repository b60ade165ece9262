"""A campaign as some later build might run it: not compatible with histories of before."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.campaigns import CampaignState
    from domain.messages.campaign import CampaignInput
    from workflows.campaign import CampaignWorkflow


@workflow.defn(name="CampaignWorkflow")
class ChangedCampaign(CampaignWorkflow):
    """Begins with a step that no earlier history has, and asks for no patch."""

    @workflow.init
    def __init__(self, campaign: CampaignInput) -> None:
        super().__init__(campaign)

    @workflow.run
    async def run(self, campaign: CampaignInput) -> CampaignState:
        await workflow.sleep(timedelta(milliseconds=1), summary="new in this build")
        return await super().run(campaign)

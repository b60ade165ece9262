"""A build that cannot replay the histories of before is deployed while wishes sleep."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import pytest
from consents import signed_edit
from house import House, eventually, open_house
from incompatible import ChangedCampaign
from sandbox import Sandbox
from skipping import address_of, server_with_skipping
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.service import RPCError
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

import worker as process
from domain.messages.campaign import CampaignEdit, NewCampaign
from domain.money import Money
from runtime.temporal import connect
from runtime.workflow_clock import WorkflowClock
from workflows.campaign import CampaignWorkflow

CHEAP = Money(minor=100, currency="USD")


@asynccontextmanager
async def deployed(house: House, build: str, kinds: Sequence[type]) -> AsyncIterator[None]:
    """Run a build's workers, and send what begins from now on to them."""
    changes = {"worker_deployment_build": build, "worker_deployment_pinned": True}
    settings = house.settings.model_copy(update=changes)
    activities = process.Activities(settings, house.database, house.providers)
    client = await connect(settings)  # of its own, as another process has
    async with AsyncExitStack() as opened:
        for each in process.build_workers(client, settings, activities, workflows=kinds):
            await opened.enter_async_context(each)
        await eventually(lambda: _made_current(house, build))
        yield


async def _made_current(house: House, build: str) -> bool:
    """Make the build the current one, once its workers are known to the server."""
    service, namespace = house.client.workflow_service, house.client.namespace
    try:
        known = await service.describe_worker_deployment(
            DescribeWorkerDeploymentRequest(namespace=namespace, deployment_name="parker")
        )
        await service.set_worker_deployment_current_version(
            SetWorkerDeploymentCurrentVersionRequest(
                namespace=namespace,
                deployment_name="parker",
                build_id=build,
                conflict_token=known.conflict_token,
            )
        )
    except RPCError:
        return False
    return True


async def test_sleeping_wishes_stay_with_their_build_and_move_over_when_they_wake(
    database_url: str, clean_sandbox: Sandbox
) -> None:
    kinds = process.WORKFLOWS
    changed = [ChangedCampaign if kind is CampaignWorkflow else kind for kind in kinds]
    async with (
        server_with_skipping() as server,
        open_house(
            database_url, clean_sandbox, server.client, address_of(server), workers=False
        ) as house,
        deployed(house, "1", kinds),
    ):
        waking = await house.wish_of_someone(budget=CHEAP)
        ending = await house.wish_of_someone(budget=CHEAP)
        asleep = await house.wish_of_someone(budget=CHEAP)
        for one in (waking, ending, asleep):
            await eventually(lambda one=one: _runs_on(house, one, "1"))

        async with deployed(house, "2", changed):
            newborn = await house.wish_of_someone(budget=CHEAP)
            await eventually(lambda: _runs_on(house, newborn, "2"))
            answer = await house.update(waking.campaign_id, "edit", _renamed(waking))
            assert answer.code == "done"
            await house.skip(house.campaign(ending.campaign_id), timedelta(days=366))
            await house.until(ending.campaign_id, "expired")
            await eventually(lambda: _runs_on(house, waking, "2"))
            assert await _runs_on(house, asleep, "1")
            for one in (waking, ending, asleep, newborn):
                assert not await _failed_tasks(house, one)

        await _fails_on_the_other_build(house, asleep)
        assert (await house.update(asleep.campaign_id, "cancel")).code == "done"
        await house.until(asleep.campaign_id, "cancelled")


async def _fails_on_the_other_build(house: House, new: NewCampaign) -> None:
    """Make sure that the second build really could not have gone on with this history."""
    history = await house.campaign(new.campaign_id).fetch_history()
    other = Replayer(
        workflows=[ChangedCampaign],
        data_converter=house.client.data_converter,
        interceptors=[WorkflowClock()],
    )
    with pytest.raises(NondeterminismError):
        await other.replay_workflow(history)


def _renamed(new: NewCampaign) -> CampaignEdit:
    """Return the wish with another name; its budget stays too low for any look to wake it."""
    edit = CampaignEdit(
        expected_version=1,
        name="a wish that moves",
        criteria=new.criteria,
        mode=new.mode,
        traveler_ids=new.traveler_ids,
        party=new.party,
        consent=new.consent,
        ends_at=new.ends_at,
    )
    return signed_edit(new, edit)


async def _runs_on(house: House, new: NewCampaign, build: str) -> bool:
    told = await house.campaign(new.campaign_id).describe()
    info = told.raw_description.workflow_execution_info.versioning_info
    return bool(info.deployment_version.build_id == build)


async def _failed_tasks(house: House, new: NewCampaign) -> list[int]:
    """Return the failed workflow tasks of all runs: a history that does not fit its code."""
    failed = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    query = f"WorkflowId = 'campaign:{new.campaign_id}'"
    return [
        event.event_id
        async for run in house.client.list_workflows(query)
        async for event in house.client.get_workflow_handle(
            run.id, run_id=run.run_id
        ).fetch_history_events()
        if event.event_type == failed
    ]

"""A workflow of the tests: many looks on the search queue at once, and then an attempt's search."""

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.offers import CHOOSE_OFFER
    from activities.search import LOOK
    from domain.messages.attempt import AttemptInput, NoOffer
    from domain.messages.search import LookInput, LookResult
    from runtime.temporal import SEARCH_QUEUE
    from workflows.attempt import OVERTAKE_LOOKS
    from workflows.search import LOOK_PRIORITY


@workflow.defn
class CrowdedSearch:
    def __init__(self) -> None:
        self._looked = 0

    @workflow.run
    async def run(self, looks: list[LookInput], attempt: AttemptInput) -> list[int]:
        """Return how many looks were done when the attempt searched, and when it was answered."""
        crowd = [asyncio.create_task(self._look(look)) for look in looks]
        await workflow.wait_condition(lambda: self._looked > 0)
        asked = self._looked
        await workflow.execute_activity(
            "choose_offer",
            attempt,
            result_type=NoOffer,
            task_queue=SEARCH_QUEUE,
            priority=OVERTAKE_LOOKS,
            **CHOOSE_OFFER,
        )
        answered = self._looked
        await asyncio.gather(*crowd)
        return [asked, answered]

    async def _look(self, look: LookInput) -> None:
        await workflow.execute_activity(
            "look",
            look,
            result_type=LookResult,
            task_queue=SEARCH_QUEUE,
            priority=LOOK_PRIORITY,
            **LOOK,
        )
        self._looked += 1

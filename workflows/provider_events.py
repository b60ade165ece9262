"""Working on what providers tell us: at once, and again later where a process was not reached."""

from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.options import REPEATABLE
    from activities.provider_events import ProviderEventActivities
    from domain.messages.provider_events import EventsInput
    from workflows.moving_on import move_on, time_to_move_on

SHORTEST = timedelta(seconds=1)


@workflow.defn
class ProviderEventsWorkflow:
    """Lives as long as an event waits; whoever stores one starts it with the signal `look`."""

    @workflow.init
    def __init__(self, events: EventsInput) -> None:
        del events
        self._called = False

    @workflow.run
    async def run(self, events: EventsInput) -> None:
        while True:
            self._called = False
            until = await workflow.execute_activity_method(
                ProviderEventActivities.work_on_events, summary="who has to look?", **REPEATABLE
            )
            if events.once:
                return
            if until is not None:
                await self._sleep(until)
            # A signal on the last moment brings the loop back: the server refuses to end a run
            # that has not heard all.
            elif not self._called:
                return
            if time_to_move_on():
                move_on(events)

    async def _sleep(self, until: datetime) -> None:
        try:
            await workflow.wait_condition(
                lambda: self._called,
                timeout=max(until - workflow.now(), SHORTEST),
                timeout_summary="until an event is tried again",
            )
        except TimeoutError:
            return

    @workflow.signal
    def look(self) -> None:
        """Look again: an event was stored."""
        self._called = True

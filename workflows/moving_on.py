"""When a run goes on as a new one, and on which build."""

from typing import NoReturn

from temporalio import workflow

_NEWEST_BUILD = workflow.ContinueAsNewVersioningBehavior.AUTO_UPGRADE


def time_to_move_on() -> bool:
    """Say whether the history is long, or whether the run is kept on a build that is outdated.

    A new run begins without a history, so it may move to a build that could not replay this one.
    """
    info = workflow.info()
    return info.is_continue_as_new_suggested() or info.is_target_worker_deployment_version_changed()


def move_on(progress: object) -> NoReturn:
    """Go on as a new run, on the newest build."""
    workflow.continue_as_new(progress, initial_versioning_behavior=_NEWEST_BUILD)

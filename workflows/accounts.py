"""Answering somebody who has forgotten a password, without saying whether there is an account."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.accounts import AccountActivities
    from activities.options import ROWS
    from domain.messages.accounts import ResetAsked
    from workflows.notices import wake_telling


@workflow.defn
class PasswordResetWorkflow:
    """Looks for the account, and has its owner sent a link if there is one."""

    @workflow.run
    async def run(self, asked: ResetAsked) -> None:
        user_id = await workflow.execute_local_activity_method(
            AccountActivities.open_password_reset, asked, **ROWS
        )
        if user_id is not None:
            await wake_telling(user_id)

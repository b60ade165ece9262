"""What is done for an account when nobody is signed in to it."""

from temporalio import activity

from activities.offers import WORKER
from db.account_mail import AccountMail
from db.queries.users import find_user_id_by_email_hmac
from db.session import Database
from domain.ids import UserId
from domain.messages.accounts import ResetAsked
from runtime.clock import activity_now


class AccountActivities:
    def __init__(self, database: Database, mail: AccountMail) -> None:
        self._database, self._mail = database, mail

    @activity.defn
    async def open_password_reset(self, asked: ResetAsked) -> UserId | None:
        """Write down a link to a new password; None where there is no such account."""
        async with self._database.transaction(WORKER) as session:
            user_id = await find_user_id_by_email_hmac(session, asked.account)
            if user_id is not None:
                await self._mail.reset_password(
                    session, user_id, activity_now(), link_id=asked.request_id
                )
            return user_id

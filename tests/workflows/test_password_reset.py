"""Asking for a new password: one mail to an account's owner, none where there is no account."""

from typing import Any
from uuid import UUID, uuid4

import httpx
from house import TESTS, House, eventually
from sqlalchemy import text

from domain.ids import UserId
from domain.messages.accounts import ResetAsked, reset_workflow_id
from runtime.temporal import MAIN_QUEUE
from runtime.tokens import email_hash, one_time_hash
from workflows.accounts import PasswordResetWorkflow


async def owner_of_an_address(house: House) -> tuple[UserId, str]:
    """Return somebody, and the hash that their account is found by."""
    user = await house.user()
    account = email_hash(house.settings.api_key_pepper, f"{user}@example.com")
    async with house.database.transaction(TESTS) as session:
        await session.execute(
            text("UPDATE users SET email_hmac = :hmac WHERE id = :id"),
            {"hmac": account, "id": user},
        )
    return user, account


async def ask(house: House, account: str, request_id: UUID | None = None) -> Any:
    asked = ResetAsked(request_id=request_id or uuid4(), account=account)
    return await house.client.start_workflow(
        PasswordResetWorkflow.run, asked, id=reset_workflow_id(asked.request_id),
        task_queue=MAIN_QUEUE,
    )  # fmt: skip


def mails(house: House, to: str) -> list[dict[str, Any]]:
    found = httpx.get(f"{house.sandbox.url}/mail/api/messages", params={"to": to}).json()
    return list(found["messages"])


async def test_the_owner_gets_one_link_that_works_and_a_stranger_nothing(house: House) -> None:
    user, account = await owner_of_an_address(house)
    request_id = uuid4()
    await (await ask(house, account, request_id)).result()

    async def arrived() -> list[dict[str, Any]]:
        return mails(house, f"{user}@example.com")

    (mail,) = await eventually(arrived)
    # The same request again, as after a lost answer: the same row, the same mail.
    await (await ask(house, account, request_id)).result()
    rows = await house.rows("SELECT * FROM account_links")
    assert [row["id"] for row in rows] == [request_id]
    token = mail["text"].split(f"{house.settings.base_url}/reset/")[1].split()[0]
    assert rows[0]["token_hash"] == one_time_hash(house.settings.api_key_pepper, token)
    assert len(await house.rows("SELECT * FROM notices")) == 1

    handle = await ask(house, "0" * 64)
    await handle.result()
    assert len(await house.rows("SELECT * FROM account_links")) == 1
    # Neither history says in clear whose account, nor which link.
    for one in (handle, house.client.get_workflow_handle(reset_workflow_id(request_id))):
        history = (await one.fetch_history()).to_json()
        assert account not in history
        assert token not in history
        assert "example.com" not in history

"""Telling people what belongs to no wish: at once, when nobody said so, and at an hour to come."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from house import TESTS, House, eventually
from receiver import receiving

from db.models.webhook import WebhookEndpointRow
from db.queries.notice_choices import set_hours
from db.queries.notices import NewNotice, add_notices
from db.telling import addressed_to
from db.webhook_secrets import new_secret, sealed_endpoint
from domain.ids import UserId
from domain.messages.notices import SweepInput, TellingInput, telling_workflow_id
from domain.telling import QuietHours
from runtime.clock import system_now
from runtime.temporal import MAIN_QUEUE
from runtime.tokens import one_time_token
from workflows.notices import NoticeKeeperWorkflow, TellingWorkflow


async def write(
    house: House, user: UserId, event: str, *, written: datetime | None = None, **data: Any
) -> UUID:
    notice = NewNotice(event=event, subject_id=uuid4(), user_id=user, data=data)
    if event == "confirm_new_email":
        async with house.database.transaction(TESTS) as session:
            notice = await addressed_to(session, house.vault, notice, f"new.{user}@example.com")
    async with house.database.transaction(TESTS) as session:
        await add_notices(session, [notice], written or system_now())
    return notice.id


async def tell(house: House, user: UserId) -> Any:
    return await house.client.start_workflow(
        TellingWorkflow.run, TellingInput(user_id=user), id=telling_workflow_id(user),
        task_queue=MAIN_QUEUE, start_signal="tell",
    )  # fmt: skip


def mails(house: House, to: str) -> list[dict[str, Any]]:
    found = httpx.get(f"{house.sandbox.url}/mail/api/messages", params={"to": to}).json()
    return list(found["messages"])


async def sweep(house: House) -> None:
    await house.client.execute_workflow(
        NoticeKeeperWorkflow.run, SweepInput(), id=str(uuid4()), task_queue=MAIN_QUEUE
    )


async def test_an_account_is_told_although_it_has_no_wish(house: House) -> None:
    user, link = await house.user(), uuid4()
    ends = system_now() + timedelta(days=1)
    for event in ("reset_password", "confirm_new_email"):
        await write(house, user, event, link_id=str(link), expires_at=ends.isoformat())
    # A mail server that is away for a moment loses nothing.
    house.fault("mail", "deliver", "error_before", status=451)
    telling = await tell(house, user)
    await telling.result()
    secret = house.settings.hmac_secret.get_secret_value()
    (mail,) = mails(house, f"{user}@example.com")
    token = one_time_token(secret, "reset", link)
    assert f"{house.settings.base_url}/reset/{token}" in mail["text"]
    assert "an account of Parker Flight" in mail["text"]
    assert "SANDBOX" in mail["subject"]
    (other,) = mails(house, f"new.{user}@example.com")
    assert f"/confirm/{one_time_token(secret, 'confirm', link)}" in other["text"]
    stored = str(await house.rows("SELECT * FROM notices"))
    assert token not in stored
    assert "new." not in stored


async def test_what_nobody_said_a_word_of_is_found_and_told(house: House) -> None:
    user, other = await house.user(), await house.user()
    now = system_now()
    await write(house, user, "password_changed", written=now - timedelta(minutes=5))
    # This one was written just now: whoever did so is about to say it.
    await write(house, other, "password_changed")
    await sweep(house)
    await house.client.get_workflow_handle(telling_workflow_id(user)).result()
    assert len(mails(house, f"{user}@example.com")) == 1
    assert mails(house, f"{other}@example.com") == []

    # What is held back is not overdue; a sleeping telling is woken by the sweep, not begun again.
    async with house.database.transaction(TESTS) as session:
        night = QuietHours(begins=(now - timedelta(hours=1)).time(), ends=_in(now, 9))
        await set_hours(session, user, night, 5, now)
    await write(house, user, "expired")
    await write(house, user, "webhook_disabled")
    await write(house, user, "expired")
    telling = await tell(house, user)
    await write(house, user, "factor_removed", written=now - timedelta(minutes=4), factor="totp")
    await sweep(house)

    async def woken() -> bool:
        return len(mails(house, f"{user}@example.com")) == 3

    await eventually(woken)
    await house.skip(telling, timedelta(hours=10))
    await telling.result()
    subjects = [mail["subject"] for mail in mails(house, f"{user}@example.com")]
    assert len(subjects) == 4
    # What waited for the morning comes as one.
    assert subjects[0] == "[SANDBOX] 2 things to tell you"


def _in(now: datetime, hours: int) -> time:
    return (now + timedelta(hours=hours)).time().replace(microsecond=0)


async def test_a_wish_tells_a_server_too_and_again_after_it_failed(house: House) -> None:
    user, traveler = await house.someone()
    now, secret = system_now(), new_secret()
    with receiving() as receiver:
        receiver.answers = [500]
        async with house.database.transaction(TESTS) as session:
            row = WebhookEndpointRow(
                id=uuid4(), user_id=user, url_encrypted="", secret_encrypted="",
                created_at=now, updated_at=now,
            )  # fmt: skip
            session.add(
                await sealed_endpoint(session, house.vault, row, url=receiver.url, secret=secret)
            )
        new = house.new_campaign(user, (traveler,))
        await house.create(new)
        await house.until(new.campaign_id, "booked")

        # Nobody but the wish itself said a word: it woke the telling, whose timer calls again.
        async def told() -> bool:
            return {call.verified(secret)["type"] for call in receiver.calls} >= {
                "booking.booked",
                "booking.ticketed",
            }

        await eventually(told, seconds=30)

        async def first_try() -> list[dict[str, Any]]:
            # Written down once it was answered, which the receiver knows before.
            return await house.rows("SELECT status FROM webhook_tries ORDER BY at LIMIT 1")

        assert await eventually(first_try, seconds=30) == [{"status": 500}]

"""What happens reaches a traveller's own server: signed, again when it fails, and not for ever."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from activity_desk import Desk
from house import TESTS
from receiver import Receiver, receiving

from db.models.webhook import EndpointState, WebhookEndpointRow
from db.queries.notices import NewNotice, add_notices
from db.queries.webhooks import add_test, get_delivery, get_endpoint, send_again, send_failed_again
from db.webhook_secrets import new_secret, rotate_secret, sealed_endpoint
from domain.ids import UserId
from runtime.clock import system_now

BOOKED = {
    "booking_reference": "RZPNX8", "price_minor": 48_700, "currency": "USD", "name": "Ada Lovelace",
}  # fmt: skip


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


async def endpoint(desk: Desk, user: UserId, url: str) -> tuple[Any, str]:
    """Add an endpoint; return its id and secret."""
    secret, now = new_secret(), system_now()
    async with desk.house.database.transaction(TESTS) as session:
        row = WebhookEndpointRow(
            id=uuid4(), user_id=user, url_encrypted="", secret_encrypted="",
            created_at=now, updated_at=now,
        )  # fmt: skip
        session.add(await sealed_endpoint(session, desk.house.vault, row, url=url, secret=secret))
    return row.id, secret


async def news(desk: Desk, user: UserId, event: str = "booked") -> None:
    notice = NewNotice(event=event, subject_id=uuid4(), user_id=user, data=BOOKED)
    async with desk.house.database.transaction(TESTS) as session:
        await add_notices(session, [notice], system_now())


async def tell(desk: Desk, user: UserId, after: timedelta = timedelta(0)) -> Any:
    """Send what is due by then; return when there is more."""
    await desk.take(desk.all.notices.send_personal_notices, user, after=after)
    return await desk.take(desk.all.notices.next_notice, user, after=after)


async def rows(desk: Desk, what: str, table: str) -> list[Any]:
    found = await desk.house.rows(f"SELECT {what} AS x FROM {table} ORDER BY 1")
    return [row["x"] for row in found]


async def test_a_server_that_fails_is_called_again_under_the_same_id(
    desk: Desk, receiver: Receiver
) -> None:
    user = await desk.house.user()
    _, secret = await endpoint(desk, user, receiver.url)
    await news(desk, user)
    receiver.answers, receiver.headers = [503, 500], {"Retry-After": "600"}
    again_at = await tell(desk, user)
    # It asked to be left alone for longer than we would have waited.
    assert timedelta(seconds=590) < again_at - system_now() < timedelta(seconds=610)
    assert await tell(desk, user, timedelta(seconds=500)) == again_at
    await tell(desk, user, timedelta(seconds=700))
    receiver.headers = {}
    assert await tell(desk, user, timedelta(hours=2)) is None
    assert [call.headers["webhook-id"] for call in receiver.calls] == [
        receiver.calls[0].headers["webhook-id"]
    ] * 3
    told = receiver.calls[-1].verified(secret)
    assert told["type"] == "booking.booked"
    assert told["data"]["price_minor"] == 48_700
    assert told["data"]["sandbox"] is True
    assert "Ada" not in str(told)
    assert await rows(desk, "status", "webhook_tries") == [204, 500, 503]
    assert await rows(desk, "state", "webhook_deliveries") == ["delivered"]
    # The address and the secret stand nowhere in clear.
    stored = str(await desk.house.rows("SELECT * FROM webhook_endpoints"))
    assert "127.0.0.1" not in stored
    assert secret not in stored
    assert len(desk.house.sandbox.ledger()["mail"]["messages"]) == 1


async def test_a_mail_server_that_is_away_keeps_no_webhook_waiting(
    desk: Desk, receiver: Receiver
) -> None:
    user = await desk.house.user()
    await endpoint(desk, user, receiver.url)
    await news(desk, user)
    desk.house.fault("mail", "deliver", "error_before", status=451, times=None)
    with pytest.raises(Exception, match="smtp_451"):
        await tell(desk, user)
    assert len(receiver.calls) == 1


async def test_a_replaced_secret_signs_along_for_a_day(desk: Desk, receiver: Receiver) -> None:
    user, house = await desk.house.user(), desk.house
    endpoint_id, old = await endpoint(desk, user, receiver.url)
    async with house.database.transaction(TESTS) as session:
        row = await get_endpoint(session, user, endpoint_id, lock=True)
        assert row
        new = await rotate_secret(session, house.vault, row, system_now())
        await add_test(session, row, uuid4(), system_now())
    await tell(desk, user)
    (call,) = receiver.calls
    assert call.verified(old) == call.verified(new)
    assert call.verified(new)["type"] == "test"
    await news(desk, user)
    await tell(desk, user, timedelta(hours=25))
    assert receiver.calls[-1].verified(new)["type"] == "booking.booked"
    assert "v1" in receiver.calls[-1].headers["webhook-signature"]
    assert len(receiver.calls[-1].headers["webhook-signature"].split()) == 1


async def test_a_server_that_stays_silent_is_called_no_more_and_its_owner_told(
    desk: Desk, receiver: Receiver
) -> None:
    user, house = await desk.house.user(), desk.house
    sick, _ = await endpoint(desk, user, receiver.url)
    healthy, _ = await endpoint(desk, user, receiver.url.replace("of=mine", "of=others"))
    receiver.sick = "of=mine"
    await news(desk, user)
    span = timedelta(0)
    while (again := await tell(desk, user, span)) is not None:
        span = again - system_now() + timedelta(seconds=1)
    assert timedelta(days=3) < span < timedelta(days=4)
    found = await house.rows("SELECT id, state, state_reason FROM webhook_endpoints")
    assert {row["id"]: (row["state"], row["state_reason"]) for row in found} == {
        sick: ("disabled", "failing"),
        healthy: ("active", None),
    }
    assert "webhook_disabled" in await rows(desk, "event", "notices")
    # Nothing goes there until its owner says so; then what it missed can be sent again.
    calls = len(receiver.calls)
    await news(desk, user, "ticketed")
    await tell(desk, user, span)
    assert len(receiver.calls) == calls + 1
    receiver.sick = ""
    async with house.database.transaction(TESTS) as session:
        row = await session.get_one(WebhookEndpointRow, sick)
        row.state = EndpointState.ACTIVE
        assert await send_failed_again(session, sick, system_now()) == 1
    assert await tell(desk, user) is None
    assert "of=mine" in receiver.calls[-1].path
    assert set(await rows(desk, "state", "webhook_deliveries")) == {"delivered"}


async def test_a_server_that_is_gone_is_believed_and_a_delivery_can_be_sent_again(
    desk: Desk, receiver: Receiver
) -> None:
    user, house = await desk.house.user(), desk.house
    endpoint_id, _ = await endpoint(desk, user, receiver.url)
    await news(desk, user)
    assert await tell(desk, user) is None
    async with house.database.transaction(TESTS) as session:
        (delivery,) = await desk.house.rows("SELECT id FROM webhook_deliveries")
        row = await get_delivery(session, endpoint_id, delivery["id"])
        assert row
        await send_again(session, row, system_now())
    receiver.answers = [410]
    assert await tell(desk, user) is None
    first, second = receiver.calls
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert await rows(desk, "state_reason", "webhook_endpoints") == ["gone"]
    assert await rows(desk, "state", "webhook_deliveries") == ["failed"]

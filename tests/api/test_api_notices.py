"""What people are told, their choices and their webhooks over HTTP."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from db.models.webhook import DeliveryState
from db.queries.notices import NewNotice, add_notices
from db.queries.webhooks import due_deliveries, get_delivery
from db.session import Database, SystemActor
from runtime.clock import system_now
from runtime.settings import Settings

TESTS = SystemActor("tests")
NOTICES, CHOICES, HOOKS = (
    "/api/v1/notices", "/api/v1/notice-preferences", "/api/v1/webhooks",
)  # fmt: skip


async def tell(database: Database, person: Any, *events: str) -> None:
    now = system_now()
    data = {"booking_reference": "RZPNX8", "refund_minor": 100, "currency": "USD"}
    async with database.transaction(TESTS) as session:
        for number, event in enumerate(events):
            told = NewNotice(event=event, subject_id=uuid4(), user_id=person.user_id, data=data)
            await add_notices(session, [told], now + timedelta(seconds=number))


async def test_an_inbox_is_read_page_by_page_and_knows_what_was_seen(
    database: Database, ana: Any, ben: Any
) -> None:
    await tell(database, ana, "refunded", "password_changed", "schedule_changed")
    await tell(database, ben, "password_changed")
    first = (await ana.http.get(NOTICES, params={"limit": 2})).json()
    assert [item["event"] for item in first["items"]] == ["schedule_changed", "password_changed"]
    assert first["items"][0]["sentence"].startswith("The airline changed the flights")
    assert first["items"][0]["sandbox"] is True
    rest = await ana.http.get(NOTICES, params={"cursor": first["next_cursor"]})
    assert [item["event"] for item in rest.json()["items"]] == ["refunded"]
    one = rest.json()["items"][0]
    assert one["read_at"] is None
    read = await ana.http.post(f"{NOTICES}/read", json={"notice_ids": [one["id"]]})
    assert read.json() == {"read": 1, "unread": 2}
    again = await ana.http.post(f"{NOTICES}/read", json={"notice_ids": [one["id"]]})
    assert again.json() == {"read": 0, "unread": 2}
    unread = (await ana.http.get(NOTICES, params={"unread": True})).json()["items"]
    assert len(unread) == 2
    seen = await ana.http.post(f"{NOTICES}/read", json={"until": unread[1]["created_at"]})
    assert seen.json() == {"read": 1, "unread": 1}
    # Another person's is not there, and is not touched.
    assert (await ben.http.get(f"{NOTICES}/{one['id']}")).status_code == 404
    theirs = await ben.http.post(f"{NOTICES}/read", json={"notice_ids": [unread[0]["id"]]})
    assert theirs.json() == {"read": 0, "unread": 1}
    assert (await ana.http.get(f"{NOTICES}/{unread[0]['id']}")).json()["read_at"] is None


async def test_choices_are_set_as_a_whole_and_what_is_always_told_is_no_choice(ana: Any) -> None:
    before = (await ana.http.get(CHOICES)).json()
    assert {cell["choice"] for cell in before["choices"]} == {"at_once"}
    assert "booked" in before["always"]
    body = {
        "choices": [
            {"kind": "refunds", "channel": "email", "choice": "daily"},
            {"kind": "fares", "channel": "webhook", "choice": "off"},
        ],
        "quiet_hours": {"begins": "22:00", "ends": "06:30"},
        "least_change_percent": 10,
    }
    answer = await ana.http.put(CHOICES, json=body)
    after = (await ana.http.get(CHOICES)).json()
    assert answer.json() == after
    chosen = [cell for cell in after["choices"] if cell["choice"] != "at_once"]
    assert chosen == body["choices"]
    assert after["quiet_hours"] == {"begins": "22:00:00", "ends": "06:30:00"}
    for wrong in (
        {"choices": [{"kind": "booked", "channel": "email", "choice": "off"}]},
        {"choices": [{"kind": "refunds", "channel": "inbox", "choice": "off"}]},
        {"choices": [{"kind": "refunds", "channel": "webhook", "choice": "daily"}]},
        {"quiet_hours": {"begins": "22:00", "ends": "22:00"}},
        {"quiet_hours": {"begins": "22:00+02:00", "ends": "06:00"}},
        {"least_change_percent": 0},
    ):
        assert (await ana.http.put(CHOICES, json=wrong)).status_code == 422, wrong
    await ana.http.put(CHOICES, json={})
    assert (await ana.http.get(CHOICES)).json()["quiet_hours"] is None


async def test_a_webhook_is_added_once_and_its_secret_told_once(
    ana: Any, ben: Any, settings: Settings
) -> None:
    body, key = {"url": "https://hooks.example.org/x"}, {"Idempotency-Key": "my-first-hook"}
    added = await ana.http.post(HOOKS, json=body, headers=key)
    assert added.status_code == 201
    made = added.json()
    assert made["secret"].startswith("whsec_")
    again = (await ana.http.post(HOOKS, json=body, headers=key)).json()
    assert (again["id"], again["secret"]) == (made["id"], None)
    shown = (await ana.http.get(f"{HOOKS}/{made['id']}")).json()
    assert shown["url"] == body["url"]
    assert "secret" not in shown
    fresh = (await ana.http.post(f"{HOOKS}/{made['id']}/secret")).json()
    assert fresh["secret"] not in {None, made["secret"]}
    assert fresh["old_secret_until"] is not None
    for url in ("http://hooks.example.org", "https://10.0.0.1/x", "https://localhost/x", "x"):
        refusal = await ana.http.post(HOOKS, json={"url": url})
        if url == "https://localhost/x":
            continue  # a name is judged when it is called
        assert refusal.status_code == 422, url
        assert refusal.json()["errors"][0]["field"] == "url"
    have = len((await ana.http.get(HOOKS)).json()["items"])
    for _ in range(settings.notices.webhooks_per_person - have):
        assert (await ana.http.post(HOOKS, json=body)).status_code == 201
    assert (await ana.http.post(HOOKS, json=body)).status_code == 409
    assert (await ben.http.get(HOOKS)).json()["items"] == []
    assert (await ben.http.delete(f"{HOOKS}/{made['id']}")).status_code == 404
    assert (await ana.http.delete(f"{HOOKS}/{made['id']}")).status_code == 204
    assert (await ana.http.get(f"{HOOKS}/{made['id']}")).status_code == 404
    assert (await ana.http.post(HOOKS, json=body)).status_code == 201


async def test_a_log_is_read_and_what_failed_is_sent_again(database: Database, ana: Any) -> None:
    hook = (await ana.http.post(HOOKS, json={"url": "https://hooks.example.org/x"})).json()
    path = f"{HOOKS}/{hook['id']}"
    assert (await ana.http.post(f"{path}/test")).status_code == 202
    await tell(database, ana, "refunded")
    log = (await ana.http.get(f"{path}/deliveries")).json()["items"]
    assert {entry["type"] for entry in log} == {"test", "booking.refunded"}
    assert {entry["state"] for entry in log} == {"pending"}
    async with database.transaction(TESTS) as session:
        for entry in log:
            row = await get_delivery(session, row_id(hook), row_id(entry))
            assert row
            row.state, row.next_try_at = DeliveryState.FAILED, None
    one = await ana.http.post(f"{path}/deliveries/{log[0]['id']}/resend")
    assert one.json()["state"] == "pending"
    assert one.json()["message_id"] == log[0]["message_id"]
    assert (await ana.http.post(f"{path}/deliveries/resend")).json() == {"resent": 1}
    async with database.transaction(TESTS) as session:
        due = await due_deliveries(session, ana.user_id, system_now() + timedelta(minutes=1))
    assert len(due) == 2
    assert (await ana.http.post(f"{path}/deliveries/{uuid4()}/resend")).status_code == 404
    assert (await ana.http.post(f"{path}/enable")).json()["state"] == "active"


def row_id(thing: dict[str, Any]) -> UUID:
    return UUID(thing["id"])

"""What happens at once, in the middle of things, and to those whom it does not concern."""

import asyncio
import signal
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import psutil
from asking import until

CAMPAIGNS = "/api/autobooking/campaigns"
STREAM = {"Accept": "text/event-stream"}


async def _create(person: Any, body: Any, key: str = "campaign-one") -> Any:
    """Send it until the answer is known, as a 503 asks one to."""

    async def send() -> Any:
        return await person.http.post(CAMPAIGNS, json=body, headers={"Idempotency-Key": key})

    return await until(send, lambda answer: answer.status_code != 503)


async def _status(person: Any, path: str, good: Callable[[Any], bool]) -> Any:
    async def status() -> Any:
        return (await person.http.get(f"{path}/status")).json()

    return await until(status, good)


async def _control(running: Any, method: str, path: str, body: Any = None) -> Any:
    headers = {"X-Sandbox-Control": running.stand_ins.control_token}
    async with httpx2.AsyncClient(base_url=running.stand_ins.url, headers=headers) as http:
        answer = await http.request(method, f"/_control{path}", json=body)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def test_fifty_creates_at_once_with_one_key_make_one_campaign(
    cast: tuple[Any, Any], cheap: Any, database_url: str
) -> None:
    person, _ = cast
    answers = await asyncio.gather(*(_create(person, cheap) for _ in range(50)))
    assert {answer.status_code for answer in answers} <= {200, 201}
    first = answers[0].json()
    for answer in answers:
        body = answer.json()
        assert (body["id"], body["name"], body["criteria"], body["created_at"]) == (
            first["id"], first["name"], first["criteria"], first["created_at"],
        )  # fmt: skip
    assert len((await person.http.get(CAMPAIGNS)).json()["items"]) == 1


async def test_what_has_not_changed_is_not_sent_again(cast: tuple[Any, Any], cheap: Any) -> None:
    person, _ = cast
    made = await _create(person, cheap)
    path = f"{CAMPAIGNS}/{made.json()['id']}"
    assert (await person.http.post(f"{path}/pause")).status_code == 200
    for address in (path, f"{path}/status"):
        read = await person.http.get(address)
        same = await person.http.get(address, headers={"If-None-Match": read.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["etag"] == read.headers["etag"]
        other = await person.http.get(address, headers={"If-None-Match": '"another"'})
        assert (other.status_code, other.json()) == (200, read.json())
    assert (await person.http.post(f"{path}/resume")).status_code == 200
    for address in (path, f"{path}/status"):
        etag = read.headers["etag"]
        assert (await person.http.get(address, headers={"If-None-Match": etag})).status_code == 200


async def test_a_booking_is_quoted_and_given_back_once(cast: tuple[Any, Any]) -> None:
    person, body = cast
    wanted = body["criteria"] | {"refundable_only": True}
    made = await _create(person, body | {"criteria": wanted})
    assert made.status_code == 201, made.text
    seen = await _status(
        person, f"{CAMPAIGNS}/{made.json()['id']}", lambda s: s["status"] == "booked"
    )
    path = seen["booking"]["href"]

    async def booking() -> Any:
        return (await person.http.get(path)).json()

    await until(booking, lambda b: b["status"] == "ticketed")
    quote = await person.http.post(f"{path}/cancellation")
    assert quote.status_code == 200, quote.text
    assert quote.json()["refund"]["currency"] == "USD"
    wrong = await person.http.post(f"{path}/cancellation/confirm", json={"quote_id": "other"})
    assert (wrong.status_code, wrong.json()["code"]) == (412, "stale_quote")
    right = {"quote_id": quote.json()["quote_id"]}
    confirmed = await person.http.post(f"{path}/cancellation/confirm", json=right)
    assert (confirmed.status_code, confirmed.json()["code"]) == (200, "accepted")
    again = await person.http.post(f"{path}/cancellation/confirm", json=right)
    assert (again.status_code, again.json()["code"]) == (200, "already")
    # The money may be back before anybody looks.
    given_back = await until(booking, lambda b: b["status"] in {"cancelled", "refunded"})
    refund = quote.json()["refund"]
    await until(booking, lambda b: b["money"]["refunded"] == refund)
    assert given_back["money"]["charged"] == given_back["price"]
    late = await person.http.post(f"{path}/cancellation")
    assert (late.status_code, late.json()["code"]) == (409, "already_cancelled")


async def test_a_proposal_is_rejected_and_another_approved(cast: tuple[Any, Any]) -> None:
    person, body = cast
    for number, (answer, state) in enumerate((("reject", "active"), ("approve", "booked"))):
        day = (
            date.fromisoformat(body["criteria"]["departure_from"]) + timedelta(number)
        ).isoformat()
        criteria = body["criteria"] | {"departure_from": day, "departure_until": day}
        wished = body | {"mode": "ask_me_first", "criteria": criteria}
        asked = await _create(person, wished, f"proposal-{answer}")
        path = f"{CAMPAIGNS}/{asked.json()['id']}"
        seen = await _status(person, path, lambda s: s["proposal"] is not None)
        choice = {"proposal_id": seen["proposal"]["id"]}
        answered = await person.http.post(f"{path}/{answer}", json=choice)
        assert answered.status_code == 200, answered.text
        again = await person.http.post(f"{path}/{answer}", json=choice)
        assert again.status_code in {200, 409}
        ended = await _status(person, path, lambda s, state=state: s["status"] == state)
        assert ended["proposal"] is None


async def test_nothing_changes_while_the_order_is_placed(
    running: Any, cast: tuple[Any, Any]
) -> None:
    person, body = cast
    rule = {"vendor": "duffel", "operation": "create_order", "effect": "delay", "seconds": 6}
    fault = await _control(running, "POST", "/faults", rule)
    try:
        made = await _create(person, body)
        path = f"{CAMPAIGNS}/{made.json()['id']}"

        async def orders() -> Any:
            calls = await _control(running, "GET", "/faults")
            return next(rule["fired"] for rule in calls if rule["id"] == fault["id"])

        await until(orders, bool)
        change = {"name": "Another", "expected_version": 1}
        for answer in (
            await person.http.post(f"{path}/cancel"),
            await person.http.post(f"{path}/pause"),
            await person.http.delete(path),
            await person.http.patch(path, json=change),
        ):
            assert (answer.status_code, answer.json()["code"]) == (409, "being_booked")
        await _status(person, path, lambda s: s["status"] == "booked")
    finally:
        await _control(running, "DELETE", f"/faults/{fault['id']}")
    key = {"Idempotency-Key": str(uuid4())}

    async def late() -> Any:
        return await person.http.post(f"{path}/cancel", headers=key)

    # A process at its very end may take longer than is waited for: then one asks again.
    answer = await until(late, lambda found: found.status_code != 503)
    assert (answer.status_code, answer.json()["code"]) == (409, "booked")


async def test_other_peoples_things_are_not_there(
    running: Any, cast: tuple[Any, Any], card_saver: Any
) -> None:
    person, body = cast
    made = await _create(person, body)
    path = f"{CAMPAIGNS}/{made.json()['id']}"
    seen = await _status(person, path, lambda s: s["status"] == "booked")
    booking = seen["booking"]["href"]
    proposal = {"proposal_id": made.json()["id"]}
    stranger = await running.make_person()
    await card_saver(stranger)
    for method, address, sent in (
        ("GET", path, None),
        ("PATCH", path, {"name": "Mine", "expected_version": 1}),
        ("DELETE", path, None),
        *(("POST", f"{path}/{word}", None) for word in ("pause", "resume", "cancel")),
        *(("POST", f"{path}/{word}", proposal) for word in ("approve", "reject")),
        *(("GET", f"{path}/{word}", None) for word in ("status", "results", "decisions")),
        ("GET", booking, None),
        ("POST", f"{booking}/cancellation", None),
        ("POST", f"{booking}/cancellation/confirm", {"quote_id": "q"}),
        ("GET", f"/api/autobooking/traveler/{body['traveler_ids'][0]}", None),
        ("DELETE", f"/api/autobooking/traveler/{body['traveler_ids'][0]}", None),
    ):
        answer = await stranger.http.request(method, address, json=sent)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, address)
    streamed = await stranger.http.get(f"{path}/status", headers=STREAM)
    assert streamed.status_code == 404
    with_theirs = await _create(stranger, body)
    assert with_theirs.status_code == 422
    for address in (CAMPAIGNS, "/api/bookings"):
        assert (await stranger.http.get(address)).json()["items"] == []
    assert (await person.http.get(path)).json()["status"] == "booked"


async def test_a_keys_last_use_is_remembered(ana: Any, database: Any) -> None:
    from sqlalchemy import text

    from db.session import SystemActor

    query = text("SELECT last_used_at FROM api_keys WHERE user_id = :user")

    async def last() -> Any:
        async with database.transaction(SystemActor("tests")) as session:
            return await session.scalar(query, {"user": ana.user_id})

    assert await last() is None
    assert (await ana.http.get(CAMPAIGNS)).status_code == 200
    used = await last()
    assert used is not None
    # Not written again and again for a key in constant use.
    assert (await ana.http.get(CAMPAIGNS)).status_code == 200
    assert await last() == used


class Listener:
    """An open stream, and the numbers that came through it."""

    def __init__(self, person: Any, path: str, after: int = 0) -> None:
        self.numbers: list[int] = []
        self.ended = False
        self.task = asyncio.create_task(self._listen(person, path, after))

    async def _listen(self, person: Any, path: str, after: int) -> None:
        headers = STREAM | ({"Last-Event-ID": str(after)} if after else {})
        async with person.http.stream("GET", f"{path}/status", headers=headers) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("id: "):
                    self.numbers.append(int(line.removeprefix("id: ")))
                self.ended = self.ended or line == "event: end"

    async def heard(self, number: int) -> None:
        async def last() -> int:
            return self.numbers[-1] if self.numbers else 0

        await until(last, lambda found: found >= number)

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_a_stream_survives_the_loss_of_its_database_connection(
    cast: tuple[Any, Any], cheap: Any, database_url: str
) -> None:
    import psycopg

    person, _ = cast
    made = await _create(person, cheap)
    path = f"{CAMPAIGNS}/{made.json()['id']}"
    listener = Listener(person, path)
    await listener.heard(1)
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        assert len(await (await connection.execute(cut)).fetchall()) >= 1
        # What happens while nobody listens is caught up with.
        assert (await person.http.post(f"{path}/pause")).status_code == 200
        assert (await person.http.post(f"{path}/cancel")).status_code == 200
    async with asyncio.timeout(30):
        await listener.task
    assert listener.ended
    assert listener.numbers == list(range(1, len(listener.numbers) + 1))


async def test_a_broken_stream_goes_on_where_it_stopped(cast: tuple[Any, Any], cheap: Any) -> None:
    person, _ = cast
    made = await _create(person, cheap)
    path = f"{CAMPAIGNS}/{made.json()['id']}"
    first = Listener(person, path)
    await first.heard(1)
    assert (await person.http.post(f"{path}/pause")).status_code == 200
    await first.heard(2)
    await first.close()
    for word in ("resume", "pause", "resume"):
        assert (await person.http.post(f"{path}/{word}")).status_code == 200
    second = Listener(person, path, first.numbers[-1])
    await second.heard(first.numbers[-1] + 3)
    assert (await person.http.post(f"{path}/cancel")).status_code == 200
    async with asyncio.timeout(30):
        await second.task
    whole = first.numbers + second.numbers
    assert whole == list(range(1, len(whole) + 1))
    for nonsense in ("x", "-1", "9" * 5000, "99999999999"):
        answer = await person.http.get(
            f"{path}/status", headers=STREAM | {"Last-Event-ID": nonsense}
        )
        assert (answer.status_code, "id: 1\n" in answer.text) == (200, True)


async def test_a_temporal_server_that_hangs_leaves_nothing_half_written(
    running: Any, cast: tuple[Any, Any], cheap: Any
) -> None:
    person, _ = cast
    kept = (await _create(person, cheap, "campaign-kept")).json()
    server = _listening_on(int(running.settings.temporal_address.rpartition(":")[2]))
    server.send_signal(signal.SIGSTOP)
    try:
        refused = await person.http.post(
            CAMPAIGNS, json=cheap, headers={"Idempotency-Key": "campaign-hung"}
        )
        paused = await person.http.post(f"{CAMPAIGNS}/{kept['id']}/pause")
        for answer in (refused, paused):
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) > 0
        items = (await person.http.get(CAMPAIGNS)).json()["items"]
        assert [(one["id"], one["status"]) for one in items] == [(kept["id"], "active")]
    finally:
        server.send_signal(signal.SIGCONT)
    again = await _create(person, cheap, "campaign-hung")
    assert again.status_code in {200, 201}
    items = (await person.http.get(CAMPAIGNS)).json()["items"]
    assert sorted(one["id"] for one in items) == sorted([kept["id"], again.json()["id"]])


def _listening_on(port: int) -> psutil.Process:
    """Return the Temporal server that listens there."""
    for child in psutil.Process().children(recursive=True):
        for connection in child.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                return child
    raise AssertionError(f"none of our processes listens on {port}")

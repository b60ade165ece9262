"""What each kind of trouble on the way means. The server is real, and so are the troubles."""

import asyncio
import gzip
import logging
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest

from providers.http import Answer, HttpClient, NotSent, Reply, Unanswered, longest_call_seconds


@pytest.fixture
async def http(scripted: Any) -> AsyncIterator[HttpClient]:
    client = HttpClient("acme", scripted.url, max_body_bytes=100_000)
    yield client
    await client.aclose()


async def call(http: HttpClient, *, fresh: bool = False, read_seconds: float = 20) -> Reply:
    return await http.request(
        "POST",
        "/orders",
        operation="create_order",
        read_seconds=read_seconds,
        body={"data": {"name": "Ada"}},
        params={"email": "ada@example.com"},
        fresh_connection=fresh,
    )


@pytest.mark.parametrize("status", [200, 201, 202, 204, 302, 400, 401, 422, 429, 500, 503, 504])
async def test_hands_on_every_status_as_an_answer(scripted: Any, http: HttpClient, status: int):
    body = None if status == 204 else {"data": {"id": "x"}}
    scripted.answers(status, body, {"X-Request-Id": "req_1", "RateLimit-Limit": "60"})

    reply = await call(http)

    assert isinstance(reply, Answer)
    assert (reply.status, reply.json, reply.malformed) == (status, body, False)
    assert reply.request_id == "req_1"
    assert reply.headers["ratelimit-limit"] == "60"


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": {"id": "or',
        b"<html>down for maintenance</html>",
        b"[1, 2]",
        b"null",
        b'"text"',
        b"\xff\xfe\x00",
        b'{"a":' * 20_000,
    ],
)
async def test_marks_a_body_that_is_no_json_object(scripted: Any, http: HttpClient, body: Any):
    scripted.answers(200, body)

    reply = await call(http)

    assert isinstance(reply, Answer)
    assert reply.json is None
    assert reply.malformed
    assert len(reply.text_excerpt) <= 200
    assert "text_excerpt" not in repr(reply)


async def test_reads_a_compressed_body(scripted: Any, http: HttpClient):
    scripted.answers(200, gzip.compress(b'{"data": 1}'), {"Content-Encoding": "gzip"})

    reply = await call(http)

    assert isinstance(reply, Answer)
    assert reply.json == {"data": 1}


HEAD = b"HTTP/1.1 201 Created\r\nX-Request-Id: req_2\r\n"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "connection_lost"),
        (b"HTTP/1.1 20", "connection_lost"),
        (b"not HTTP at all\r\n\r\n", "connection_lost"),
        (HEAD + b"Content-Length: 500\r\n\r\n{", "connection_lost"),
        (HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a"', "connection_lost"),
        (
            HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
            "answer_not_decodable",
        ),
    ],
)
async def test_a_cut_answer_leaves_the_outcome_open(
    scripted: Any, http: HttpClient, raw: bytes, code: str
):
    scripted.sends(raw, then_close=True)

    reply = await call(http)

    assert isinstance(reply, Unanswered)
    assert reply.code == code
    assert reply.request_id == ("req_2" if raw.startswith(HEAD) else None)
    assert len(scripted.requests) == 1, "must not be repeated"


@pytest.mark.parametrize("raw", [b"", HEAD + b"Content-Length: 50\r\n\r\n{"])
async def test_a_reset_leaves_the_outcome_open(scripted: Any, http: HttpClient, raw: bytes):
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        # Closing without lingering sends RST instead of an orderly end.
        linger = struct.pack("ii", 1, 0)
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    scripted.scripts.append(reset)

    reply = await call(http)

    assert isinstance(reply, Unanswered)
    assert reply.code == "connection_lost"
    assert len(scripted.requests) == 1, "must not be repeated"


@pytest.mark.parametrize("raw", [b"", HEAD + b"Content-Length: 50\r\n\r\n{"])
async def test_waits_for_an_answer_no_longer_than_told(scripted: Any, http: HttpClient, raw: bytes):
    scripted.sends(raw)

    reply = await call(http, read_seconds=0.05)

    assert isinstance(reply, Unanswered)
    assert reply.code == "answer_timed_out"


async def test_stops_an_answer_that_drips_for_ever(scripted: Any):
    http = HttpClient("acme", scripted.url, connect_seconds=0.1)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 90000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    scripted.scripts.append(drip)

    reply = await call(http, read_seconds=0.2)
    await http.aclose()

    assert reply == Unanswered("answer_too_slow", "req_2")


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_refuses_an_answer_that_is_too_large(scripted: Any, http: HttpClient, encoding: str):
    content = b'{"data": "' + b"x" * 200_000 + b'"}'
    if encoding == "gzip":
        content = gzip.compress(content)
    scripted.answers(200, content, {"Content-Encoding": encoding, "X-Request-Id": "req_3"})

    assert await call(http) == Unanswered("answer_too_large", "req_3")


async def test_a_refused_connection_means_that_nothing_was_sent():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        http = HttpClient("acme", f"http://127.0.0.1:{unused.getsockname()[1]}")
        assert await call(http) == NotSent("connection_refused")
        await http.aclose()


async def test_an_unknown_host_means_that_nothing_was_sent():
    http = HttpClient("acme", "http://no-such-host.invalid")
    assert await call(http) == NotSent("connection_refused")
    await http.aclose()


async def test_a_server_without_tls_means_that_nothing_was_sent(scripted: Any):
    scripted.answers(200, {})
    http = HttpClient("acme", scripted.url.replace("http:", "https:"), connect_seconds=0.2)
    reply = await call(http)
    await http.aclose()
    assert isinstance(reply, NotSent)
    assert scripted.requests == []


async def test_keeps_connections_but_gives_dear_writes_their_own(scripted: Any, http: HttpClient):
    scripted.answers(200, {"data": 1})

    await call(http)
    await call(http)
    assert scripted.connections == 1

    await call(http, fresh=True)
    await call(http, fresh=True)
    assert scripted.connections == 3


async def test_sends_the_headers_of_its_hooks_with_each_call(scripted: Any):
    moments = iter(["one", "two"])
    http = HttpClient(
        "acme",
        scripted.url,
        headers={"X-Fixed": "yes"},
        on_request=[lambda: {"X-Moment": next(moments)}],
    )
    scripted.answers(200, {})

    await call(http)
    await call(http)
    await http.aclose()

    sent = [headers for _, headers, _ in scripted.requests]
    assert [h["x-moment"] for h in sent] == ["one", "two"]
    assert {h["x-fixed"] for h in sent} == {"yes"}
    assert scripted.requests[0][0].startswith("POST /vendor/orders?email=")
    assert scripted.requests[0][2] == b'{"data":{"name":"Ada"}}'


async def test_logs_each_call_once_without_its_content(
    scripted: Any, http: HttpClient, caplog: pytest.LogCaptureFixture
):
    scripted.answers(422, {"errors": [{"message": "ada@example.com is no address"}]})

    with caplog.at_level(logging.DEBUG):
        await call(http)

    (line,) = (r for r in caplog.records if r.name in {"providers", "httpx"})
    fields = {name: getattr(line, name) for name in ("vendor", "operation", "status", "request_id")}
    assert fields == {
        "vendor": "acme",
        "operation": "create_order",
        "status": 422,
        "request_id": None,
    }
    assert line.seconds >= 0  # type: ignore[attr-defined]
    assert "ada" not in str(vars(line)).lower()


def test_says_how_long_a_call_can_last_in_all():
    assert longest_call_seconds(130) == 140

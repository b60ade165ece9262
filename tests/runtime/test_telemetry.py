"""Logs: one chain for all loggers, and nobody's data in it."""

import json
import logging
from collections.abc import Iterator

import pytest

from runtime.telemetry import HIDDEN, configure_logging, get_logger, redact, redact_text


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_ours_and_the_libraries_loggers_write_the_same_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(log_format="json", process="worker")
    get_logger("orders").info("order created", booking_id="b1", provider="duffel")
    logging.getLogger("providers").info("called %s", "duffel", extra={"status": 201})
    ours, theirs = lines(capsys)
    assert ours["event"] == "order created"
    assert (ours["booking_id"], ours["process"], ours["level"]) == ("b1", "worker", "info")
    assert (theirs["event"], theirs["status"]) == ("called duffel", 201)
    assert str(ours["timestamp"]).endswith("Z")


def test_errors_are_logged_with_their_trace_but_without_people(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(log_format="json")
    try:
        int("no seat for ann@parker.example")
    except ValueError:
        get_logger("x").exception("booking failed")
    [line] = lines(capsys)
    assert "ValueError: invalid literal" in str(line["exception"])
    assert "ann@" not in str(line)


def test_the_level_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(log_format="json", level="WARNING")
    get_logger("x").info("quiet")
    logging.getLogger("temporalio").info("quiet")
    assert lines(capsys) == []


@pytest.mark.parametrize(
    "key",
    ["name", "given_name", "email", "phone", "born_on", "number", "card", "token", "authorization",
     "Authorization", "Set-Cookie", "client_secret", "api_key", "traveler_email", "passengers"],
)  # fmt: skip
def test_private_fields_are_hidden_at_any_depth(key: str) -> None:
    event = {"event": "e", key: "v", "deep": [{"er": {key: ["v"]}}]}
    cleaned = redact(None, "info", event)
    assert cleaned == {"event": "e", key: HIDDEN, "deep": [{"er": {key: HIDDEN}}]}


@pytest.mark.parametrize(
    "text",
    [
        "ann.b+c@parker.example",
        "sk_live_51Habc",
        "duffel_test_a-b_c",
        "whsec_abc",
        "Bearer pk_abc.def",
        "4242 4242 4242 4242",
        "4242424242424242",
    ],
)
def test_private_texts_are_hidden_wherever_they_stand(text: str) -> None:
    assert redact_text(f"before {text} after") == f"before {HIDDEN} after"


def test_what_helps_is_left() -> None:
    event = {
        "event": "look made",
        "campaign_id": "0b9d6a1e-1111-4222-8333-123456789012",
        "seconds": 1.5,
        "found": None,
        "price": "520.10 USD",
        "timestamp": "2026-11-21T07:52:32.104607Z",
    }
    assert redact(None, "info", dict(event)) == event


def test_a_password_in_an_address_is_hidden() -> None:
    assert redact_text("postgresql://parker:secret@host/db") == f"postgresql://{HIDDEN}@host/db"

"""Every code that Duffel is known to send has a row, and the decisive one is found."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from providers.duffel.errors import (
    ERRORS,
    Failure,
    Meaning,
    RetryClass,
    read_failure,
    report_missing_rows,
)
from providers.http import Answer, NotSent

RECORDED = Path(__file__).parents[1] / "contracts" / "duffel"
CODES = json.loads((RECORDED / "error_codes.json").read_text())


def answer(*errors: Any, status: int = 422):
    return Answer(status, {}, {"errors": list(errors), "meta": {"request_id": "r"}}, "r")


@pytest.mark.parametrize("code", sorted({code for codes in CODES.values() for code in codes}))
def test_every_code_of_the_contract_has_a_row(code: str):
    known = ERRORS[code]
    assert known.copy_key
    assert isinstance(known.retry, RetryClass)


def test_the_table_holds_no_code_twice():
    from providers.duffel import errors

    listed = [code for codes in errors._ROWS.values() for code in codes.split()]
    assert sorted(listed) == sorted(set(listed))


def test_what_leaves_the_outcome_open_is_never_tried_again_unresolved():
    for code, known in ERRORS.items():
        unknown = known.meaning is Meaning.UNKNOWN_OUTCOME
        assert (known.retry is RetryClass.RESOLVE_FIRST) == unknown, code


def test_all_authentication_errors_mean_the_credentials():
    codes = CODES["authentication_error"]
    assert {ERRORS[code].meaning for code in codes} == {Meaning.CREDENTIALS}


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("offer_no_longer_available", Meaning.GONE),
        ("offer_expired", Meaning.GONE),
        ("price_changed", Meaning.PRICE_CHANGED),
        ("payment_amount_does_not_match_order_amount", Meaning.PRICE_CHANGED),
        ("insufficient_balance", Meaning.BALANCE),
        ("duplicate_passenger_name", Meaning.PASSENGER_DATA),
        ("order_creation_already_attempted", Meaning.UNKNOWN_OUTCOME),
        ("offer_request_already_booked", Meaning.UNKNOWN_OUTCOME),
        ("duplicate_booking", Meaning.UNKNOWN_OUTCOME),
        ("order_not_created", Meaning.UNAVAILABLE),
    ],
)
def test_the_codes_that_decide_a_booking(code: str, meaning: Meaning):
    failure = read_failure(answer({"code": code}))
    assert failure is not None
    assert failure.known is not None
    assert failure.known.meaning is meaning


@pytest.mark.parametrize(
    ("code", "pointer", "meaning"),
    [
        ("validation_format", "/passengers/0/phone_number", Meaning.PASSENGER_DATA),
        ("not_found", "/selected_offers/0", Meaning.GONE),
        ("not_found", "/services/0/id", Meaning.GONE),
        ("validation_required", "/selected_offers", Meaning.NOT_POSSIBLE),
        ("no_match", "/payments/0/currency", Meaning.PRICE_CHANGED),
        ("validation_required", "/slices", Meaning.NOT_POSSIBLE),
        ("insufficient_balance", "/payments", Meaning.BALANCE),
    ],
)
def test_validation_means_what_its_pointer_says(code: str, pointer: str, meaning: Meaning):
    failure = read_failure(answer({"code": code, "source": {"pointer": pointer, "field": "x"}}))
    assert failure is not None
    assert failure.field == pointer
    assert failure.known is not None
    assert failure.known.meaning is meaning


def test_an_open_outcome_outweighs_a_no():
    failure = read_failure(answer({"code": "offer_expired"}, {"code": "duplicate_booking"}))
    assert failure is not None
    assert failure.code == "duplicate_booking"


def test_reads_the_recorded_error():
    recorded = json.loads((RECORDED / "error_envelope.json").read_text())
    failure = read_failure(Answer(422, {}, recorded))
    assert failure == Failure("validation_required", ERRORS["validation_required"], "/slices")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": 400, "title": "Unsupported operation"}, "400"),
        ({"code": "never_seen", "source": "iberia"}, "never_seen"),
        ({"code": "Ada Example, ada@example.com"}, "unreadable_code"),
    ],
)
def test_a_strange_code_is_still_a_no_and_is_reported(
    error: Any, code: str, caplog: pytest.LogCaptureFixture
):
    found = answer(error, {"code": "offer_expired"})
    assert read_failure(found) == Failure(code, None)
    with caplog.at_level(logging.WARNING):
        report_missing_rows(found, "create_order")
    (line,) = caplog.records
    assert (line.code, line.operation) == (code, "create_order")  # type: ignore[attr-defined]
    assert "Ada" not in str(vars(line))


@pytest.mark.parametrize(
    "body", [None, {}, {"errors": None}, {"errors": []}, {"errors": ["x", {}, {"code": None}]}]
)
def test_an_answer_without_readable_errors_has_no_failure(
    body: Any, caplog: pytest.LogCaptureFixture
):
    found = Answer(422, {}, body)
    assert read_failure(found) is None
    report_missing_rows(found, "create_order")
    report_missing_rows(NotSent("connection_refused"), "create_order")
    assert not caplog.records

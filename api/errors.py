"""Problem details (RFC 9457): the only shape in which this API says no."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.access import methods_at
from db.paging import BadCursor
from domain.errors import CriteriaRefused, FieldProblem
from providers.errors import OutcomeUnknown, ProviderError, ProviderUnavailable

_log = logging.getLogger("api")
MEDIA_TYPE = "application/problem+json"
_TYPES = "urn:parker-flight:problem:"

_HTTP_CODES = {400: "unreadable", 404: "not_found", 405: "method_not_allowed"}
_TITLES = {
    400: "The request cannot be read",
    401: "An API key is needed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Not possible in this state",
    412: "It has changed meanwhile",
    413: "The request is too large",
    415: "Unsupported media type",
    422: "Some fields cannot hold",
    428: "A precondition is needed",
    429: "Too many requests",
    500: "Something went wrong on our side",
    502: "A provider gave no usable answer",
    503: "Not available at the moment",
}


class ProblemField(BaseModel):
    """One field that cannot hold: where, why, and what to do about it."""

    field: str = Field(examples=["criteria.origins.0"])
    reason: str = Field(examples=["'LISS' is not an airport or city code"])
    remedy: str = Field(examples=["Use LIS"])


class Problem(BaseModel):
    """A problem as RFC 9457 has it; `errors` lists fields, `code` names the case."""

    type: str = Field(examples=[_TYPES + "not-found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no such campaign."])
    instance: str = Field(examples=["/api/autobooking/campaigns/…"])
    code: str = Field(examples=["not_found"])
    reference: str | None = Field(default=None, description="Quote this to support.")
    errors: list[ProblemField] | None = None


class ApiProblem(Exception):
    """A no that the caller should read. `extra` adds members to the body."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.errors, self.headers, self.extra = tuple(errors), dict(headers or {}), extra or {}


def not_found(what: str) -> ApiProblem:
    return ApiProblem(404, "not_found", f"There is no such {what}.")


def conflict(code: str, detail: str, **extra: object) -> ApiProblem:
    return ApiProblem(409, code, detail, extra=extra)


def refused(problems: Sequence[FieldProblem]) -> ApiProblem:
    return ApiProblem(
        422, "fields_refused", "Some fields cannot hold; see `errors`.", errors=problems
    )


def field_refused(field: str, reason: str, remedy: str) -> ApiProblem:
    return refused((FieldProblem(field=field, reason=reason, remedy=remedy),))


def unavailable(detail: str, *, seconds: int = 5) -> ApiProblem:
    return ApiProblem(503, "unavailable", detail, headers={"Retry-After": str(seconds)})


def answer_unknown() -> ApiProblem:
    """Say that a request may or may not have been taken in, and how to find out."""
    return ApiProblem(
        503,
        "outcome_unknown",
        "We could not confirm this request in time, so its outcome is unknown. Repeat it with the"
        " same Idempotency-Key: it will not be done twice.",
        headers={"Retry-After": "2"},
    )


PageOf = Callable[[Request, ApiProblem], Response | None]


def problem_response(request: Request, problem: ApiProblem) -> Response:
    """Say no: as a page where a person asked for one, else as a problem."""
    page_of: PageOf | None = getattr(request.app.state, "problem_page", None)
    page = page_of(request, problem) if page_of is not None else None
    return page if page is not None else _problem_json(request, problem)


def _problem_json(request: Request, problem: ApiProblem) -> JSONResponse:
    body: dict[str, Any] = {
        "type": _TYPES + problem.code.replace("_", "-"),
        "title": _TITLES.get(problem.status, "The request failed"),
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.url.path,
        "code": problem.code,
        **problem.extra,
    }
    if problem.errors:
        body["errors"] = [error.model_dump(mode="json") for error in problem.errors]
    return JSONResponse(
        body, status_code=problem.status, headers=problem.headers, media_type=MEDIA_TYPE
    )


# What to do about a body that does not fit, by pydantic's name of the misfit.
_REMEDIES = {
    "missing": "Give this field",
    "extra_forbidden": "Leave this field out",
    "json_invalid": "Send valid JSON",
    "uuid_parsing": "Give an id as this API returned it",
    "date_from_datetime_parsing": "Give a date as YYYY-MM-DD",
    "date_parsing": "Give a date as YYYY-MM-DD",
    "time_parsing": "Give a local time as HH:MM",
    "int_parsing": "Give a whole number",
    "string_too_long": "Shorten it",
    "string_too_short": "Give more characters",
    "model_attributes_type": "Send a JSON object, with Content-Type: application/json",
    "string_pattern_mismatch": "Write it in the form that the page /docs shows",
    "enum": "Choose one of these",
    "literal_error": "Choose one of these",
    "less_than_equal": "Give a smaller number",
    "greater_than_equal": "Give a larger number",
    "less_than": "Give a smaller number",
    "greater_than": "Give a larger number",
}
# What says it in a program's words only.
_REASONS = {
    "string_pattern_mismatch": "it is not in the form that this field has",
    "model_attributes_type": "it is no JSON object",
    "uuid_parsing": "it is not an id",
}
_FORMS = {
    "amount": "Write an amount such as 520 or 520.50",
    "budget": "Write an amount such as 520 or 520.50",
    "currency": "Write three capital letters, such as USD",
}


def _validation_problem(error: RequestValidationError) -> ApiProblem:
    # The offending input is never echoed: it may be somebody's name or passport.
    problems = tuple(field_problem(item) for item in error.errors())
    if any(item["type"] == "json_invalid" for item in error.errors()):
        return ApiProblem(400, "unreadable", "The body is not valid JSON.", errors=problems)
    return refused(problems)


def field_problem(item: Mapping[str, Any]) -> FieldProblem:
    """Say what a model complains of in our words; what was sent is never echoed."""
    where, kind = [str(part) for part in item["loc"] if part != "body"], str(item["type"])
    if kind == "json_invalid":  # it is placed by how many characters were read, and says why beside
        where, item = [], {**item, "msg": item["ctx"]["error"]}
    remedy = _REMEDIES.get(kind, "See at /docs what this field takes")
    if kind in {"string_pattern_mismatch", "value_error"} and where:
        remedy = _FORMS.get(where[-1], remedy)
    reason = _REASONS.get(kind) or str(item["msg"]).removeprefix("Value error, ")
    return FieldProblem(field=".".join(where) or "body", reason=reason, remedy=remedy)


def _provider_problem(error: ProviderError) -> ApiProblem:
    if isinstance(error, ProviderUnavailable):
        return unavailable("The provider does not answer at the moment. Nothing was changed.")
    if isinstance(error, OutcomeUnknown):
        return answer_unknown()
    return ApiProblem(502, "provider_refused", "The provider did not accept our request.")


def _http_problem(request: Request, error: HTTPException) -> ApiProblem:
    code, headers = _HTTP_CODES.get(error.status_code, "refused"), dict(error.headers or {})
    detail = str(error.detail)
    if code == "not_found":
        detail = "There is nothing at this address."
    elif code == "method_not_allowed":
        # All of the address: the router names those of one route alone.
        headers["Allow"] = ", ".join(methods_at(request.url.path)) or headers.get("Allow", "")
        detail = f"{request.method} is not for this address; it takes {headers['Allow']}."
    return ApiProblem(error.status_code, code, detail, headers=headers)


def install(app: FastAPI, page_of: PageOf) -> None:
    """Answer every failure of the application with a problem, or with `page_of` as a page."""
    app.state.problem_page = page_of

    def on_problem(request: Request, error: ApiProblem) -> Response:
        return problem_response(request, error)

    def on_validation(request: Request, error: RequestValidationError) -> Response:
        return problem_response(request, _validation_problem(error))

    def on_criteria(request: Request, error: CriteriaRefused) -> Response:
        return problem_response(request, refused(error.problems))

    def on_http(request: Request, error: HTTPException) -> Response:
        return problem_response(request, _http_problem(request, error))

    def on_cursor(request: Request, _error: BadCursor) -> Response:
        problem = field_refused("cursor", "it is not a cursor of this list", "Start without one")
        return problem_response(request, problem)

    def on_provider(request: Request, error: ProviderError) -> Response:
        _log.warning("provider failed in a request vendor=%s code=%s", error.vendor, error.code)
        return problem_response(request, _provider_problem(error))

    def on_database(request: Request, error: Exception) -> Response:
        # Class names only: messages of the driver may hold values.
        _log.error("database away error=%s", type(error).__name__)
        return problem_response(request, unavailable("The database does not answer at the moment."))

    handlers: list[tuple[type[Exception], Any]] = [
        (ApiProblem, on_problem),
        (RequestValidationError, on_validation),
        (CriteriaRefused, on_criteria),
        (HTTPException, on_http),
        (BadCursor, on_cursor),
        (ProviderError, on_provider),
        (OperationalError, on_database),
        (InterfaceError, on_database),
    ]
    for kind, handler in handlers:
        app.add_exception_handler(kind, handler)

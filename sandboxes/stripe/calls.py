"""The path of every API call: key, version, idempotency, parameters, work, answer."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandboxes.faults import Rule
from sandboxes.store import Json, Tx
from sandboxes.stripe import form
from sandboxes.stripe.books import API_VERSION, VENDOR, Books, public, settings_of
from sandboxes.stripe.errors import StripeError, error_envelope, invalid
from sandboxes.stripe.expand import expand
from sandboxes.stripe.idempotency import Keys, Stored
from sandboxes.vendor import Context, Operation

_BEFORE_BEGINNING = frozenset({"in_flight", "lock_timeout"})
_WHILE_WORKING = frozenset({"slow", "api_error"})
ANY_CALL = _BEFORE_BEGINNING | _WHILE_WORKING
"""Behaviours of every operation; see the README."""
_LONGEST_KEY = 255


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A refusal whose effects stay, such as a decline."""

    status: int
    body: Json


@dataclass(frozen=True, kw_only=True)
class Call:
    """What the work behind an operation gets."""

    books: Books
    params: Json
    path: Mapping[str, str]
    request: Request
    context: Context

    @property
    def id(self) -> str:
        return self.path["id"]

    def behaviour(self, *effects: str) -> Rule | None:
        """Take a rule set for this operation, if it has one of these effects."""
        context = self.context
        return context.faults.behaviour(
            self.books.tx, VENDOR, context.operation, self.request, frozenset(effects)
        )


Work = Callable[[Call], Json | Answer]
Prepare = Callable[[Books, Mapping[str, str], Json], None]


class Desk:
    """Turns pieces of work into operations; holds the idempotency keys in use."""

    def __init__(self, fee_basis_points: int) -> None:
        self._fee_basis_points = fee_basis_points
        self._keys = Keys()

    def operation(
        self,
        name: str,
        method: Literal["GET", "POST", "DELETE"],
        path: str,
        work: Work,
        *,
        prepare: Prepare | None = None,
    ) -> Operation:
        """Build a route. `prepare` runs in a transaction of its own, so it outlives a refusal."""

        async def handler(request: Request, context: Context) -> Response:
            return await self._serve(request, context, work, prepare)

        return Operation(name, method, path, handler, "read" if method == "GET" else "write")

    async def _serve(
        self, request: Request, context: Context, work: Work, prepare: Prepare | None
    ) -> Response:
        with context.store.transaction() as tx:
            books = self._books(tx, context)
            books.change_settings(
                **settings_of(context.options, context.seed, self._fee_basis_points)
            )
            request_id = books.new_id("req", 14)
        headers = {"Request-Id": request_id, "Stripe-Version": API_VERSION}
        key: str | None = None
        try:
            _authenticate(request)
            _check_version(request)
            params = _decode(request, context)
            key = _key_of(request)
            if key is not None:
                headers |= {"Idempotency-Key": key, "Original-Request": request_id}
            digest = _digest(request, params)
            # In a transaction of its own: the refusal below must not undo the rule's count.
            with context.store.transaction() as tx:
                rule = context.faults.behaviour(
                    tx, VENDOR, context.operation, request, _BEFORE_BEGINNING
                )
            if rule is not None:
                raise _refusal(rule)
            with context.store.transaction() as tx:
                stored = self._keys.begin(tx, key, digest, context.now)
                if stored is None:
                    rule = context.faults.behaviour(
                        tx, VENDOR, context.operation, request, _WHILE_WORKING
                    )
        except StripeError as error:
            return _refused(error, headers)
        if stored is not None:
            headers |= {"Idempotent-Replayed": "true", "Original-Request": stored.request_id}
            return _answer(stored.status, stored.body, headers)
        try:
            if rule is not None and rule.effect == "slow":
                await asyncio.sleep(rule.seconds)
            return self._work(
                _Job(
                    request=request, context=context, params=params, work=work, prepare=prepare,
                    rule=rule, key=key, digest=digest, request_id=request_id, headers=headers,
                )
            )  # fmt: skip
        finally:
            self._keys.end(key)

    def _books(
        self, tx: Tx, context: Context, request_id: str = "", key: str | None = None
    ) -> Books:
        return Books(
            tx,
            context.webhooks,
            now=context.now,
            wall=context.wall,
            request_id=request_id,
            idempotency_key=key,
        )

    def _work(self, job: "_Job") -> Response:
        context = job.context
        try:
            with context.store.transaction() as tx:
                params = form.check(context.operation, job.params)
                if job.prepare is not None:
                    job.prepare(
                        self._books(tx, context, job.request_id), job.request.path_params, params
                    )
            with context.store.transaction() as tx:
                books = self._books(tx, context, job.request_id, job.key)
                status, body = self._perform(job, books, params)
                self._keys.keep(tx, job.key, job.stored(status, body), context.now)
        except StripeError as error:
            if error.stored:
                with context.store.transaction() as tx:
                    body = {"error": error.error}
                    self._keys.keep(tx, job.key, job.stored(error.status, body), context.now)
            return _refused(error, job.headers)
        return _answer(status, body, job.headers)

    def _perform(self, job: "_Job", books: Books, params: Json) -> tuple[int, Json]:
        failing = job.rule is not None and job.rule.effect == "api_error"
        if failing and job.rule is not None and not job.rule.option("done", False):
            return 500, error_envelope(500, job.rule.code)[0]
        call = Call(
            books=books,
            params=params,
            path=job.request.path_params,
            request=job.request,
            context=job.context,
        )
        done = job.work(call)
        if failing:
            return 500, error_envelope(500, None)[0]
        if isinstance(done, Answer):
            return done.status, done.body
        return 200, expand(books, public(done), params.get("expand") or [])


@dataclass(frozen=True, kw_only=True)
class _Job:
    request: Request
    context: Context
    params: Json
    work: Work
    prepare: Prepare | None
    rule: Rule | None
    key: str | None
    digest: str
    request_id: str
    headers: dict[str, str]

    def stored(self, status: int, body: Json) -> Stored:
        return Stored(digest=self.digest, status=status, body=body, request_id=self.request_id)


def rate_limited(request: Request, context: Context) -> Response:  # noqa: ARG001
    """Refuse as Stripe does above its limits."""
    body, headers = error_envelope(429, "rate_limit")
    return JSONResponse(body, status_code=429, headers=dict(headers))


def _authenticate(request: Request) -> None:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    key = credentials.strip()
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(key, validate=True).decode().partition(":")[0]
        except ValueError:
            key = ""
    elif scheme.lower() != "bearer":
        key = ""
    if not key:
        raise StripeError(
            401,
            "You did not provide an API key. You need to provide your API key in the"
            " Authorization header, using Bearer auth.",
        )
    if not key.startswith("sk_test_") or key == "sk_test_":
        shown = f"{key[:8]}{'*' * 12}{key[-4:]}" if len(key) > 12 else "*" * 8
        raise StripeError(401, f"Invalid API Key provided: {shown}")


def _check_version(request: Request) -> None:
    version = request.headers.get("stripe-version", API_VERSION)
    if version != API_VERSION:
        raise invalid(f"Invalid Stripe API version: {version}. Here only {API_VERSION} is known.")


def _decode(request: Request, context: Context) -> Json:
    if request.method != "POST":
        return form.decode(request.url.query)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if context.body and kind != "application/x-www-form-urlencoded":
        raise invalid(
            "Invalid request (check that your POST content type is"
            " application/x-www-form-urlencoded)."
        )
    try:
        return form.decode(context.body.decode())
    except UnicodeDecodeError as error:
        raise invalid("Invalid UTF-8 in the request body.") from error


def _key_of(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if request.method != "POST" or not key:
        return None
    if len(key) > _LONGEST_KEY:
        raise invalid(f"Idempotency keys are at most {_LONGEST_KEY} characters long.")
    return key


def _digest(request: Request, params: Json) -> str:
    text = json.dumps([request.url.path.rstrip("/"), params], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _refusal(rule: Rule) -> StripeError:
    if rule.effect == "lock_timeout":
        return StripeError(
            429,
            "This object cannot be accessed right now because another API request or Stripe"
            " process is currently accessing it.",
            code="lock_timeout",
        )
    return in_progress()


def in_progress() -> StripeError:
    """Refuse because another call holds the same key."""
    body = error_envelope(409, None)[0]["error"]
    return StripeError(409, body["message"], type=body["type"], code=body["code"])


def _refused(error: StripeError, headers: Mapping[str, str]) -> Response:
    return _answer(error.status, {"error": error.error}, headers)


def _answer(status: int, body: Json, headers: Mapping[str, str]) -> Response:
    more = dict(headers)
    if status >= 400:
        log = more.get("Original-Request", more["Request-Id"])
        dashboard = "https://dashboard.stripe.com/test/logs"
        body = {"error": {**body["error"], "request_log_url": f"{dashboard}/{log}"}}
    if status == 401:
        more["WWW-Authenticate"] = 'Basic realm="Stripe"'
    if status in {409, 429}:
        more["Stripe-Should-Retry"] = "true"
    elif 400 <= status < 500:
        more["Stripe-Should-Retry"] = "false"
    return JSONResponse(body, status_code=status, headers=more)


def card_refusal(body: Json) -> Answer:
    """Answer 402 and keep what the attempt changed."""
    return Answer(status=402, body={"error": body})

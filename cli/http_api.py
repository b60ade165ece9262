"""The command line's way to the API; a refusal is a sentence and an exit code."""

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn
from uuid import uuid4

import httpx2

from cli.exits import Exit
from cli.output import complain, manner, print_json, say
from runtime.settings import default_env_files, read_env_files

URL_VARIABLE = "PARKER_API_URL"
KEY_VARIABLE = "PARKER_API_KEY"
# Longer than the API waits for a process, so that its own words are heard.
_TIMEOUT_SECONDS = 40.0
_SILENCE = 45.0  # the stream beats every 15 s
_MOST_FAILURES, _PAUSE_SECONDS = 10, 1.0
_CODES = {
    401: Exit.USAGE,
    404: Exit.NOT_FOUND,
    409: Exit.CONFLICT,
    412: Exit.CONFLICT,
    422: Exit.USAGE,
    428: Exit.USAGE,
    502: Exit.UNAVAILABLE,
    503: Exit.UNAVAILABLE,
}
# Refusals that only a person can lift, or that the rules of the installation make.
_BY_PROBLEM = dict.fromkeys(
    ("too_many", "not_cancellable", "scope_needed", "spending_refused"), Exit.REFUSED
)


def new_key() -> str:
    """Return an idempotency key for a request that is made once."""
    return f"cli-{uuid4()}"


def _given() -> dict[str, str]:
    """Return what is set: by `.env` or the installation that runs here, then the environment."""
    return read_env_files(default_env_files()) | dict(os.environ)


def _local_url(given: Mapping[str, str]) -> str:
    return f"http://127.0.0.1:{given.get('PARKER_API_PORT') or 8000}"


def _where(*, needs_key: bool = True) -> tuple[str, str]:
    """Return where the API is, and whose key is used there."""
    given = _given()
    key = given.get(KEY_VARIABLE, "")
    if needs_key and not key:
        complain(
            f"{KEY_VARIABLE} is not set. `parker keys create --email you@example.com` makes one."
        )
        sys.exit(Exit.USAGE)
    return (given.get(URL_VARIABLE) or _local_url(given)).rstrip("/"), key


def _away(url: str, error: Exception) -> NoReturn:
    complain(f"The API at {url} does not answer ({type(error).__name__}). `parker doctor` looks.")
    sys.exit(Exit.UNAVAILABLE)


def _somebody_else(url: str) -> NoReturn:
    complain(f"What answers at {url} is not our API. Is {URL_VARIABLE} right?")
    sys.exit(Exit.UNAVAILABLE)


def _stop_dry(method: str, path: str, body: object) -> NoReturn:
    """End a dry run before its first request that would change something."""
    say(f"Would send {method} {path}. Nothing was changed.")
    if manner.as_json:
        print_json({"done": False, "would": f"{method} {path}", "with": body})
    sys.exit(Exit.OK)


def call(
    method: str,
    path: str,
    *,
    body: object = None,
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    needs_key: bool = True,
) -> Any:
    """Ask the API and return what it says; a refusal ends the command with its sentence."""
    url, key = _where(needs_key=needs_key)
    if manner.dry_run and method != "GET":
        _stop_dry(method, path, body)
    try:
        answer = httpx2.request(
            method,
            url + path,
            json=body,
            params=dict(query or {}),
            headers={**({"Authorization": f"Bearer {key}"} if key else {}), **(headers or {})},
            timeout=_TIMEOUT_SECONDS,
        )
    except (httpx2.TransportError, httpx2.InvalidURL) as error:
        _away(url, error)
    if answer.status_code >= 400:
        _refuse(answer)
    try:
        return answer.json() if answer.content else None
    except ValueError:
        _somebody_else(url)


def events(path: str) -> Iterator[dict[str, Any]]:
    """Yield what happens, as it happens, until nothing more can; a lost connection is taken up."""
    url, key = _where()
    seen, failures = "0", 0
    lost: Exception = ConnectionError()
    while failures <= _MOST_FAILURES:
        headers = {
            "Authorization": f"Bearer {key}",
            "Accept": "text/event-stream",
            "Last-Event-ID": seen,
        }
        try:
            with httpx2.stream("GET", url + path, headers=headers, timeout=_SILENCE) as answer:
                if answer.status_code >= 400:
                    answer.read()
                    _refuse(answer)
                if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                    _somebody_else(url)
                failures = 0
                for name, number, data in _parsed(answer.iter_lines()):
                    if name == "end":
                        return
                    seen = number
                    yield json.loads(data)
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            lost = error
        failures += 1
        time.sleep(_PAUSE_SECONDS)
    _away(url, lost)


def _parsed(lines: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Read server-sent events: name, number and data of each."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        if name:
            fields[name] = value.removeprefix(" ")
        elif "data" in fields:
            yield fields.get("event", ""), fields.get("id", ""), fields["data"]
            fields = {}


def pages(path: str, query: Mapping[str, Any], most: int) -> Iterator[dict[str, Any]]:
    """Yield a list's entries, page after page, up to `most`."""
    asked, left = dict(query), most
    while left > 0:
        page = call("GET", path, query={**asked, "limit": min(left, 100)})
        yield from page["items"]
        left -= len(page["items"])
        if not page["next_cursor"]:
            return
        asked["cursor"] = page["next_cursor"]


def money(value: Mapping[str, str] | None) -> str:
    return f"{value['amount']} {value['currency']}" if value else ""


def _refuse(answer: httpx2.Response) -> NoReturn:
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    problem = problem if isinstance(problem, dict) else {}
    ours = str(problem.get("type", "")).startswith("urn:parker-flight:")
    if not ours and answer.status_code < 500:  # a proxy before it may say that it is away
        _somebody_else(str(answer.url))
    # Here the fields follow at once.
    detail = str(problem.get("detail", "")).replace("; see `errors`.", ":")
    complain(detail or f"The API answered {answer.status_code}.")
    for error in problem.get("errors") or []:
        complain(f"  {error['field']}: {error['reason']}. {error['remedy']}")
    if reference := problem.get("reference"):
        complain(f"  Reference {reference}")
    default = _CODES.get(answer.status_code, Exit.FAILURE)
    sys.exit(_BY_PROBLEM.get(str(problem.get("code")), default))

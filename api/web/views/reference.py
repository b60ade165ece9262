"""The API's document as its page shows it: one entry an operation, grouped as the document is."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from api.access import scope_of

_METHODS = ("get", "post", "put", "patch", "delete")
_PLACES = {"path": "in the address", "query": "in the query", "header": "as a header"}
_BY_FORMAT = {
    "uuid": "3b241101-e2bb-4255-8caf-4136c566a962",
    "date": "2027-05-04",
    "date-time": "2027-05-04T09:00:00Z",
}
_DEEPEST = 6  # no body of ours is deeper


@dataclass(frozen=True)
class Parameter:
    name: str
    place: str
    needed: bool
    words: str


@dataclass(frozen=True)
class Operation:
    anchor: str
    method: str
    path: str
    summary: str
    words: str
    scope: str | None  # None: no key is needed
    parameters: tuple[Parameter, ...]
    body: str | None
    """A body to begin with, as JSON."""
    answers: tuple[tuple[str, str], ...]  # status, what it means


@dataclass(frozen=True)
class Group:
    name: str
    words: str
    operations: tuple[Operation, ...]


def groups_of(document: Mapping[str, Any]) -> tuple[Group, ...]:
    """Read an OpenAPI document that describes us."""
    by_tag: dict[str, list[Operation]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                told = methods[method]
                by_tag[told["tags"][0]].append(_operation(document, method, path, told))
    return tuple(
        Group(tag["name"], tag["description"], tuple(by_tag[tag["name"]]))
        for tag in document["tags"]
        if by_tag[tag["name"]]
    )


def _operation(
    document: Mapping[str, Any], method: str, path: str, told: Mapping[str, Any]
) -> Operation:
    body = told.get("requestBody", {}).get("content", {}).get("application/json")
    return Operation(
        anchor=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told["summary"],
        words=told.get("description", ""),
        scope=scope_of(method.upper(), path).value if told.get("security") else None,
        parameters=tuple(_parameters(told)),
        body=_example(document, body["schema"]) if body else None,
        answers=tuple((code, one["description"]) for code, one in told["responses"].items()),
    )


def _parameters(told: Mapping[str, Any]) -> Iterator[Parameter]:
    for one in told.get("parameters", ()):
        if one["in"] in _PLACES:
            words = one.get("description") or one["schema"].get("description", "")
            yield Parameter(one["name"], _PLACES[one["in"]], one.get("required", False), words)


def _example(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    found = _value(document["components"]["schemas"], schema, _DEEPEST)
    return json.dumps(found, indent=2, ensure_ascii=False)


def _value(known: Mapping[str, Any], schema: Mapping[str, Any], deep: int) -> Any:
    """Return a value that the schema allows: its own example, else what is needed of it."""
    if "$ref" in schema:
        return _value(known, known[schema["$ref"].rpartition("/")[2]], deep)
    named = [schema.get("const"), schema.get("default")]
    named += [schema[name][0] for name in ("examples", "enum") if schema.get(name)]
    choices = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    found = next((one for one in named if one is not None), None)
    if found is None and choices:
        return _value(known, choices[0], deep)
    return _made(known, schema, deep) if found is None else found


def _made(known: Mapping[str, Any], schema: Mapping[str, Any], deep: int) -> Any:
    match schema.get("type"):
        case "object" if deep:
            parts = schema.get("properties", {})
            wanted = schema.get("required") or list(parts)
            return {name: _value(known, parts[name], deep - 1) for name in wanted}
        case "array":
            return [_value(known, schema["items"], deep - 1)] if deep else []
        case "string":
            return _BY_FORMAT.get(schema.get("format", ""), "…")
        case "integer" | "number":
            return schema.get("minimum", 1)
        case kind:
            return True if kind == "boolean" else None

"""Form encoding with brackets, as Stripe's clients write it, and the check of what it holds."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from sandboxes.store import Json
from sandboxes.stripe.errors import invalid

Shape = Any
"""A type name, a list of allowed words, {"[]": item}, or an object of shapes by name."""

_SHAPES: Mapping[str, Mapping[str, Shape]] = json.loads(
    Path(__file__).with_name("parameters.json").read_text(encoding="utf-8")
)
_EXPAND_ONLY: Mapping[str, Shape] = {"expand": {"[]": "string"}}
_REQUIRED: Mapping[str, Sequence[str]] = {
    "create_payment_intent": ("amount", "currency"),
    "search_payment_intents": ("query",),
    "create_webhook_endpoint": ("enabled_events", "url"),
    "create_checkout_session": ("mode",),
    "attach_payment_method": ("customer",),
}
_TYPES_REPLACED = frozenset(
    {
        "create_payment_intent", "update_payment_intent", "confirm_payment_intent",
        "create_setup_intent", "confirm_setup_intent", "create_checkout_session",
    }
)  # fmt: skip
_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)\Z")
_PART = re.compile(r"\[([^\[\]]*)\]")
_MAX_DEPTH = 10
_MAX_METADATA_KEYS = 50
_MAX_METADATA_KEY = 40
_MAX_METADATA_VALUE = 500


def decode(text: str) -> Json:
    """Turn `a[b][0]=c` into nested dicts and lists; values stay text."""
    root: Json = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        match = _KEY.match(name)
        parts = [match[1], *_PART.findall(match[2])] if match else [name]
        if len(parts) > _MAX_DEPTH:
            raise invalid(f"Invalid request: parameter nested too deeply: {name[:100]}")
        _place(root, parts, value, name)
    decoded: Json = {key: _listed(item) for key, item in root.items()}
    return decoded


def check(operation: str, params: Json) -> Json:
    """Cast an operation's decoded parameters; refuse what it does not know or cannot read."""
    if "payment_method_types" in params and operation in _TYPES_REPLACED:
        raise invalid(
            "The parameter `payment_method_types` is no longer supported in this API version."
            " Use `allowed_payment_method_types` instead.",
            "payment_method_types",
            "payment_method_types_no_longer_supported",
        )
    shape = _SHAPES.get(operation, _EXPAND_ONLY)
    checked = _object(params, shape, "")
    for name in _REQUIRED.get(operation, ()):
        if checked.get(name) is None:
            raise invalid(f"Missing required param: {name}.", name, "parameter_missing")
    return checked


def merge_metadata(old: Mapping[str, str], new: Mapping[str, str] | None) -> dict[str, str]:
    """Apply a metadata parameter: given keys are set, empty values and "" as a whole clear."""
    if new is None:
        return dict(old)
    merged = {k: v for k, v in {**old, **new}.items() if v != ""} if new else {}
    if len(merged) > _MAX_METADATA_KEYS:
        raise invalid(f"Metadata can have at most {_MAX_METADATA_KEYS} keys.", "metadata")
    return merged


def _place(root: Json, parts: Sequence[str], value: str, name: str) -> None:
    node = root
    for part in parts[:-1]:
        key = part if part != "" else str(len(node))
        child = node.setdefault(key, {})
        if not isinstance(child, dict):
            raise invalid(f"Invalid request: conflicting parameters at {name[:100]}")
        node = child
    last = parts[-1] if parts[-1] != "" else str(len(node))
    if isinstance(node.get(last), dict):
        raise invalid(f"Invalid request: conflicting parameters at {name[:100]}")
    node[last] = value


def _listed(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    children = {key: _listed(child) for key, child in node.items()}
    # Only a gapless run from 0 is a list: other digits are names, of metadata for one.
    places = [str(place) for place in range(len(children))]
    if children and children.keys() == set(places):
        return [children[place] for place in places]
    return children


def _cast(value: Any, shape: Shape, name: str) -> Any:
    match shape:
        case str():
            return _LEAVES[shape](value, name)
        case list():
            if value not in ("", *shape):
                words = ", ".join(shape)
                raise invalid(f"Invalid {name}: must be one of {words}", name)
            return value or None
        case {"[]": item}:
            return _array(value, item, name)
        case dict():
            return None if value == "" else _object(value, shape, name)
        case _:
            raise AssertionError(f"an unreadable shape: {shape!r}")


def _boolean(value: Any, name: str) -> bool:
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value}", name)
    return bool(value == "true")


def _range(value: Any, name: str) -> Json | int | None:
    if isinstance(value, dict):
        return _object(value, dict.fromkeys(("gt", "gte", "lt", "lte"), "integer"), name)
    return _integer(value, name)


def _text(value: Any, name: str) -> str | None:
    if not isinstance(value, str):
        raise invalid(f"Invalid string: {value}", name)
    return value or None


def _integer(value: Any, name: str) -> int | None:
    if value == "":
        return None
    if not isinstance(value, str) or not re.fullmatch(r"[+-]?[0-9]{1,18}", value):
        raise invalid(f"Invalid integer: {value}", name, "parameter_invalid_integer")
    return int(value)


def _array(value: Any, item: Shape, name: str) -> list[Any]:
    if value == "":
        return []
    if isinstance(value, dict) or not isinstance(value, list):
        raise invalid("Invalid array", name)
    return [_cast(entry, item, f"{name}[{place}]") for place, entry in enumerate(value)]


def _object(value: Any, shape: Mapping[str, Shape], name: str) -> Json:
    if not isinstance(value, dict):
        raise invalid("Invalid object", name)
    unknown = [key for key in value if key not in shape]
    if unknown:
        first = f"{name}[{unknown[0]}]" if name else unknown[0]
        raise invalid(f"Received unknown parameter: {first}", first, "parameter_unknown")
    return {
        key: _cast(entry, shape[key], f"{name}[{key}]" if name else key)
        for key, entry in value.items()
    }


def _metadata(value: Any, name: str) -> dict[str, str]:
    if value == "":
        return {}
    if isinstance(value, list):  # keys that look like numbers
        value = {str(place): entry for place, entry in enumerate(value)}
    if not isinstance(value, dict):
        raise invalid("Metadata must be a hash of strings.", name)
    for key, entry in value.items():
        at = f"{name}[{key}]"
        if not isinstance(entry, str):
            raise invalid("Metadata values must be strings.", at)
        if len(key) > _MAX_METADATA_KEY:
            raise invalid(f"Metadata keys can have at most {_MAX_METADATA_KEY} characters.", at)
        if len(entry) > _MAX_METADATA_VALUE:
            raise invalid(f"Metadata values can have at most {_MAX_METADATA_VALUE} characters.", at)
    return value


def _anything(value: Any, name: str) -> Any:  # noqa: ARG001
    return value


_LEAVES: Mapping[str, Callable[[Any, str], Any]] = {
    "any": _anything,
    "string": _text,
    "integer": _integer,
    "number": _integer,
    "boolean": _boolean,
    "range": _range,
    "map": _metadata,
}

"""The shape of the house: sizes, empty package files, names of tests, and what requests may say."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.app import create_app
from runtime.crypto import new_master_key
from runtime.settings import load_settings

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("activities", "api", "cli", "db", "domain", "providers", "runtime", "workflows")
ROOMS = (*PACKAGES, "sandboxes", "scripts")
LONGEST_FILE, LONGEST_FUNCTION = 500, 70
# Every model in one place, so that the migrations see the whole schema.
NOT_EMPTY = {"db/models/__init__.py"}


def modules() -> list[Path]:
    found = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    written_once = ROOT / "db" / "migrations" / "versions"
    return [ROOT / "worker.py", *(path for path in found if written_once not in path.parents)]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_file_is_longer_than_a_reader_can_hold():
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in modules()}
    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE} == {}


def test_no_function_is_longer_than_a_screen():
    lengths = {
        f"{name_of(path)}::{node.name}": length(node)
        for path in modules()
        for node in functions(ast.parse(path.read_text()))
    }
    assert {name: n for name, n in lengths.items() if n > LONGEST_FUNCTION} == {}


def test_package_files_are_empty():
    packages = [path for path in modules() if path.name == "__init__.py"]
    filled = {name_of(path) for path in packages if path.read_text().strip()}
    assert filled == NOT_EMPTY


def test_every_room_is_a_package():
    folders = {path.parent for path in modules() if path.parent not in {ROOT, ROOT / "scripts"}}
    migrations = ROOT / "db" / "migrations"
    missing = [f for f in folders if f != migrations and not (f / "__init__.py").exists()]
    assert missing == []


def test_test_files_have_names_of_their_own_and_no_packages():
    tests = ROOT / "tests"
    assert list(tests.rglob("__init__.py")) == []
    names = Counter(path.name for path in tests.rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []


def requests(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if body:
                yield f"{method} {path}", body["schema"]


def properties(schema: Any, document: dict[str, Any]) -> set[str]:
    """Return the names of all properties that a schema allows, at any depth."""
    if isinstance(schema, list):
        return set().union(*(properties(one, document) for one in schema))
    if not isinstance(schema, dict):
        return set()
    if reference := schema.get("$ref"):
        return properties(document["components"]["schemas"][reference.split("/")[-1]], document)
    own = set(schema.get("properties", {}))
    inner = [*schema.get("properties", {}).values(), *schema.values()]
    return own.union(*(properties(one, document) for one in inner if isinstance(one, dict | list)))


@pytest.mark.parametrize("word", ["provider", "seller", "rail"])
def test_nobody_chooses_a_provider(word: str):
    variables = {
        "PARKER_MASTER_KEYS": new_master_key("k1"),
        "PARKER_HMAC_SECRET": "x" * 40,
        "PARKER_DATABASE_URL": "postgresql://nobody@localhost/none",
    }
    document = create_app(load_settings(variables, env_files=())).openapi()
    found = dict(requests(document))
    assert len(found) > 5
    for name, schema in found.items():
        assert word not in properties(schema, document), name

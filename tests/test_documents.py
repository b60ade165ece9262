"""The documents say what is so: their links, paths, commands and settings exist."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from api.access import CONSOLE, ROUTES
from api.web.views.console_task import guide_of
from cli.main import app
from domain.attempts import AttemptState, published_state
from runtime.settings import variables
from scripts import mandate_schema, states

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    [
        ROOT / "README.md",
        ROOT / "providers" / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "sandboxes").rglob("*.md"),
    ]
)
each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=[str(d.relative_to(ROOT)) for d in DOCUMENTS]
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PATH = re.compile(r"`((?:[a-z_]+/)+(?:[\w.]+\.(?:py|md|yml|toml))?)(?:::(\w+))?`")
VARIABLE = re.compile(r"\b(?:PARKER|DUFFEL|STRIPE|SMTP|UPSTASH|SUPABASE|LAUNCHDARKLY)_[A-Z_]+\b")
COMMAND = re.compile(r"(?:^|[`(\s])(parker(?: [^`\n]*)?)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
# The words of an attempt that others use begin as Duffel's variables do.
PUBLISHED = {published_state(s, ticketed=t) for s in AttemptState for t in (False, True)}
# Machines and registries change; a document that names one is wrong somewhere else.
HOST = re.compile(r"(?<![@\w.-])(?:[a-z0-9-]+\.)+(?:com|org|io|net|dev)\b")
KNOWN_HOSTS = {"api.duffel.com", "api.stripe.com"}
FOLDERS = [f"/{name}/" for name in ("work", "root", "tmp", "home", "Users")]


def anchors(document: Path) -> set[str]:
    """Return the anchors of a page's headings, as code hosts make them."""
    text = FENCE.sub("", document.read_text())
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.strip().lower()).replace(" ", "-") for h in headings}


@each_document
def test_links_lead_somewhere(document: Path):
    for target in LINK.findall(document.read_text()):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        page = (document.parent / name).resolve() if name else document
        assert page.exists(), target
        if anchor:
            assert anchor in anchors(page), target


@each_document
def test_paths_that_are_named_exist(document: Path):
    for name, inside in PATH.findall(document.read_text()):
        places = [ROOT / name, document.parent / name]
        found = [place for place in places if place.exists()]
        folder = name.split("/")[0]
        if not found and not (ROOT / folder).is_dir():
            continue  # a folder of a running installation, or of a provider's address
        assert found, name
        if inside:
            assert f"def {inside}" in found[0].read_text(), f"{name}::{inside}"


@each_document
def test_settings_that_are_named_exist(document: Path):
    known = set(variables()) | PUBLISHED
    if document.parent.name in {"sandboxes", "stripe"}:
        return
    for name in VARIABLE.findall(document.read_text()):
        group = name.endswith("_") and any(variable.startswith(name) for variable in known)
        assert name in known or group, name


@each_document
def test_no_machine_and_no_registry_is_named(document: Path):
    text = document.read_text()
    assert set(HOST.findall(text)) <= KNOWN_HOSTS
    assert [folder for folder in FOLDERS if folder in text] == []


def shown_commands() -> Iterator[str]:
    for document in DOCUMENTS:
        text = re.sub(r"\\\n\s*", "", document.read_text())
        for found in COMMAND.findall(text):
            yield found.split(" #")[0].split("$(")[0].strip().rstrip(")")


def words_of(command: str) -> list[str]:
    try:
        return shlex.split(command)[1:]
    except ValueError:  # it ends inside of somebody else's quotes
        return shlex.split(command.replace('"', "").replace("'", ""))[1:]


def test_every_command_that_is_shown_exists():
    runner, root = CliRunner(), typer.main.get_command(app)
    seen = set()
    for shown in sorted(set(shown_commands())):
        command, path, options = root, [], []
        for word in words_of(shown):
            if word.startswith("--"):
                options.append(word.partition("=")[0])
                continue
            subjects = getattr(command, "commands", None)
            inner = command.get_command(None, word) if hasattr(command, "get_command") else None
            if inner is None:
                assert subjects is None, f"{shown}: there is no {word}"
                continue
            command = inner
            path.append(word)
        known = {
            name
            for parameter in command.params
            for name in (*parameter.opts, *parameter.secondary_opts)
        }
        assert set(options) <= known | {"--help"}, shown
        seen.add(tuple(path))
    assert len(seen) > 15
    for path in sorted(seen):
        assert runner.invoke(app, [*path, "--help"]).exit_code == 0, path


def test_commands_in_examples_have_what_they_need():
    """Whoever copies one from a document must not be asked for more."""
    root = typer.main.get_command(app)
    for document in DOCUMENTS:
        blocks = " \n".join(FENCE.findall(document.read_text()))
        for shown in COMMAND.findall(re.sub(r"\\\n\s*", "", blocks)):
            words, command = words_of(shown.split(" #")[0]), root
            for word in words:
                inner = command.get_command(None, word) if hasattr(command, "get_command") else None
                command = inner or command
            needed = {
                parameter.opts[0]
                for parameter in command.params
                if parameter.required and parameter.opts[0].startswith("--")
            }
            assert "..." in words or needed <= set(words), shown


ADDRESS = re.compile(r"`(?:(?:GET|POST|PUT|PATCH|DELETE) )?(/[a-z.][^`\s?]*)[^`]*`")


@each_document
def test_addresses_that_are_named_are_routes(document: Path):
    if document.name == "integrations.md" or "sandboxes" in document.parts:
        return  # theirs
    routes = [re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(name.split()[1])) for name in ROUTES]
    for address in ADDRESS.findall(document.read_text()):
        named = re.sub(r"\{[^}]*\}", "x", address).replace("...", "x.").rstrip("/") or "/"
        assert any(re.fullmatch(route, named) for route in [*routes, "/events"]), address


def test_every_page_of_the_console_has_its_line():
    text = (ROOT / "docs" / "console.md").read_text()
    pages = [name.removeprefix("GET ") for name in CONSOLE if name.startswith("GET ")]
    for page in pages:
        assert "{" in page or page.endswith(".csv") or f"`{page}`" in text, page


def test_every_target_of_make_that_is_shown_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        shown = set(re.findall(r"(?:^|`)make ([a-z]+)", document.read_text(), re.MULTILINE))
        assert shown <= targets, document


def test_the_states_are_drawn_from_the_tables():
    assert states.DOCUMENT.read_text() == states.document(), "run: python scripts/states.py"


def test_the_form_of_a_mandate_is_published_as_it_is():
    published = json.loads(mandate_schema.DOCUMENT.read_text())
    assert published == mandate_schema.schema(), "run: python scripts/mandate_schema.py"


def test_the_read_me_stays_short_and_shows_the_picture():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) < 150
    assert "](docs/demo.svg)" in text


def test_every_requirement_has_its_line():
    lines = re.findall(r"^\| (S\d-\d+) \|.*\| (\w+) \| [^|]*\|$", _rows(), re.MULTILINE)
    assert len(lines) == len({row for row, _ in lines}) == 254
    assert {holds for _, holds in lines} <= {"yes", "partly", "no"}
    for word in ("yes", "partly", "no"):
        assert f"{sum(holds == word for _, holds in lines)} *{word}*" in _rows()


def test_every_task_that_the_code_can_open_says_what_to_do():
    asked = re.compile(
        r'open_task\(\s*\w+,\s*f?"\w+:[^"]*",\s*"(\w+)"'
        r'|open_task\(\s*\w+,\s*f"(\w+):'
        r'|_ask_operator\("(\w+)'
        r'|OperatorTaskInput\(\s*key=f?"(\w+):'
        r'|saga\.add\(f"(\w+):'
        r'|^_KIND = "(\w+)"',
        re.MULTILINE,
    )
    kinds = {
        next(filter(None, found))
        for room in ("activities", "workflows")
        for path in (ROOT / room).glob("*.py")
        for found in asked.findall(path.read_text())
    }
    assert {"dispute", "late_order", "order_care", "unknown_order", "void"} <= kinds
    for document in ("runbook.md", "operations.md"):
        named = set(
            re.findall(r"^\| `(\w+)`", (ROOT / "docs" / document).read_text(), re.MULTILINE)
        )
        assert kinds <= named, document
    assert {kind for kind in kinds if guide_of(kind) == guide_of("of no kind")} == set()


def _rows() -> str:
    return (ROOT / "docs" / "rows.md").read_text()

"""Which statements and branches of a few modules were taken, at next to no cost to all others.

Python before 3.12 can only trace everything or nothing, which makes the suite half as slow again.
So the modules that count are read, marked and compiled here when they are imported, in Temporal's
sandbox too, where each run of a workflow imports its module anew.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple

_NAME = "__taken__"  # in each counted module: the set of the numbers of what was taken

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Place(NamedTuple):
    """Something of a module that a test should come by."""

    line: int
    what: str


class _Marker(ast.NodeTransformer):
    """Puts a mark before each statement of a function, and on each way round a block."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self._inside = False

    def _mark(self, line: int, what: str) -> ast.stmt:
        number = len(self.places)
        self.places.append(Place(line, what))
        mark = ast.parse(f"{_NAME}.add({number})").body[0]
        for node in ast.walk(mark):
            if isinstance(node, ast.expr | ast.stmt):
                node.lineno = node.end_lineno = line
                node.col_offset = node.end_col_offset = 0
        return mark

    def _block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        marked: list[ast.stmt] = []
        for statement in body:
            if not _cannot_run(statement) and not _is_text(statement):
                marked.append(self._mark(statement.lineno, "never ran"))
            marked.append(self.visit(statement))
        return marked

    def _function(self, node: Function) -> Function:
        outside, self._inside = self._inside, True
        node.body = self._block(node.body)
        self._inside = outside
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if not self._inside:
            return super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list):
                setattr(node, name, self._block(body))
        for name in ("handlers", "cases"):
            for part in getattr(node, name, ()):
                self.generic_visit(part)
        self._ways_round(node)
        return node

    def _ways_round(self, node: ast.AST) -> None:
        """Mark what a block without an `else` of its own leaves unsaid."""
        match node:
            case ast.If(orelse=[]):
                node.orelse = [self._mark(node.lineno, "its condition always held")]
            case ast.While(orelse=[], test=test) if not isinstance(test, ast.Constant):
                node.orelse = [self._mark(node.lineno, "its loop never came to its end")]
            case ast.For(orelse=[]) | ast.AsyncFor(orelse=[]):
                node.orelse = [self._mark(node.lineno, "its loop never came to its end")]
            case ast.Match(cases=[*_, ast.match_case(pattern=last, guard=guard)]):
                if guard is not None or not _takes_all(last):
                    mark = self._mark(node.lineno, "one of its cases always fitted")
                    node.cases.append(ast.match_case(pattern=ast.MatchAs(), body=[mark]))


def _takes_all(pattern: ast.pattern) -> bool:
    return isinstance(pattern, ast.MatchAs) and pattern.pattern is None


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _cannot_run(statement: ast.stmt) -> bool:
    """Say whether the type checker vouches that nothing comes here."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "assert_never"
    )


@cache
def _marked(path: str) -> tuple[CodeType, tuple[Place, ...]]:
    marker = _Marker()
    tree = marker.visit(ast.parse(Path(path).read_text(), path))
    code = compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)
    return code, tuple(marker.places)


def places(path: str) -> tuple[Place, ...]:
    """Return all that can be taken in a file, in the order of its numbers."""
    return _marked(path)[1]


class _Counted(SourceFileLoader):
    def __init__(self, fullname: str, path: str, taken: set[int]) -> None:
        super().__init__(fullname, path)
        self._taken = taken

    def get_code(self, fullname: str) -> CodeType:
        return _marked(self.get_filename(fullname))[0]

    def exec_module(self, module: ModuleType) -> None:
        setattr(module, _NAME, self._taken)
        super().exec_module(module)


class Counter(MetaPathFinder):
    """Counts what is taken in the files given, from when it is put to work."""

    def __init__(self, root: Path, names: Sequence[str]) -> None:
        self._paths = {
            name.removesuffix(".py").replace("/", "."): (name, root / name) for name in names
        }
        self.taken: dict[str, set[int]] = {name: set() for name in names}

    def start(self) -> None:
        early = sorted(module for module in self._paths if module in sys.modules)
        if early:
            raise ImportError(f"imported before they could be counted: {', '.join(early)}")
        sys.meta_path.insert(0, self)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        del path, target
        if fullname not in self._paths:
            return None
        name, file = self._paths[fullname]
        loader = _Counted(fullname, str(file), self.taken[name])
        return spec_from_file_location(fullname, str(file), loader=loader)


def never_taken(root: Path, taken: dict[str, set[int]]) -> Iterator[str]:
    """Name each place of the files that was never taken, a line each."""
    for name, numbers in taken.items():
        yield from (
            f"{name}:{place.line}: {place.what}"
            for number, place in enumerate(places(str(root / name)))
            if number not in numbers
        )

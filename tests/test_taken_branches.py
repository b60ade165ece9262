"""What the gate on critical modules sees: each statement and each way round a block, once taken."""

import importlib
import sys
from pathlib import Path

import pytest
from taken import Counter, never_taken

MODULE = '''\
"""A module."""
from typing import assert_never

def plain(x):
    """Say."""
    if x > 1:
        x -= 1
    elif x < 0:
        return None
    for each in range(x):
        if each == 3:
            return "three"
    while x:
        x -= 1
    return "end"

class Machine:
    async def chosen(self, what):
        match what:
            case "a":
                return 1
            case "b":
                pass
        try:
            return int(what)
        except ValueError:
            return await nobody(what)
        finally:
            self.done = True

async def nobody(what):
    match what:
        case "c":
            return lambda: what
        case _:
            assert_never(what)
'''


async def test_what_no_test_came_by_is_named_by_file_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "counted").mkdir()
    (tmp_path / "counted" / "ground.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    counter = Counter(tmp_path, ["counted/ground.py"])
    counter.start()
    ground = importlib.import_module("counted.ground")

    def missing() -> set[tuple[int, str]]:
        lines = [line.split(":", 2) for line in never_taken(tmp_path, counter.taken)]
        assert {file for file, _, _ in lines} <= {"counted/ground.py"}
        return {(int(number), what.strip()) for _, number, what in lines}

    assert ground.plain(2) == "end"
    machine = ground.Machine()
    assert await machine.chosen("7") == 7
    assert missing() == {(8, "its condition always held")} | {
        (line, "never ran") for line in (8, 9, 12, 21, 23, 27, 32, 34)
    }
    assert [ground.plain(x) for x in (-1, 5, 0)] == [None, "three", "end"]
    assert await machine.chosen("a") == 1
    assert callable(await machine.chosen("c"))
    assert missing() == {(23, "never ran")}
    with pytest.raises(AssertionError):
        await machine.chosen("b")
    assert not missing()

"""Schedules are data: the same seed thinks up the same ones, and a file gives them back."""

from pathlib import Path

from sandbox import Sandbox

from tests.soak.places import PLACES, rule
from tests.soak.soak import chunk_of
from tests.soak.steps import Create, Fault, Schedule, Script


def test_the_same_seed_thinks_up_the_same_schedules() -> None:
    first, _ = chunk_of(1, 0, 60)
    assert first == chunk_of(1, 0, 60)[0]
    assert len(set(first)) == len(first) == 60
    assert first != chunk_of(2, 0, 60)[0]


def test_a_script_reads_as_it_was_written(tmp_path: Path) -> None:
    schedules, _ = chunk_of(1, 1, 20)
    script = Script(tuple(schedules), ("something broke",))
    path = tmp_path / "script.json"
    script.save(path)
    assert Script.load(path) == script


def test_every_step_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    steps = (Fault(0, "duffel.create_order", "late"), Create(0))
    Script((Schedule(steps),), ("why",)).save(path)
    assert '        {"do": "Create", "wish": 0}\n' in path.read_text()


def test_the_sandboxes_know_every_fault_that_is_drawn(clean_sandbox: Sandbox) -> None:
    known = {(o["vendor"], o["operation"]) for o in clean_sandbox.control("GET", "/operations")}
    for place, (_, effects) in PLACES.items():
        vendor, _, operation = place.partition(".")
        assert (vendor, operation) in known
        for effect in effects:
            clean_sandbox.control("POST", "/faults", rule(place, effect, "nobody", 1))
    clean_sandbox.control("DELETE", "/faults")

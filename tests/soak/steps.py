"""A schedule: who the traveller is, and what happens to them, step by step, as plain data.

Written as JSON, so that a schedule that broke something is a short script that people can read.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Create:
    """Make a wish. `again`: the answer got lost, so the same request comes a second time."""

    wish: int
    mode: str = "auto"
    budget: int = 2000
    refundable: bool = False
    again: bool = False


@dataclass(frozen=True)
class Edit:
    wish: int
    mode: str = "auto"
    budget: int = 2000
    again: bool = False


@dataclass(frozen=True)
class Ask:
    """Ask the wish's process for something: pause, resume, cancel, approve or reject."""

    wish: int
    what: str
    again: bool = False


@dataclass(frozen=True)
class Rest:
    """Let the search find what there is and the booking go on until it waits for something."""

    wish: int


@dataclass(frozen=True)
class Fare:
    """Let the cheapest flights cost this much from now on."""

    amount: int


@dataclass(frozen=True)
class Card:
    """Save another card and make it the default."""

    token: str


@dataclass(frozen=True)
class Clock:
    """Move the clock of one kind of process: campaign, search, attempt or order."""

    wish: int
    what: str
    minutes: int


@dataclass(frozen=True)
class Bank:
    """Go to the bank's page, if it asked for that, and approve or fail there."""

    wish: int
    outcome: str


@dataclass(frozen=True)
class GiveBack:
    """Have the booking cancelled by its quote."""

    wish: int
    again: bool = False


@dataclass(frozen=True)
class Fault:
    """Let a call of the wish's n-th attempt, or of its order, go wrong."""

    wish: int
    place: str
    effect: str
    attempt: int = 1
    times: int = 1


@dataclass(frozen=True)
class Kill:
    """kill -9 the worker: in the middle of the next such call, or right now without a place."""

    wish: int
    place: str = ""
    after: bool = False
    attempt: int = 1


Step = Create | Edit | Ask | Rest | Fare | Card | Clock | Bank | GiveBack | Fault | Kill
_KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in Step.__args__}


@dataclass(frozen=True)
class Schedule:
    """`card` is the traveller's first one, `fare` what the flights cost at first."""

    steps: tuple[Step, ...]
    card: str = "pm_card_visa"
    fare: int = 500

    @property
    def kills(self) -> bool:
        return any(isinstance(step, Kill) for step in self.steps)

    def to_json(self) -> dict[str, Any]:
        steps = [{"do": type(step).__name__, **_told(step)} for step in self.steps]
        return {"card": self.card, "fare": self.fare, "steps": steps}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Schedule":
        steps = [
            _KINDS[step["do"]](**{k: v for k, v in step.items() if k != "do"})
            for step in data["steps"]
        ]
        return cls(tuple(steps), data["card"], data["fare"])

    def __str__(self) -> str:
        lines = [f"a traveller with {self.card}, flights at {self.fare}"]
        for step in self.steps:
            words = " ".join(f"{name}={value}" for name, value in _told(step).items())
            lines.append(f"  {type(step).__name__} {words}")
        return "\n".join(lines)


def _told(step: Step) -> dict[str, Any]:
    """Return the step's fields but those that say what is usual."""
    return {
        f.name: getattr(step, f.name)
        for f in dataclasses.fields(step)
        if f.default is dataclasses.MISSING or getattr(step, f.name) != f.default
    }


@dataclass(frozen=True)
class Script:
    """What a file holds: schedules that run side by side (nearly always one), and why it is kept."""

    schedules: tuple[Schedule, ...]
    broke: tuple[str, ...] = ()

    def save(self, path: Path) -> None:
        data = {
            "broke": list(self.broke),
            "schedules": [schedule.to_json() for schedule in self.schedules],
        }
        path.parent.mkdir(exist_ok=True)
        path.write_text(_readable(data) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Script":
        data = json.loads(path.read_text())
        return cls(tuple(map(Schedule.from_json, data["schedules"])), tuple(data["broke"]))


def _readable(data: dict[str, Any]) -> str:
    """Write JSON with one line for each step."""
    schedules = []
    for schedule in data["schedules"]:
        steps = ",\n".join(f"        {json.dumps(step)}" for step in schedule["steps"])
        head = f'"card": {json.dumps(schedule["card"])}, "fare": {schedule["fare"]}'
        schedules.append(f'    {{\n      {head},\n      "steps": [\n{steps}\n      ]\n    }}')
    broke = ",\n".join(f"    {json.dumps(each)}" for each in data["broke"])
    listed = ",\n".join(schedules)
    return f'{{\n  "broke": [\n{broke}\n  ],\n  "schedules": [\n{listed}\n  ]\n}}'

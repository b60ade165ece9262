"""What a benchmark hands back: figures, each beside what the alternatives took in the same run."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Beside:
    """An alternative's figure, measured in the same run."""

    name: str
    value: float


@dataclass(frozen=True)
class Figure:
    """One measured value. `target` says in words what was to be reached; `at_most` is checked."""

    name: str
    value: float
    unit: str
    target: str = ""
    beside: tuple[Beside, ...] = ()
    at_most: float | None = None


@dataclass(frozen=True)
class Result:
    """Everything that one benchmark measured; `notes` say what the figures do not."""

    name: str
    title: str
    sizes: dict[str, object]
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it, with what was missed, and each alternative's ratio.

        A ratio is ours divided by theirs.
        """
        told = asdict(self)
        for figure in told["figures"]:
            limit = figure.pop("at_most")
            if limit is not None:
                figure["target"] = f"at most {limit:g} {figure['unit']}"
                figure["missed"] = figure["value"] > limit
            for other in figure["beside"]:
                other["ratio"] = round(figure["value"] / other["value"], 3) if other["value"] else 0
        return told


def percentile(values: list[float], part: float) -> float:
    """Return the value below which so many of them lie: 0.95 is the 95th percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)

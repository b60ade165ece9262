"""A table of allowed state changes, checked in one way and drawable."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from domain.errors import IllegalTransition

S = TypeVar("S", bound=StrEnum)


class Transitions(Generic[S]):
    """The allowed changes of one entity's state."""

    def __init__(self, entity: str, table: Mapping[S, frozenset[S]]) -> None:
        self.entity, self.table = entity, table

    def check(self, current: S, wanted: S) -> None:
        """Raise IllegalTransition unless the table allows the change."""
        if wanted not in self.table[current]:
            raise IllegalTransition(self.entity, current, wanted)

    def allows(self, current: S, wanted: S) -> bool:
        return wanted in self.table[current]

    def final(self, state: S) -> bool:
        return not self.table[state]

    def mermaid(self) -> str:
        """Draw the table as a Mermaid state diagram."""
        lines = ["stateDiagram-v2"]
        for source, targets in self.table.items():
            lines += [f"    {source} --> {target}" for target in sorted(targets)]
            if not targets:
                lines.append(f"    {source} --> [*]")
        return "\n".join(lines) + "\n"

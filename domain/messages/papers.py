"""Looking through cards and passports for those that expire."""

from enum import StrEnum
from uuid import UUID

from domain.values import Value


class Papers(StrEnum):
    CARDS = "cards"
    PASSPORTS = "passports"


class PapersInput(Value):
    """Which are looked through, after which id: a page at a time."""

    papers: Papers = Papers.CARDS
    after: UUID | None = None


class PapersSeen(Value):
    """How many warnings were written, and what is next; None: all were seen."""

    warned: int = 0
    next: PapersInput | None = None

"""What the audit log's appender is asked and says."""

from domain.values import Value

AUDIT_ID = "keep-audit"


class ChainInput(Value):
    """Nothing is asked but that it is done."""


class Chained(Value):
    """How many rows were linked, and how far the chain reaches."""

    linked: int
    position: int

"""What the process that follows disputes says."""

from domain.values import Value

DISPUTES_ID = "disputes"
KEEP_DISPUTES_ID = "keep-disputes"


class DisputesSeen(Value):
    """How many disputes the processor has, and how many of them were news."""

    seen: int = 0
    changed: int = 0

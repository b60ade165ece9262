"""What an airline's change of booked flights can be answered with, in our own words."""

from typing import Literal, Protocol

from domain.values import Value


class ChangeAccepted(Value):
    outcome: Literal["accepted"] = "accepted"


class ChangeRefused(Value):
    """It was answered before, or a newer change has taken its place; nothing was done."""

    outcome: Literal["refused"] = "refused"
    code: str


class ScheduleChanges(Protocol):
    async def accept(self, change_id: str) -> ChangeAccepted | ChangeRefused:
        """Take the flights that the airline offers in place of the booked ones.

        Raises:
            OutcomeUnknown: read the order before anything else.
        """
        ...

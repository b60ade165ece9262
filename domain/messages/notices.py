"""What the telling of notices is asked for: by the API, by activities and by a schedule."""

from uuid import UUID

from domain.ids import UserId
from domain.values import Value


def telling_workflow_id(user_id: UUID) -> str:
    return f"telling:{user_id}"


class TellingInput(Value):
    user_id: UserId


class SweepInput(Value):
    """Who is looked for: people to whom something is overdue by so much, at most so many."""

    overdue_seconds: int = 120
    at_most: int = 200


class Sweep(Value):
    people: tuple[UserId, ...] = ()

"""What the workflow that forgets somebody, its activities and the API say to each other."""

from datetime import datetime
from uuid import UUID

from domain.erasures import ErasureState
from domain.ids import CampaignId, UserId
from domain.values import Value


def erasure_workflow_id(erasure_id: UUID) -> str:
    return f"erasure:{erasure_id}"


class ErasureInput(Value):
    erasure_id: UUID


class ErasureFacts(Value):
    """How it stands; ids only."""

    erasure_id: UUID
    user_id: UserId
    traveler: bool
    state: ErasureState
    due_at: datetime
    wishes: tuple[CampaignId, ...] = ()
    """Wishes that have not ended, which an account's erasure ends."""

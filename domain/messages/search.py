"""What the search loop, its activities and the campaigns say to each other."""

from datetime import datetime

from domain.ids import CampaignId
from domain.messages.campaign import OfferFound
from domain.offers import DatePair
from domain.values import Value


def search_workflow_id(seller: str) -> str:
    return f"search:{seller}"


class SearchInput(Value):
    seller: str
    rounds: int = 0
    looks: int = 0


class PlanInput(Value):
    seller: str


class DueLook(Value):
    """A date pair to look at now, and why."""

    pair: DatePair
    campaigns: int
    reason: str


class RoundPlan(Value):
    """What to look at now and when to think again; no `next_due_at`: only when nudged."""

    looks: tuple[DueLook, ...]
    next_due_at: datetime | None
    summary: str = ""
    width: int = 8
    stopped: tuple[CampaignId, ...] = ()
    """Campaigns that were stopped: their processes must hear of it."""


class LookInput(Value):
    """`look_key` makes a repeat of the same look the same row."""

    seller: str
    look_key: str
    pair: DatePair
    reason: str


class Match(Value):
    campaign_id: CampaignId
    offer: OfferFound


class LookResult(Value):
    matches: tuple[Match, ...] = ()
    offers: int = 0
    failed: str | None = None

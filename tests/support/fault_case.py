"""A case on its campaign, and what both sides' books say about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cli.invariants import Rows, Violation
from db.models import AttemptRow
from domain.attempts import LIVE, FailureReason
from domain.ids import attempt_id_for, booking_id_for
from domain.messages.campaign import NewCampaign
from tests.faults.matrix import DOUBT_SECONDS, SEARCHING, Case, Scenario, Script, Trial


@dataclass
class Aim:
    """A case, aimed at its campaign by a rule of the sandbox or by a hold in the worker."""

    case: Case
    rule: str = ""
    hold: str = ""
    reached_at: float = 0.0  # on the monotonic clock
    struck: bool = False


@dataclass
class Played:
    """A trial on its campaign; without one, a course that nothing disturbs."""

    trial: Trial | None
    scenario: Scenario
    new: NewCampaign
    aims: list[Aim] = field(default_factory=list)

    @property
    def reached(self) -> bool:
        return all(aim.reached_at for aim in self.aims)

    @property
    def searched_in_vain(self) -> bool:
        """Say whether the look itself was disturbed: it need not have found anything."""
        return self.trial is not None and self.trial.of_search_loop and self.reached

    @property
    def may_ask_a_person(self) -> bool:
        return self.trial is not None and self.trial.may_ask_a_person

    @property
    def doubt_seconds(self) -> float:
        return self.trial.doubt_seconds if self.trial else DOUBT_SECONDS

    def __str__(self) -> str:
        return str(self.trial or self.scenario)

    @property
    def attempt_id(self) -> UUID:
        return attempt_id_for(self.new.campaign_id, 1)

    def workflow_id(self, kind: str) -> str:
        ids: dict[str, object] = {
            "campaign": self.new.campaign_id,
            "attempt": self.attempt_id,
            "order": booking_id_for(attempt_id_for(self.new.campaign_id, 1)),
            SEARCHING: "duffel",
        }
        return f"{kind}:{ids[kind]}"

    @property
    def address(self) -> str:
        return f"{self.new.owner_id}@example.com"

    @property
    def day(self) -> str:
        return self.new.criteria.departure_from.isoformat()


def unfinished(one: Played, rows: Rows) -> str:
    """Say what a case still waits for; empty once it has come to a good rest."""
    campaign = next((c for c in rows.campaigns if c.id == one.new.campaign_id), None)
    if campaign is None:
        return "no campaign"
    attempts = [a for a in rows.attempts if a.campaign_id == campaign.id]
    bookings = [b for b in rows.bookings if b.campaign_id == campaign.id]
    state = campaign.status.value
    if any(a.state in LIVE for a in attempts) or state == "booking":
        return f"{state}, attempt {attempts[-1].state.value if attempts else 'none'}"
    settled = _settled(one, state)
    late = [b.state.value for b in bookings if b.state.value not in settled]
    if late:
        return f"booking {late[0]}"
    must_end = one.trial.must_end if one.trial else one.scenario.ends
    if must_end and state != must_end and not _ordered_in_vain(state, attempts):
        return f"{state}, but nothing stood in the way of {must_end}"
    asked = {t.kind for t in rows.tasks if t.campaign_id == campaign.id}
    if one.scenario.asks and state == must_end and one.scenario.asks not in asked:
        return f"{state}, and nobody was asked: {one.scenario.asks}"
    if state == "active" and not attempts and not one.searched_in_vain:
        return "active, not tried yet"
    return ""


def _ordered_in_vain(state: str, attempts: Sequence[AttemptRow]) -> bool:
    """Say whether the worker died for another's sake just as an order was to be sent.

    It is sure by now that there is none, and the wish watches on.
    """
    reasons = {attempt.failure_reason for attempt in attempts}
    return state in {"active", "cancelled"} and FailureReason.ORDER_NEVER_HAPPENED in reasons


def _settled(one: Played, state: str) -> set[str]:
    """Return the states in which a booking of this course may rest."""
    said_no = one.may_ask_a_person
    if one.scenario.script is Script.GIVE_BACK and not said_no:
        return {"cancelled"}
    settled = {"ticketed", "cancelled", "flown"}
    if one.scenario.script is Script.WAIT_FOR_TICKETS:
        settled.add("ticketing")
    if "unpaid_order" in one.scenario.asks or (said_no and state == "needs_action"):
        settled.add("ordered")  # an order that is neither paid nor given back is a person's
    return settled


def told(violation: Violation, ledger: dict[str, Any], rows: Rows, played: Sequence[Played]) -> str:
    """Name the case that a violation belongs to."""
    objects = [*ledger["duffel"]["orders"], *ledger["stripe"]["payment_intents"]]
    owner = {o["id"]: (o.get("metadata") or {}).get("campaign_id") for o in objects}
    owner |= {str(b.id): str(b.campaign_id) for b in rows.bookings}
    owner |= {c.key: _campaign_of(c.attempt_id, rows) for c in rows.calls}
    campaign = owner.get(violation.subject, violation.subject)
    one = next((p for p in played if str(p.new.campaign_id) == campaign), None)
    return f"{one or 'no case'}: {violation}"


def _campaign_of(attempt_id: UUID | None, rows: Rows) -> str:
    return next((str(a.campaign_id) for a in rows.attempts if a.id == attempt_id), "")

"""Attempts to book: all of them, and one with everything that is known of it."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.errors import not_found
from api.web.admin.asking import Asked, CursorQuery, choices
from api.web.admin.doing import new_key, seen
from api.web.admin.entry import OperatorDep, console, may, operating
from api.web.admin.listing import Listing
from api.web.admin.position import read_position, temporal_page
from api.web.views.console_attempt import attempt_view
from db.models.attempt import AttemptRow
from db.queries.console.attempts import attempt_facts
from db.queries.console.lists import count_in, table_of
from domain.attempts import LIVE, AttemptState, FailureReason
from domain.messages.attempt import attempt_workflow_id

router = APIRouter(tags=["console"], include_in_schema=False)
PATH = "/admin/attempts"
ONE = f"{PATH}/{{attempt_id}}"
_ACTIONS = (
    (
        "retry",
        "Try again now",
        "What it waits for is tried at once, by its own process; nothing is done twice.",
        "Retry",
        "btn main",
    ),
    (
        "compensate",
        "Undo it",
        "It is called off and releases what it held; refused once its order was sent.",
        "Compensate",
        "btn danger",
    ),
    (
        "adopt",
        "Take an order as its own",
        "An order that was found at the seller becomes this attempt's booking and is paid.",
        "Adopt",
        "btn",
    ),
    (
        "abandon",
        "End it without a booking",
        "Where nothing moves it any more; what it held is released. Not while its order may stand.",
        "Abandon",
        "btn danger",
    ),
)
_LIVE, _ALL = "live", "all"
_LISTING = Listing(PATH, "admin/attempts.html", table_of(AttemptRow), at="started_at")


@dataclass(frozen=True)
class AttemptsAsked(Asked):
    state: str = _LIVE
    reason: str = ""

    @property
    def states(self) -> list[str]:
        """Return the states that are looked for, none for all of them."""
        if self.state == _ALL:
            return []
        known = LIVE if self.state == _LIVE else {self.state} & set(AttemptState)
        return sorted(known)


@router.get(PATH)
async def show_attempts(visit: OperatorDep, cursor: CursorQuery = None) -> HTMLResponse:
    """List attempts, those first that began last."""
    asked = AttemptsAsked.of(visit.request.query_params)
    reason = [asked.reason] if asked.reason in set(FailureReason) else []
    async with operating(visit) as session:
        live = await count_in(session, AttemptRow, "state", LIVE)
        return await _LISTING.show_in(
            session,
            visit,
            asked,
            asked.narrow(state=asked.states, failure_reason=reason),
            cursor,
            live=live,
            states=[
                (_LIVE, "under way"),
                (_ALL, "all"),
                *choices([one.value for one in AttemptState])[1:],
            ],
            reasons=choices([one.value for one in FailureReason], "Any"),
        )


@router.get(ONE)
async def show_attempt(visit: OperatorDep, attempt_id: UUID) -> HTMLResponse:
    """Show one attempt: what happened, what was said, where its process stands."""
    async with operating(visit) as session:
        facts = await attempt_facts(session, attempt_id)
    if facts is None:
        raise not_found("attempt")
    workflow_id = attempt_workflow_id(attempt_id)
    return console(
        visit,
        "admin/attempt.html",
        room=PATH,
        facts=facts,
        attempt=facts.attempt,
        view=attempt_view(facts, visit.now),
        position=await read_position(visit.services, workflow_id),
        temporal_page=temporal_page(visit.services.settings, workflow_id),
        actions=_ACTIONS if facts.attempt.state in LIVE and may(visit, f"POST {ONE}/act") else (),
        expected=seen(facts.attempt.state.value, facts.attempt.row_version),
        key=new_key(),
    )

"""Attempts to book: all of them, and one with everything that is known of it."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.errors import not_found
from api.web.admin.asking import Asked, CursorQuery, choices
from api.web.admin.entry import OperatorDep, console, operating
from api.web.admin.position import read_position, temporal_page
from api.web.views.console_attempt import attempt_view
from db.models.attempt import AttemptRow
from db.queries.console.attempts import attempt_facts
from db.queries.console.lists import counts_by, newest, table_of
from domain.attempts import LIVE, AttemptState, FailureReason
from domain.messages.attempt import attempt_workflow_id

router = APIRouter(tags=["console"], include_in_schema=False)
PATH = "/admin/attempts"
_LIVE, _ALL = "live", "all"
_ATTEMPTS = table_of(AttemptRow)
_BEGAN = "started_at"


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
    narrow = asked.narrow(state=asked.states, failure_reason=reason)
    async with operating(visit) as session:
        page = await newest(session, _ATTEMPTS, narrow, at=_BEGAN, cursor=cursor)
        counts = await counts_by(session, _ATTEMPTS, "state", at=_BEGAN)
    states = [(_LIVE, "under way"), (_ALL, "all")]
    return console(
        visit,
        "admin/attempts.html",
        room=PATH,
        asked=asked,
        page=page,
        counts=counts,
        live=sum(counts.get(one.value, 0) for one in LIVE),
        states=states + choices([one.value for one in AttemptState])[1:],
        reasons=choices([one.value for one in FailureReason], "Any"),
        next_path=asked.path(PATH, cursor=page.next_cursor) if page.next_cursor else None,
        first_path=asked.path(PATH) if cursor else None,
    )


@router.get(f"{PATH}/{{attempt_id}}")
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
    )

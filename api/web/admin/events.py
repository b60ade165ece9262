"""What providers told us of their own accord: filtered, one with what was kept of it, once more."""

from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.errors import not_found
from api.web.admin.asking import Asked, CursorQuery, choices
from api.web.admin.doing import new_key, seen
from api.web.admin.entry import OperatorDep, console, may, operating
from api.web.admin.listing import Listing
from api.web.views.console_attempt import shown
from db.models.provider_event import ProviderEventRow
from db.queries.console.health import event_backlog
from db.queries.console.lists import Narrow, table_of
from db.queries.provider_events import events_about
from domain.provider_events import EventState, Signature, Teller

router = APIRouter(tags=["console"], include_in_schema=False)
PATH = "/admin/webhooks"
ONE = f"{PATH}/{{event_id}}"
_LISTING = Listing(PATH, "admin/webhooks.html", table_of(ProviderEventRow), at="received_at")
_TONES = {"done": "good", "left": "quiet", "pending": "wait", "dead": "bad", "refused": "bad"}
_SENTENCES = {
    EventState.PENDING: "It waits to be worked on. Polling goes on meanwhile, as ever.",
    EventState.DONE: "Whoever owns what it is about was made to ask the provider.",
    EventState.LEFT: "Nobody had to look because of it.",
    EventState.DEAD: "It was given up: its owner was not reached. Polling finds the same, later.",
    EventState.REFUSED: "These were not signed as they must be, so nothing of them was kept.",
}


@dataclass(frozen=True)
class EventsAsked(Asked):
    provider: str = ""
    state: str = ""
    signature: str = ""
    kind: str = ""
    about: str = ""

    def narrowed(self, ids: list[UUID] | None) -> Narrow:
        """Return what is looked for; an event is no person's."""
        plain = replace(self, person="")
        narrow = plain.narrow(
            provider=_known(Teller, self.provider),
            state=_known(EventState, self.state),
            signature=_known(Signature, self.signature),
            kind=[self.kind],
        )
        return replace(narrow, ids=ids)


@router.get(PATH)
async def show_events(visit: OperatorDep, cursor: CursorQuery = None) -> HTMLResponse:
    """List what came, the newest first."""
    asked = EventsAsked.of(visit.request.query_params)
    async with operating(visit) as session:
        ids = await events_about(session, asked.about) if asked.about else None
        return await _LISTING.show_in(
            session,
            visit,
            asked,
            asked.narrowed(ids),
            cursor,
            lag=await event_backlog(session, visit.now, visit.now),
            tones=_TONES,
            tellers=choices([one.value for one in Teller], "Any"),
            states=choices([one.value for one in EventState]),
            signatures=choices([one.value for one in Signature], "Any"),
        )


@router.get(ONE)
async def show_event(visit: OperatorDep, event_id: UUID) -> HTMLResponse:
    """Show what was kept of an event and what came of it, and offer to work on it again."""
    async with operating(visit) as session:
        row = await session.get(ProviderEventRow, event_id)
    if row is None:
        raise not_found("event")
    over = row.state not in {EventState.PENDING, EventState.REFUSED}
    return console(
        visit,
        "admin/webhook.html",
        room=PATH,
        row=row,
        tone=_TONES[row.state.value],
        sentence=_SENTENCES[row.state],
        payload=shown(row.facts),
        can_replay=over and may(visit, f"POST {ONE}/replay"),
        expected=seen(row.state.value, row.tries),
        key=new_key(),
    )


def _known(words: type[StrEnum], text: str) -> list[str]:
    """Return what was asked for where it is one of the words."""
    return [text] if text in set(words) else []

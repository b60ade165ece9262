"""What each form of the console needs: who acts and why, what they saw, and how no is said."""

from uuid import uuid4

from fastapi.responses import HTMLResponse

from api.web.admin.entry import console
from api.web.forms import Form
from api.web.visits import Visit
from domain.audit import Actor, ActorKind, Channel

SHORTEST, LONGEST = 4, 500
NO_REASON = "Say why, in a few words: it is kept with what you do. Nothing was done."


def actor_of(visit: Visit) -> Actor:
    """Return who acts, as the audit log names them."""
    client = visit.request.client
    return Actor(
        ActorKind.PERSON,
        str(visit.user_id),
        Channel.PAGES,
        role=visit.me.role.value,
        network=client.host if client else "",
    )


def name_of(visit: Visit) -> str:
    """Return what a person reads of an operator who looked at their data."""
    return f"{visit.me.role.value}, {str(visit.user_id)[:8]}"


def reason_in(form: Form) -> str | None:
    """Return the reason that was given; None where there is none to speak of."""
    reason = form.text("reason")[:LONGEST]
    return reason if len(reason) >= SHORTEST else None


def seen(state: str, version: int | None = None) -> str:
    """Write what an operator looks at, to be held against what is so when they act."""
    return state if version is None else f"{state}|{version}"


def turned_away(visit: Visit, back: str, sentence: str, *, status: int = 422) -> HTMLResponse:
    """Say that nothing was done, and why."""
    return console(visit, "admin/refused.html", status=status, sentence=sentence, back=back)


def new_key() -> str:
    return str(uuid4())

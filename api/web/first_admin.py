"""The page that makes the first admin of an installation, once."""

from fastapi import APIRouter
from starlette.responses import Response

from api.operating.desk import Desk
from api.operating.first_admin import PATH, become_first_admin, is_good, nobody_is_admin
from api.web.forms import FormDep
from api.web.pages import redirect, render
from api.web.step_up import SteppedUpDep
from api.web.visits import Visit
from db.session import SystemActor

router = APIRouter(tags=["pages"], include_in_schema=False)
_ACTOR = SystemActor("first admin")
_DEAD = (
    "It has run out, or there is an admin already. While there is none, each start of the"
    " installation prints a fresh one. Nothing was changed."
)


@router.get(PATH + "/{token}")
async def show_first_admin(token: str, visit: SteppedUpDep) -> Response:
    """Say what the button does."""
    if not await _works(visit, token):
        return _dead(visit)
    return render(visit, "accounts/first_admin.html", nav="account", action=f"{PATH}/{token}")


@router.post(PATH + "/{token}")
async def submit_first_admin(token: str, visit: SteppedUpDep, _form: FormDep) -> Response:
    """Make whoever is signed in the first admin."""
    if not await _works(visit, token):
        return _dead(visit)
    if not visit.me.email_confirmed:
        return redirect(f"/account/confirm?next={PATH}/{token}")
    desk = Desk.of(visit.services)
    if not await become_first_admin(desk, visit.user_id, visit.now, but=visit.me.session_id):
        return _dead(visit)
    return redirect("/admin", say="You are the first admin. Roles take two from here on.")


async def _works(visit: Visit, token: str) -> bool:
    secret = visit.services.settings.hmac_secret.get_secret_value()
    if visit.services.operators is None or not is_good(secret, token, visit.now):
        return False
    async with visit.services.operators.transaction(_ACTOR) as session:
        return await nobody_is_admin(session)


def _dead(visit: Visit) -> Response:
    title = "This link does not work"
    return render(visit, "message.html", status=410, title=title, sentence=_DEAD, more="")

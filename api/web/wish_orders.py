"""What somebody asks of a wish on its page: pause, resume, cancel, yes and no."""

from uuid import UUID, uuid4

from fastapi import APIRouter
from starlette.responses import Response

from api.processes import ProcessEnded, ask_campaign
from api.web.forms import Form, FormDep
from api.web.pages import redirect
from api.web.step_up import require_step_up
from api.web.views.wish_card import wish_path
from api.web.visits import ConfirmedDep, SignedInDep, Visit
from api.web.wishes import load_wish
from domain.campaigns import CampaignState
from domain.messages.campaign import CampaignAnswerCode as Code

router = APIRouter(prefix="/auto-booking/wishes/{campaign_id}", tags=["pages"])

_DONE = {
    "pause": "The wish is paused. Nobody looks for flights and nothing is charged until you resume"
    " it.",
    "resume": "The wish is watched again.",
    "cancel_with_undo": "The wish is cancelled. Nothing is searched or charged any more; if a"
    " booking had begun, it is undone. You can take that back for a minute.",
    "undo": "The wish is as it was, under the consent that you gave before.",
    "approve": "We search these flights once more and book them at this price or below. You may"
    " close this page.",
    "reject": "We leave these flights alone and go on watching. Nothing was charged.",
}
_REFUSED = {
    Code.BEING_BOOKED: "A booking is already being placed and will finish. As soon as it is"
    " booked, you can give it back on the booking's page.",
    Code.BOOKED: "It is booked already. You can give the booking back on its page.",
    Code.STALE: "The wish was changed meanwhile. Look at it again, then repeat what you wanted.",
    Code.NO_SUCH_PROPOSAL: "These flights are not on offer any more. If fares fit again, we ask"
    " you again. Nothing was charged.",
    Code.KEY_CLASH: "This was sent twice with different contents. Look at the wish and repeat"
    " what you wanted.",
}


@router.post("/pause", include_in_schema=False)
async def submit_pause(campaign_id: UUID, visit: SignedInDep, form: FormDep) -> Response:
    return await _ask(visit, form, campaign_id, "pause")


@router.post("/resume", include_in_schema=False)
async def submit_resume(campaign_id: UUID, visit: SignedInDep, form: FormDep) -> Response:
    return await _ask(visit, form, campaign_id, "resume")


@router.post("/cancel", include_in_schema=False)
async def submit_cancel(campaign_id: UUID, visit: SignedInDep, form: FormDep) -> Response:
    """Stop the money at once; the wish can be taken back for a minute."""
    return await _ask(visit, form, campaign_id, "cancel_with_undo")


@router.post("/undo", include_in_schema=False)
async def submit_undo(campaign_id: UUID, visit: SignedInDep, form: FormDep) -> Response:
    return await _ask(visit, form, campaign_id, "undo")


@router.post("/approve", include_in_schema=False)
async def submit_approval(campaign_id: UUID, visit: ConfirmedDep, form: FormDep) -> Response:
    """Take the yes of somebody who has just shown a second factor: money will move."""
    await load_wish(visit, campaign_id)
    require_step_up(visit, wish_path(campaign_id, "/approve"))
    return await _ask(visit, form, campaign_id, "approve", _proposal(form))


@router.post("/reject", include_in_schema=False)
async def submit_rejection(campaign_id: UUID, visit: SignedInDep, form: FormDep) -> Response:
    return await _ask(visit, form, campaign_id, "reject", _proposal(form))


def _proposal(form: Form) -> UUID:
    """Read which proposal was answered; one that cannot be read is one that is not there."""
    try:
        return UUID(form.text("proposal_id"))
    except ValueError:
        return uuid4()


async def _ask(visit: Visit, form: Form, campaign_id: UUID, update: str, *args: object) -> Response:
    """Ask the wish's process, and say on its page what came of it."""
    await load_wish(visit, campaign_id)
    key = form.text("key") or None
    try:
        answer = await ask_campaign(visit.services.temporal, campaign_id, update, *args, key=key)
        code = answer.code
    except ProcessEnded:
        code = Code.ENDED
    here = wish_path(campaign_id)
    if code in {Code.DONE, Code.ALREADY}:
        return redirect(here, say=_DONE[update])
    if code is Code.ENDED:
        status = (await load_wish(visit, campaign_id)).row.status
        if status is CampaignState.CANCELLED and update == "cancel_with_undo":
            return redirect(here, say=_DONE[update])
        return redirect(here, say="This wish has ended; nothing about it can be changed any more.")
    return redirect(here, say=_REFUSED.get(code, _not_now(update)))


def _not_now(update: str) -> str:
    verbs = {
        "approve": "answered",
        "cancel_with_undo": "cancelled",
        "pause": "paused",
        "reject": "answered",
        "resume": "resumed",
        "undo": "taken back",
    }
    return f"The wish cannot be {verbs[update]} as it stands now. Nothing was changed."

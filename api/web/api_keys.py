"""The page of a person's API keys: made, shown once, limited, revoked."""

import base64
import binascii
import json
from datetime import timedelta
from uuid import UUID, uuid4

from fastapi import APIRouter
from starlette.responses import Response

from api.errors import not_found
from api.telling import tell
from api.web import cookies
from api.web.factor_desk import note
from api.web.forms import Form, FormDep, Problems
from api.web.pages import redirect, render
from api.web.step_up import is_stepped_up
from api.web.views.api_keys import KeyShown, NewKey, read_new_key
from api.web.visits import SignedInDep, Visit, back_to
from db.accounts import issue_api_key
from db.queries.api_keys import committed_minor
from db.queries.users import list_api_keys, revoke_api_key
from domain.api_keys import Scope
from domain.ids import derive

router = APIRouter(tags=["pages"], include_in_schema=False)
PATH = "/account/api-keys"
_NEW = f"{PATH}/new"
# What was typed, while its owner shows a second factor.
_DRAFT = "__Host-key-draft"
_DRAFT_SECONDS = 15 * 60
_MOST_KEYS = 25
_DAYS = (30, 90, 180, 365)


@router.get(PATH)
async def show_api_keys(visit: SignedInDep) -> Response:
    async with visit.transaction() as session:
        rows = await list_api_keys(session, visit.user_id)
        keys = [
            KeyShown.of(row, await committed_minor(session, row.id, visit.now), visit.now)
            for row in rows
        ]
    live = [one for one in keys if one.live]
    ended = [one for one in keys if not one.live]
    return render(visit, "api_keys/list.html", live=live, ended=ended, nav="account")


@router.get(_NEW)
async def show_new_key(visit: SignedInDep) -> Response:
    """Ask what the key is for and what it may do; what was typed before is there again."""
    response = _new_page(visit, _draft(visit))
    cookies.forget(response, _DRAFT)
    return response


@router.post(PATH)
async def submit_new_key(visit: SignedInDep, form: FormDep) -> Response:
    """Make the key, after a second factor if it may spend; show it this once."""
    problems = Problems()
    wanted = read_new_key(form, visit.services.settings.policy.seller_currencies, problems)
    if wanted is None:
        return _new_page(visit, form.values(), problems)
    if wanted.scope is Scope.SPEND and not is_stepped_up(visit):
        return _kept_for_later(form)
    key = await _made(visit, form, wanted)
    if key is None:
        return redirect(
            PATH, say="This key was made already, or you have 25. It is shown only once."
        )
    await tell(visit.services, visit.user_id)
    return render(visit, "api_keys/made.html", key=key, wanted=wanted, nav="account")


async def _made(visit: Visit, form: Form, wanted: NewKey) -> str | None:
    """Make the key; None if this very form made it before, or there are too many."""
    key_id = derive("api-key", visit.user_id, form.text("key"))
    async with visit.transaction() as session:
        rows = await list_api_keys(session, visit.user_id)
        live = [row for row in rows if row.revoked_at is None]
        if len(live) >= _MOST_KEYS or key_id in {row.id for row in rows}:
            return None
        _, key = await issue_api_key(
            session,
            visit.user_id,
            name=wanted.name,
            pepper=visit.services.settings.api_key_pepper,
            now=visit.now,
            grant=wanted.grant(visit.now + timedelta(days=wanted.days)),
            key_id=key_id,
        )
        spends = wanted.scope is Scope.SPEND
        await note(session, visit.user_id, visit.now, "api_key_created", may_spend=spends)
    return key


@router.post(PATH + "/{api_key_id}/revoke")
async def submit_revocation(visit: SignedInDep, _form: FormDep, api_key_id: UUID) -> Response:
    """Let a key open nothing any more, at once. What it consented to stays agreed."""
    async with visit.transaction() as session:
        if not await revoke_api_key(session, visit.user_id, api_key_id, visit.now):
            raise not_found("key")
    return redirect(PATH, say="The key is revoked: it opens nothing any more.")


def _kept_for_later(form: Form) -> Response:
    """Lead to a second factor and back; the browser keeps what was typed, nobody else."""
    response = redirect(back_to("/step-up", _NEW))
    packed = base64.urlsafe_b64encode(json.dumps(form.values()).encode()).decode()
    cookies.keep(response, _DRAFT, packed, seconds=_DRAFT_SECONDS)
    return response


def _draft(visit: Visit) -> dict[str, str]:
    try:
        found = json.loads(base64.urlsafe_b64decode(visit.request.cookies.get(_DRAFT, "")))
    except (binascii.Error, ValueError):
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def _new_page(visit: Visit, values: dict[str, str], problems: Problems | None = None) -> Response:
    policy = visit.services.settings.policy
    return render(
        visit,
        "api_keys/new.html",
        status=422 if problems else 200,
        values=values,
        problems=problems,
        key=values.get("key") or str(uuid4()),
        currency_options=[(one, one) for one in policy.seller_currencies],
        day_options=[(days, f"{days} days") for days in _DAYS],
        nav="account",
    )

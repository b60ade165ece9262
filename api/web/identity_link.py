"""Linking an identity to an account that exists: by who is signed in and has just stepped up."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.responses import Response

from api.errors import conflict, not_found
from api.telling import tell
from api.web import cookies
from api.web.factor_desk import note
from api.web.forms import FormDep
from api.web.identity import address_of_flow, link, provider_of, stale
from api.web.identity_flow import (
    KNOWN,
    Known,
    Purpose,
    keep_flow,
    known_of,
    new_flow,
    session_matches,
)
from api.web.pages import redirect, render
from api.web.step_up import step_up_then
from api.web.visits import SignedInDep, Visit
from db.queries.oidc_identities import delete_identity, list_identities
from db.queries.users import get_user

PATH = "/account/identity"
router = APIRouter(prefix=PATH, tags=["pages"], include_in_schema=False)
LinkingDep = Annotated[Visit, Depends(step_up_then(PATH))]


@router.get("")
async def show_identities(visit: SignedInDep) -> Response:
    provider_of(visit)
    async with visit.transaction() as session:
        rows = await list_identities(session, visit.user_id)
        labels = [
            await visit.services.vault.open(
                session,
                visit.user_id,
                row.label_encrypted,
                table="oidc_identities",
                column="label",
                row_id=row.id,
            )
            for row in rows
        ]
    return render(
        visit,
        "accounts/identities.html",
        nav="account",
        name=visit.services.settings.oidc.name,
        identities=list(zip(rows, labels, strict=True)),
    )


@router.post("/link")
async def submit_link(visit: LinkingDep, form: FormDep) -> Response:
    """Show the way to the provider: a form's own redirect may lead to us alone."""
    del form
    provider = provider_of(visit)
    flow = new_flow(visit, Purpose.LINK, PATH)
    there = await address_of_flow(visit, provider, flow)
    name = visit.services.settings.oidc.name
    response = render(visit, "accounts/identity_go.html", nav="account", name=name, there=there)
    keep_flow(response, visit, flow)
    return response


@router.get("/confirm")
async def show_confirm(visit: SignedInDep) -> Response:
    """Show whom the provider named, before they may open the account."""
    provider_of(visit)
    identity = _known(visit).identity
    return render(
        visit,
        "accounts/identity_confirm.html",
        nav="account",
        name=visit.services.settings.oidc.name,
        label=identity.email or identity.subject,
    )


@router.post("/confirm")
async def submit_confirm(visit: LinkingDep, form: FormDep) -> Response:
    del form
    provider_of(visit)
    known = _known(visit)
    async with visit.transaction() as session:
        linked = await link(session, visit, visit.user_id, known.identity)
        if linked:
            await note(session, visit.user_id, visit.now, "factor_added", factor="identity")
    if linked:
        await tell(visit.services, visit.user_id)
    say = "It opens your account from now on." if linked else "It opens an account already."
    response = redirect(PATH, say=say)
    cookies.forget(response, KNOWN)
    return response


@router.post("/{identity_id}/remove")
async def submit_remove(visit: LinkingDep, form: FormDep, identity_id: UUID) -> Response:
    """Unlink it, unless nothing else would open the account."""
    del form
    provider_of(visit)
    async with visit.transaction() as session:
        user = await get_user(session, visit.user_id)
        assert user is not None
        if user.password_hash is None and user.email_confirmed_at is None:
            raise conflict(
                "last_way_in",
                "Nothing else opens this account yet. Confirm your address first: then a link to"
                " a password can be sent to you.",
            )
        if not await delete_identity(session, visit.user_id, identity_id):
            raise not_found("identity")
        await note(session, visit.user_id, visit.now, "factor_removed", factor="identity")
    await tell(visit.services, visit.user_id)
    return redirect(PATH, say="It opens your account no longer.")


def _known(visit: Visit) -> Known:
    known = known_of(visit)
    if known is None or known.purpose is not Purpose.LINK:
        raise stale()
    if not session_matches(visit, known.session_id):
        raise stale()
    return known

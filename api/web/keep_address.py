"""The way back from a change of the address that its owner did not make."""

from fastapi import APIRouter
from starlette.responses import Response

from api.telling import tell
from api.web.forms import FormDep
from api.web.mailed_links import Followed, dead_link, follow, slowed, use_link
from api.web.pages import redirect, render
from api.web.visits import Visit, VisitDep
from db.errors import EmailTaken
from db.queries.account_links import void_links
from db.queries.pending_sign_ins import delete_pending
from db.queries.users import claim_address, get_user
from db.queries.web_sessions import revoke_sessions
from domain.accounts import CONSENT_PAUSE, LinkPurpose
from runtime.tokens import email_hash

router = APIRouter(tags=["pages"], include_in_schema=False)


@router.get("/keep/{token}")
async def show_keep(visit: VisitDep, token: str) -> Response:
    followed = await follow(visit, token, LinkPurpose.KEEP)
    if followed is None:
        return dead_link(visit)
    return render(
        visit,
        "accounts/keep.html",
        nav="account" if visit.visitor else "sign-in",
        action=f"/keep/{token}",
        address=followed.link_address,
        changed=followed.link_address != followed.account_address,
    )


@router.post("/keep/{token}")
async def submit_keep(visit: VisitDep, form: FormDep, token: str) -> Response:
    """Bring the address back, end every session, and let nobody consent for a day."""
    del form
    if (wait := await slowed(visit)) is not None:
        return wait
    followed = await follow(visit, token, LinkPurpose.KEEP)
    if followed is None:
        return dead_link(visit)
    try:
        kept = await _keep(visit, followed)
    except EmailTaken:
        return render(visit, "accounts/taken.html", status=409, nav="account")
    if not kept:
        return dead_link(visit)
    await tell(visit.services, followed.user_id)
    return redirect(
        "/forgot",
        say="Your address stays as it was, and every browser is signed out. Now choose a new"
        " password: somebody else knows yours.",
    )


async def _keep(visit: Visit, followed: Followed) -> bool:
    services, user_id, now = visit.services, followed.user_id, visit.now
    address = followed.link_address
    assert address is not None
    async with services.database.transaction(user_id) as session:
        if await use_link(session, followed.ids, now) is None:
            return False
        user = await get_user(session, user_id)
        assert user is not None
        if address != followed.account_address:
            sealed = await services.vault.seal(
                session, user_id, address, table="users", column="email", row_id=user_id
            )
            hashed = email_hash(services.settings.api_key_pepper, address)
            await claim_address(session, user, email_encrypted=sealed, email_hmac=hashed, now=now)
        # A link to a new password may be on its way to the address that was not the owner's.
        for purpose in (LinkPurpose.CONFIRM, LinkPurpose.RESET):
            await void_links(session, user_id, purpose, now)
        user.consent_blocked_until = now + CONSENT_PAUSE
        await revoke_sessions(session, user_id, now)
        await delete_pending(session, user_id)
        await services.account_mail.tell(session, user_id, "email_kept", now)
    return True

"""Signing in by way of an identity provider, and opening an account by it.

An identity is issuer and subject, and nothing else: that somebody's address there is one that we
know opens nothing. Linking one to an account that exists is `api/web/identity_link.py`.
"""

import hmac
import logging
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Query
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.errors import ApiProblem, not_found, unavailable
from api.telling import tell
from api.throttle import link_tries, mail_tries, new_account_tries, take
from api.web import cookies
from api.web.forms import FormDep, Problems
from api.web.identity_flow import (
    FLOW,
    KNOWN,
    Flow,
    Known,
    Purpose,
    flow_of,
    keep_flow,
    keep_known,
    known_of,
    new_flow,
    session_matches,
)
from api.web.pages import redirect, render
from api.web.signing_in import finish_sign_in, let_in
from api.web.tries import too_many, wait_until
from api.web.visits import Visit, VisitDep, back_to, safe_next
from db.models.oidc_identity import OidcIdentityRow
from db.queries.oidc_identities import IdentityIds, add_identity, find_identity, touch_identity
from db.queries.users import create_user
from db.session import SystemActor
from domain.accounts import NO_ADDRESS, clean_address
from domain.ids import UserId
from providers.errors import ProviderError, ProviderUnavailable
from providers.ports import Identity, IdentityProvider
from runtime.crypto import hmac_hex
from runtime.tokens import email_hash

router = APIRouter(tags=["pages"], include_in_schema=False)
RETURN = "/sign-in/provider/return"
NEW = "/sign-in/provider/new"
CONFIRM = "/account/identity/confirm"
_ACTOR = SystemActor("authentication")
_log = logging.getLogger("api")
Answered = Annotated[str | None, Query(max_length=4000)]


class _AccountTaken(Exception):
    pass


@router.get("/sign-in/provider")
async def begin_sign_in(
    visit: VisitDep, wanted: Annotated[str | None, Query(alias="next", max_length=2000)] = None
) -> Response:
    """Lead to the provider."""
    provider = provider_of(visit)
    if visit.visitor is not None:
        return redirect(safe_next(wanted))
    flow = new_flow(visit, Purpose.SIGN_IN, safe_next(wanted))
    response = redirect(await address_of_flow(visit, provider, flow))
    keep_flow(response, visit, flow)
    return response


@router.get(RETURN)
async def show_return(
    visit: VisitDep,
    code: Answered = None,
    state: Answered = None,
    error: Answered = None,
    iss: Answered = None,
) -> Response:
    """Hear who has signed in there, and go on to what it was for."""
    provider, flow = provider_of(visit), flow_of(visit)
    if flow is None or state is None or not _same(state, flow.part(visit, "state")):
        raise stale()
    if again := await take(visit.services, link_tries(visit.request)):
        raise ApiProblem(429, "too_many", too_many(again, visit.now))
    name = visit.services.settings.oidc.name
    # RFC 9207: an answer that another provider gave, sent here.
    if iss is not None and iss != visit.services.settings.oidc.issuer:
        raise _refused(name)
    if error is not None or code is None:
        back = "/sign-in" if flow.purpose is Purpose.SIGN_IN else "/account/identity"
        response: Response = redirect(back, say=f"{name} said no. Nothing was changed.")
    else:
        response = await _received(visit, flow, await _redeem(visit, provider, flow, code))
    cookies.forget(response, FLOW)
    return response


@router.get(NEW)
async def show_new(visit: VisitDep) -> Response:
    """Say that no account is opened by this identity, and what can be done."""
    provider_of(visit)
    known = _known(visit)
    return _page(visit, known.identity.email or "")


@router.post(NEW)
async def submit_new(visit: VisitDep, form: FormDep) -> Response:
    """Open an account by the identity; its address is confirmed as any other."""
    provider_of(visit)
    known, services = _known(visit), visit.services
    problems, address = Problems(), clean_address(form.text("email"))
    if address is None:
        problems.add("email", NO_ADDRESS)
        return _page(visit, form.text("email"), problems, status=422)
    if again := await take(services, new_account_tries(visit.request)):
        problems.general.append(too_many(again, visit.now))
        return wait_until(_page(visit, address, problems, status=429), again, visit.now)
    try:
        user_id = await _open_account(visit, known.identity, address)
    except _AccountTaken:
        raise stale() from None
    await tell(services, user_id)
    leads_to = back_to("/account/confirm", known.leads_to)
    response = await finish_sign_in(visit, user_id, leads_to=leads_to)
    cookies.forget(response, KNOWN)
    return response


def provider_of(visit: Visit) -> IdentityProvider:
    """Return the installation's provider; where there is none, there is no such page."""
    if visit.services.identity is None:
        raise not_found("page")
    return visit.services.identity


async def address_of_flow(visit: Visit, provider: IdentityProvider, flow: Flow) -> str:
    """Return where at the provider the flow goes on."""
    try:
        return await provider.address(
            state=flow.part(visit, "state"),
            nonce=flow.part(visit, "nonce"),
            verifier=flow.part(visit, "verifier"),
            return_to=f"{visit.services.settings.base_url}{RETURN}",
            now=visit.now,
        )
    except ProviderError as error:
        raise _away(visit, error) from error


async def link(session: AsyncSession, visit: Visit, user_id: UserId, identity: Identity) -> bool:
    """Let an identity open an account, on its owner's transaction; False if it opens one."""
    row = OidcIdentityRow(
        id=uuid4(),
        user_id=user_id,
        identity_hash=identity_hash(visit.services.settings.api_key_pepper, identity),
        issuer=identity.issuer,
        label_encrypted="",
        created_at=visit.now,
    )
    row.label_encrypted = await visit.services.vault.seal(
        session, user_id, identity.email or identity.subject,
        table="oidc_identities", column="label", row_id=row.id,
    )  # fmt: skip
    return await add_identity(session, row)


def identity_hash(pepper: str, identity: Identity) -> str:
    """Return what an identity is found by. Issuers hold no line break, so no two pairs are one."""
    return hmac_hex(pepper, f"oidc:{identity.issuer}\n{identity.subject}")


def stale() -> ApiProblem:
    return ApiProblem(
        400,
        "stale_sign_in",
        "This was begun in another browser, or too long ago. Nothing was changed. Start again.",
    )


async def _redeem(visit: Visit, provider: IdentityProvider, flow: Flow, code: str) -> Identity:
    try:
        return await provider.redeem(
            code=code,
            verifier=flow.part(visit, "verifier"),
            nonce=flow.part(visit, "nonce"),
            return_to=f"{visit.services.settings.base_url}{RETURN}",
            now=visit.now,
        )
    except ProviderUnavailable as error:
        raise _away(visit, error) from error
    except ProviderError as error:
        _log.warning("identity refused code=%s", error.code)
        raise _refused(visit.services.settings.oidc.name) from error


async def _received(visit: Visit, flow: Flow, identity: Identity) -> Response:
    if flow.purpose is Purpose.LINK:
        if not session_matches(visit, flow.session_id):
            raise stale()
        response: Response = redirect(CONFIRM)
        keep_known(response, visit, identity, flow)
        return response
    ids = await _opens(visit, identity)
    if ids is not None:
        async with visit.services.database.transaction(ids.user_id) as session:
            await touch_identity(session, ids.identity_id, visit.now)
        return await let_in(visit, ids.user_id, leads_to=flow.leads_to)
    response = redirect(NEW)
    keep_known(response, visit, identity, flow)
    return response


async def _opens(visit: Visit, identity: Identity) -> IdentityIds | None:
    digest = identity_hash(visit.services.settings.api_key_pepper, identity)
    async with visit.services.database.transaction(_ACTOR) as session:
        return await find_identity(session, digest)


async def _open_account(visit: Visit, identity: Identity, address: str) -> UserId:
    services, now, user_id = visit.services, visit.now, UserId(uuid4())
    hashed = email_hash(services.settings.api_key_pepper, address)
    may_write = await take(services, mail_tries("confirm", hashed)) is None
    async with services.database.transaction(user_id) as session:
        user = await create_user(
            session, user_id=user_id, email_encrypted="", email_hmac=None, now=now
        )
        user.email_encrypted = await services.vault.seal(
            session, user_id, address, table="users", column="email", row_id=user_id
        )
        if not await link(session, visit, user_id, identity):
            raise _AccountTaken
        if may_write:
            await services.account_mail.confirm_address(session, user_id, address, now)
    return user_id


def _known(visit: Visit) -> Known:
    known = known_of(visit)
    if known is None or known.purpose is not Purpose.SIGN_IN:
        raise stale()
    return known


def _page(
    visit: Visit, address: str, problems: Problems | None = None, *, status: int = 200
) -> Response:
    return render(
        visit,
        "accounts/identity_new.html",
        status=status,
        nav="sign-in",
        name=visit.services.settings.oidc.name,
        email=address,
        problems=problems,
    )


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _away(visit: Visit, error: ProviderError) -> ApiProblem:
    _log.warning("identity provider away operation=%s code=%s", error.operation, error.code)
    name = visit.services.settings.oidc.name
    return unavailable(f"We could not reach {name}. Nothing was changed; try again in a moment.")


def _refused(name: str) -> ApiProblem:
    return ApiProblem(
        400,
        "identity_refused",
        f"What came back from {name} is not what we asked for, so nobody was signed in. Start"
        " again; if it happens once more, tell us.",
    )

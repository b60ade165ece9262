"""Who is asking: a bearer key, known to us by its keyed hash only."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.access import scope_of
from api.dependencies import ServicesDep
from api.errors import ApiProblem
from api.throttle import network_mark
from db.acting import act_from_here
from db.queries.users import find_api_key, get_api_key, touch_api_key, touch_is_due
from db.session import SystemActor, act_as
from domain.api_keys import FULL_GRANT, KeyGrant, Scope
from domain.audit import Actor, ActorKind, Channel
from domain.ids import UserId
from runtime.tokens import api_key_hash

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="ApiKey",
    bearerFormat="pk_…",
    description="Your API key. `parker keys create --email you@example.com` makes one.",
)
_ACTOR = SystemActor("authentication")


@dataclass(frozen=True)
class Caller:
    """The person behind a request, and what the key that they showed may do."""

    user_id: UserId
    key_id: UUID | None = None
    """None: no key was shown, but somebody is signed in, whose own consent is held elsewhere."""
    grant: KeyGrant = FULL_GRANT


def _refusal() -> ApiProblem:
    return ApiProblem(
        401,
        "key_needed",
        "Send your API key as `Authorization: Bearer pk_…`. This request had none, or one that is"
        " unknown, revoked or past its time.",
        headers={"WWW-Authenticate": "Bearer"},
    )


async def current_user(
    request: Request,
    services: ServicesDep,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    """Return who is asking; refuse with 401 unless a good key is shown."""
    if credentials is None or not credentials.credentials.startswith("pk_"):
        raise _refusal()
    digest = api_key_hash(services.settings.api_key_pepper, credentials.credentials)
    now = services.clock()
    async with services.database.transaction(_ACTOR) as session:
        found = await find_api_key(session, digest)
        if found is None:
            raise _refusal()
        key_id, user_id = found
        # The look-up tells ids only: the key itself is read as its owner.
        await act_as(session, user_id)
        key = await get_api_key(session, key_id)
        if key is None or key.grant.expired(now):
            raise _refusal()
        if touch_is_due(key, now):
            await touch_api_key(session, key_id, now)
    needed = scope_of(request.method, request.scope["route"].path)
    if not key.grant.may(needed):
        raise _beyond(needed)
    act_from_here(
        Actor(
            ActorKind.KEY,
            str(key_id),
            Channel.API,
            network=network_mark(services.settings, request, str(key_id)),
        )
    )
    return Caller(user_id, key_id, key.grant)


def _beyond(needed: Scope) -> ApiProblem:
    return ApiProblem(
        403,
        "scope_needed",
        f"This key has not the scope `{needed}`, which this request needs. Nothing was done. Make"
        " another key on the page of your keys, /account/api-keys.",
        extra={"scope": needed},
    )


CurrentUser = Annotated[Caller, Depends(current_user)]

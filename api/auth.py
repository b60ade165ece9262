"""Who is asking: a bearer key, known to us by its keyed hash only."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.dependencies import ServicesDep
from api.errors import ApiProblem
from db.queries.users import find_api_key, get_api_key, touch_api_key, touch_is_due
from db.session import SystemActor, act_as
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
    """The person behind a request."""

    user_id: UserId


def _refusal() -> ApiProblem:
    return ApiProblem(
        401,
        "key_needed",
        "Send your API key as `Authorization: Bearer pk_…`. This request had none, or one that is"
        " unknown or revoked.",
        headers={"WWW-Authenticate": "Bearer"},
    )


async def current_user(
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
        if key is None:
            raise _refusal()
        if touch_is_due(key, now):
            await touch_api_key(session, key_id, now)
    return Caller(user_id)


CurrentUser = Annotated[Caller, Depends(current_user)]

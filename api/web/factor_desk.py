"""What the pages of second factors share: who keeps them, what is asked, telling their owner."""

import json
from datetime import datetime
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import JSONResponse

from api.errors import ApiProblem
from api.web.passkeys import PasskeyRefused, Question, begin_assertion
from api.web.visits import Visit
from db.queries.notices import NewNotice, add_notices
from db.second_factors import SecondFactors
from domain.ids import UserId


def desk_of(visit: Visit) -> SecondFactors:
    return SecondFactors(visit.services.vault, visit.services.settings.api_key_pepper)


async def note(
    session: AsyncSession, user_id: UserId, now: datetime, event: str, **data: object
) -> None:
    """Write down what the owner is told by mail; call `tell` once it is committed."""
    notice = NewNotice(event=event, subject_id=uuid4(), user_id=user_id, data=data)
    await add_notices(session, [notice], now)


async def ask_passkey(
    session: AsyncSession, visit: Visit, user_id: UserId, question: Question
) -> JSONResponse:
    """Answer a page's script with a question to the person's passkeys."""
    try:
        asked = await begin_assertion(session, visit.services, user_id, question)
    except PasskeyRefused as refusal:
        raise ApiProblem(409, "no_passkeys", str(refusal)) from refusal
    return JSONResponse(json.loads(asked))

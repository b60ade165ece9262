"""What the pages of second factors share: who keeps them, and telling their owner."""

from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from api.web.visits import Visit
from db.queries.notices import NewNotice, add_notices
from db.second_factors import SecondFactors


def desk_of(visit: Visit) -> SecondFactors:
    return SecondFactors(visit.services.vault, visit.services.settings.api_key_pepper)


async def note(session: AsyncSession, visit: Visit, event: str, **data: object) -> None:
    """Write down what the owner is told by mail; call `tell` once it is committed."""
    notice = NewNotice(event=event, subject_id=uuid4(), user_id=visit.user_id, data=data)
    await add_notices(session, [notice], visit.now)

"""Files for letters, made as the pages make them.

The worker hands this to the activity that sends letters: so a mail encloses what the page gives,
and neither knows the other. What cannot be made keeps no letter waiting: its page has it as well.
"""

import logging
from datetime import datetime
from email.utils import parseaddr
from typing import assert_never

from sqlalchemy.ext.asyncio import AsyncSession

from api.booking_reading import BookingRead, read_booking
from api.handouts import calendars
from api.handouts.calendars import Method
from api.handouts.names import address_of, name_of
from api.handouts.press import NoPress, NotPrinted, Press
from db.models.notice import NoticeRow
from db.queries.billing import get_bill
from db.vault import PersonalVault
from domain.handouts import ENCLOSED, Handout
from domain.ids import UserId
from providers.ports import Attachment
from runtime.settings import Settings

_log = logging.getLogger("handouts")


class Enclosing:
    def __init__(self, vault: PersonalVault, settings: Settings) -> None:
        self._vault, self._settings = vault, settings
        self._press = Press()

    async def __call__(
        self, session: AsyncSession, notice: NoticeRow, *, zone: str, now: datetime
    ) -> tuple[Attachment, ...]:
        """Return the files of a notice about a booking."""
        wanted = ENCLOSED.get(notice.event, ())
        if not wanted or notice.booking_id is None:
            return ()
        owner = UserId(notice.user_id)
        read = await read_booking(session, self._vault, owner, notice.booking_id)
        if read is None:
            return ()
        made = [await self._made(session, read, one, zone, now) for one in wanted]
        return tuple(one for one in made if one is not None)

    async def _made(
        self, session: AsyncSession, read: BookingRead, what: Handout, zone: str, now: datetime
    ) -> Attachment | None:
        match what:
            case Handout.ITINERARY | Handout.RECEIPT:
                if not self._settings.notices.enclose_pdfs:
                    return None
                return await self._paper(session, read, what, zone, now)
            case Handout.FLIGHTS:
                return self._flights(read, Method.PUBLISH, now)
            case Handout.FLIGHTS_OFF:
                return self._flights(read, Method.CANCEL, now)
        assert_never(what)

    async def _paper(
        self, session: AsyncSession, read: BookingRead, what: Handout, zone: str, now: datetime
    ) -> Attachment | None:
        # All that pages need is not for a worker to load that prints nothing.
        from api.handouts import papers

        if what is Handout.ITINERARY:
            html = papers.itinerary(read, self._settings, now)
            return await self._printed(name_of(read.row, "itinerary", "pdf"), html)
        paid = read.payment
        bill = await get_bill(session, UserId(read.row.user_id), paid.id) if paid else None
        if bill is None:
            return None
        html = papers.receipt(bill, read, self._settings, zone)
        return await self._printed(papers.receipt_name(bill.payment.id), html)

    async def _printed(self, name: str, html: str) -> Attachment | None:
        try:
            pdf = await self._press.put_on_paper(html)
        except (NoPress, NotPrinted) as refusal:
            _log.warning("pdf left out of a letter error=%s", type(refusal).__name__)
            return None
        return Attachment(name=name, media_type="application/pdf", content=pdf)

    def _flights(self, read: BookingRead, method: Method, now: datetime) -> Attachment:
        written = calendars.write(
            calendars.entries(read.row, read.details, reference=True),
            now,
            method=method,
            organizer=parseaddr(self._settings.mail_from)[1],
            address=address_of(self._settings, read.row.id),
        )
        return Attachment(
            name=name_of(read.row, "flights", "ics"),
            media_type="text/calendar",
            content=written,
            parameters={"method": method.value, "charset": "utf-8"},
        )

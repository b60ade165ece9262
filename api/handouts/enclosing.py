"""Files for letters, made as the pages make them.

The worker hands this to the activity that sends letters: so a mail encloses what the page gives,
and neither knows the other. What cannot be made keeps no letter waiting: its page has it as well.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import parseaddr

from sqlalchemy.ext.asyncio import AsyncSession

from api.booking_reading import read_booking, read_details
from api.handouts import calendars
from api.handouts.calendars import Method
from api.handouts.names import address_of, name_of
from api.handouts.press import NoPress, NotPrinted, Press
from db.models.booking import BookingRow
from db.models.notice import NoticeRow
from db.queries.billing import get_bill
from db.queries.bookings import get_booking
from db.vault import PersonalVault
from domain.handouts import ENCLOSED, PAPERS, Handout
from domain.ids import UserId
from domain.order_details import OrderDetails
from providers.ports import Attachment
from runtime.settings import Settings

_log = logging.getLogger("handouts")
_METHODS: Mapping[Handout, Method] = {
    Handout.FLIGHTS: Method.PUBLISH,
    Handout.FLIGHTS_OFF: Method.CANCEL,
}


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
        papers = [one for one in wanted if one in PAPERS and self._settings.notices.enclose_pdfs]
        files = await self._papers(session, notice, papers, zone, now) if papers else []
        for what, method in _METHODS.items():
            row = await get_booking(session, notice.booking_id) if what in wanted else None
            if row is not None:
                files.append(await self._flights(session, row, method, now))
        return tuple(files)

    async def _papers(
        self,
        session: AsyncSession,
        notice: NoticeRow,
        wanted: Sequence[Handout],
        zone: str,
        now: datetime,
    ) -> list[Attachment]:
        # All that pages need is not for a worker to load that prints nothing.
        from api.handouts import papers

        owner, booking_id = UserId(notice.user_id), notice.booking_id
        read = await read_booking(session, self._vault, owner, booking_id) if booking_id else None
        if read is None:
            return []
        html: dict[str, str] = {}
        if Handout.ITINERARY in wanted:
            name = name_of(read.row, "itinerary", "pdf")
            html[name] = papers.itinerary(read, self._settings, now)
        if Handout.RECEIPT in wanted and read.payment is not None:
            bill = await get_bill(session, owner, read.payment.id)
            if bill is not None:
                name = papers.receipt_name(bill.payment.id)
                html[name] = papers.receipt(bill, read, self._settings, zone)
        printed = [await self._printed(name, text) for name, text in html.items()]
        return [one for one in printed if one is not None]

    async def _printed(self, name: str, html: str) -> Attachment | None:
        try:
            pdf = await self._press.put_on_paper(html)
        except (NoPress, NotPrinted) as refusal:
            _log.warning("pdf left out of a letter error=%s", type(refusal).__name__)
            return None
        return Attachment(name=name, media_type="application/pdf", content=pdf)

    async def _flights(
        self, session: AsyncSession, row: BookingRow, method: Method, now: datetime
    ) -> Attachment:
        # Only what the airline moved has flights before, which may have to go.
        moved = row.schedule_changes > 0
        details = await read_details(session, self._vault, row) if moved else OrderDetails()
        written = calendars.write(
            calendars.entries(row, details, reference=True),
            now,
            method=method,
            organizer=parseaddr(self._settings.mail_from)[1],
            address=address_of(self._settings, row.id),
        )
        return Attachment(
            name=name_of(row, "flights", "ics"),
            media_type="text/calendar",
            content=written,
            parameters={"method": method.value, "charset": "utf-8"},
        )

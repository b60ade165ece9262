"""Warning people in time of cards and passports that expire (S0-94)."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.common import RetryPolicy

from activities.failures import heartbeats
from activities.offers import WORKER
from activities.options import HEARTBEAT_TIMEOUT, ActivityOptions
from db.models.notice import NoticeRow
from db.models.payment_method import PaymentMethodRow
from db.models.traveler_document import TravelerDocumentRow
from db.queries.notices import NewNotice, add_notices
from db.queries.papers import campaigns_charging, cards_that_end, passports
from db.queries.transitions import append_event
from db.session import Database
from db.vault import PersonalVault
from domain.cards import valid_until
from domain.expiry import mark_reached, worth_a_look
from domain.ids import derive
from domain.messages.papers import Papers, PapersInput, PapersSeen
from domain.telling import Channel
from runtime.clock import activity_now
from runtime.key_store import KeyDestroyed

PAGE = 200
WARN = ActivityOptions(
    start_to_close_timeout=timedelta(minutes=5),
    heartbeat_timeout=HEARTBEAT_TIMEOUT,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=5), maximum_interval=timedelta(minutes=10)
    ),
)


class PaperActivities:
    def __init__(
        self,
        database: Database,
        vault: PersonalVault,
        *,
        card_marks: Sequence[int],
        passport_marks: Sequence[int],
    ) -> None:
        self._database, self._vault = database, vault
        self._card_marks, self._passport_marks = card_marks, passport_marks

    @activity.defn
    async def warn_of_expiry(self, request: PapersInput) -> PapersSeen:
        """Look through a page of cards or passports; warn of each once a mark.

        Each is a transaction of its own, and its notice is known by what it is about: a page that
        is looked through again warns of nothing twice.
        """
        async with heartbeats():
            match request.papers:
                case Papers.CARDS:
                    return await self._look(
                        request, self._cards, self._warn_of_card, Papers.PASSPORTS
                    )
                case Papers.PASSPORTS:
                    return await self._look(request, self._passports, self._warn_of_passport, None)

    async def _look(
        self,
        request: PapersInput,
        page: Callable[[AsyncSession, UUID | None], Awaitable[Sequence[Any]]],
        warn: Callable[[AsyncSession, Any, date], Awaitable[bool]],
        then: Papers | None,
    ) -> PapersSeen:
        today = activity_now().date()
        async with self._database.transaction(WORKER) as session:
            found = await page(session, request.after)
        warned = 0
        for row in found:
            async with self._database.transaction(WORKER) as session:
                warned += await warn(session, row, today)
        if len(found) == PAGE:
            return PapersSeen(
                warned=warned, next=PapersInput(papers=request.papers, after=found[-1].id)
            )
        return PapersSeen(warned=warned, next=PapersInput(papers=then) if then else None)

    async def _cards(self, session: AsyncSession, after: UUID | None) -> Sequence[PaymentMethodRow]:
        first, last = worth_a_look(activity_now().date(), self._card_marks)
        return await cards_that_end(session, first, last, after=after, limit=PAGE)

    async def _passports(
        self, session: AsyncSession, after: UUID | None
    ) -> Sequence[TravelerDocumentRow]:
        return await passports(session, after=after, limit=PAGE)

    async def _warn_of_card(
        self, session: AsyncSession, card: PaymentMethodRow, today: date
    ) -> bool:
        ends = valid_until(card.exp_year, card.exp_month)
        mark = mark_reached(ends, today, self._card_marks)
        if mark is None:
            return False
        wishes = await campaigns_charging(session, card)
        if not wishes and not card.is_default:
            return False  # nobody is about to use it; its page shows how it stands
        told = {"payment_method_id": str(card.id), "days_left": (ends - today).days}
        notice = NewNotice(
            event="card_expiring",
            subject_id=derive("card expiring", card.id, ends, mark),
            user_id=card.user_id,
            data={**told, "wishes": len(wishes), "expired": ends < today},
        )
        if not await self._write(session, notice):
            return False
        # The wishes' own pages say so too, at once.
        for campaign_id in wishes:
            await append_event(session, campaign_id, "card.expiring", told, activity_now())
        return True

    async def _warn_of_passport(
        self, session: AsyncSession, document: TravelerDocumentRow, today: date
    ) -> bool:
        try:
            ends = await self._vault.open_expiry(session, document)
        except KeyDestroyed:
            return False
        mark = mark_reached(ends, today, self._passport_marks) if ends else None
        if ends is None or mark is None:
            return False
        notice = NewNotice(
            event="passport_expiring",
            subject_id=derive("passport expiring", document.id, mark),
            user_id=document.user_id,
            # Until when it is good is sealed, and stays so: it is read when somebody looks.
            data={"document_id": str(document.id), "expired": ends < today},
        )
        return await self._write(session, notice)

    async def _write(self, session: AsyncSession, notice: NewNotice) -> bool:
        """Write a notice, unless it was written before."""
        if await session.get(NoticeRow, notice.on(Channel.INBOX)) is not None:
            return False
        await add_notices(session, [notice], activity_now())
        return True

"""Allowing flights once that cost a little more than the wish allows: an attempt under a consent
to these flights alone.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.campaign_rows import answer, closed, locked
from activities.mandate_guard import MandateGuard
from activities.offers import WORKER
from db.models import CampaignRow, OfferDecisionRow
from db.models.payment_method import PaymentMethodStatus
from db.queries import openings
from db.queries.allowances import decision_allowed, pair_of_look
from db.queries.attempts import attempt_opened_by, live_attempt
from db.queries.bookings import live_booking
from db.queries.mandates import insert_mandate, mandate_row, revoke_mandate
from db.queries.payments import get_method
from db.queries.switches import booking_stopped
from db.queries.transitions import append_event, change_state
from db.session import Database
from domain.campaigns import CampaignState
from domain.ids import LookId
from domain.mandate_document import MandateDocument, MandateKind
from domain.messages.campaign import Allowed, AllowOnceInput, OfferFound, OpenInput
from domain.messages.campaign import CampaignAnswerCode as Code
from runtime.clock import activity_now


class AllowanceActivities:
    def __init__(self, database: Database, guard: MandateGuard) -> None:
        self._database, self._guard = database, guard

    @activity.defn
    async def allow_once(self, request: AllowOnceInput) -> Allowed:
        """Open an attempt for the flights that were allowed; it searches them afresh.

        The consent's own id makes asking twice one attempt. The wish's budget stays as it is.
        """
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            row = await locked(session, request.campaign_id)
            document = self._guard.read(request.allow.consent)
            if document is None or document.kind is not MandateKind.ALLOW_ONCE:
                return Allowed(answer=await answer(session, row, Code.CONSENT_NEEDED))
            opened = await attempt_opened_by(session, _key(document))
            if opened is not None:
                return Allowed(
                    answer=await answer(session, row, Code.ALREADY),
                    attempt=openings.attempt_input(opened),
                )
            code = await self._refusal(session, row, request, document, now)
            if code is not None:
                return Allowed(answer=await answer(session, row, code))
            return await self._open(session, row, request, document, now)

    async def _refusal(
        self,
        session: AsyncSession,
        row: CampaignRow,
        request: AllowOnceInput,
        document: MandateDocument,
        now: datetime,
    ) -> Code | None:
        """Return why these flights cannot be allowed now, or None."""
        attempt = await live_attempt(session, row.id)
        refusal = await closed(session, row, attempt)
        if refusal:
            return refusal.code
        if attempt or row.status is CampaignState.BOOKING:
            return Code.BEING_BOOKED
        watches = row.status is CampaignState.ACTIVE and now < row.ends_at
        stopped = await booking_stopped(session) or await live_booking(session, row.id)
        if not watches or not row.mode.books or stopped:
            return Code.NOT_NOW
        if document.criteria_version != row.criteria_version:
            return Code.STALE
        decision = await self._decision(session, row, request)
        seen = decision.price if decision else None
        if decision is None or seen is None or decision.itinerary_key != document.itinerary_key:
            return Code.OFFER_GONE
        given = mandate_row(row, request.allow.consent)
        if await self._guard.refusal(session, row, given, seen, now):
            return Code.CONSENT_NEEDED
        card = await get_method(session, document.card_id) if document.card_id else None
        usable = card is not None and card.status is PaymentMethodStatus.USABLE
        if card is None or not usable or card.user_id != row.user_id:
            return Code.NOT_NOW
        return None

    async def _decision(
        self, session: AsyncSession, row: CampaignRow, request: AllowOnceInput
    ) -> OfferDecisionRow | None:
        allow = request.allow
        return await decision_allowed(session, row, allow.look_id, allow.offer_id)

    async def _open(
        self,
        session: AsyncSession,
        row: CampaignRow,
        request: AllowOnceInput,
        document: MandateDocument,
        now: datetime,
    ) -> Allowed:
        decision = await self._decision(session, row, request)
        assert decision is not None  # `_refusal` has just read it
        assert decision.price is not None
        assert decision.itinerary_key is not None
        assert document.card_id is not None
        card = await get_method(session, document.card_id)
        assert card is not None
        await revoke_mandate(session, row.id, now, kind=MandateKind.ALLOW_ONCE)
        mandate = await insert_mandate(session, row, request.allow.consent)
        opening = OpenInput(
            campaign_id=request.campaign_id,
            opening_key=_key(document),
            offer=OfferFound(
                look_id=LookId(decision.look_id),
                criteria_version=row.criteria_version,
                seller=row.seller,
                pair=await pair_of_look(session, decision.look_id, row.travelling),
                itinerary_key=decision.itinerary_key,
                price=decision.price,
            ),
        )
        attempt = await openings.insert_attempt(
            session, row, card, opening, limit=document.cap_each, mandate_id=mandate.id, now=now
        )
        told = {"amount_minor": document.cap_each.minor, "currency": document.currency}
        await append_event(session, row.id, "campaign.allowed_once", told, now)
        await change_state(
            session,
            row,
            CampaignState.BOOKING,
            now=now,
            event="campaign.booking",
            data={
                "attempt_id": str(attempt.id),
                "matched_minor": attempt.matched_minor,
                "currency": attempt.currency,
            },
        )
        return Allowed(
            answer=await answer(session, row, Code.DONE), attempt=openings.attempt_input(attempt)
        )


def _key(document: MandateDocument) -> str:
    return f"allow:{document.mandate_id}"

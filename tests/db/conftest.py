"""People, cards, wishes and attempts for the tests of the database."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from consents import signed
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.attempt import AttemptRow
from db.models.booking import BookingKind, BookingProvider, BookingRow
from db.models.campaign import CampaignRow
from db.models.payment_method import PaymentMethodRow
from db.queries.campaigns import insert_campaign
from db.queries.payment_methods import add_payment_method
from db.queries.users import create_user
from domain.campaigns import BookingMode
from domain.criteria import Criteria
from domain.ids import CampaignId, UserId, attempt_id_for
from domain.messages.campaign import Consent, NewCampaign
from domain.money import Money
from domain.offers import DatePair, Party

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


class Cast:
    """Makes valid rows; every argument is optional."""

    now = NOW
    pair = DatePair(
        origin="JFK",
        destination="LIS",
        departs_on=date(2027, 5, 10),
        returns_on=date(2027, 5, 18),
    )

    async def person(self, session: AsyncSession) -> UserId:
        user_id = UserId(uuid4())
        await create_user(
            session,
            user_id=user_id,
            email_encrypted="sealed",
            email_hmac=f"hmac-{user_id}",
            now=NOW,
        )
        return user_id

    async def card(self, session: AsyncSession, owner: UserId, **changes: Any) -> PaymentMethodRow:
        fields: dict[str, Any] = {
            "id": uuid4(),
            "user_id": owner,
            "provider": "stripe",
            "method_ref_encrypted": "sealed",
            "brand": "visa",
            "last4": "4242",
            "exp_month": 12,
            "exp_year": 2030,
            "created_at": NOW,
            "updated_at": NOW,
        }
        default = changes.pop("default", False)
        row = PaymentMethodRow(**(fields | changes))
        return await add_payment_method(session, row, default=default)

    def wish(self, **changes: Any) -> Criteria:
        fields: dict[str, Any] = {
            "origins": ("JFK",),
            "destinations": ("LIS",),
            "departure_from": date(2027, 5, 1),
            "departure_until": date(2027, 6, 15),
            "nights_min": 6,
            "nights_max": 10,
            "budget": Money(minor=52_000, currency="USD"),
        }
        return Criteria(**(fields | changes))

    def new_campaign(self, owner: UserId, **changes: Any) -> NewCampaign:
        criteria = changes.pop("criteria", None) or self.wish()
        fields: dict[str, Any] = {
            "campaign_id": CampaignId(uuid4()),
            "owner_id": owner,
            "name": "Lisbon in spring",
            "criteria": criteria,
            "mode": BookingMode.AUTO,
            "traveler_ids": (uuid4(),),
            "party": Party(),
            "consent": Consent(text_version="v1", cap=criteria.budget, consented_at=NOW),
            "body_hmac": "body",
            "created_at": NOW,
            "expires_at": NOW + timedelta(days=365),
            "ends_at": NOW + timedelta(days=200),
        }
        new = NewCampaign(**(fields | changes))
        return new if "consent" in changes else signed(new)

    async def campaign(
        self, session: AsyncSession, owner: UserId | None = None, **changes: Any
    ) -> CampaignRow:
        owner = owner or await self.person(session)
        row, _ = await insert_campaign(session, self.new_campaign(owner, **changes), NOW)
        return row

    async def attempt(
        self, session: AsyncSession, campaign: CampaignRow, number: int = 1, **changes: Any
    ) -> AttemptRow:
        card = campaign.payment_method_id
        if card is None:
            card = (await self.card(session, UserId(campaign.user_id))).id
        fields: dict[str, Any] = {
            "id": attempt_id_for(CampaignId(campaign.id), number),
            "campaign_id": campaign.id,
            "user_id": campaign.user_id,
            "number": number,
            "seller": "duffel",
            "pair": self.pair.model_dump(mode="json"),
            "itinerary_key": "ZZ1@2027-05-10T09:00",
            "matched_minor": 48_000,
            "limit_minor": 49_000,
            "currency": "USD",
            "criteria_version": campaign.criteria_version,
            "payment_method_id": card,
            "opening_key": f"{campaign.id}:{number}",
            "started_at": NOW,
            "updated_at": NOW,
        }
        row = AttemptRow(**(fields | changes))
        session.add(row)
        await session.flush()
        return row

    async def booking(
        self, session: AsyncSession, campaign: CampaignRow | None, owner: UserId, **changes: Any
    ) -> BookingRow:
        fields: dict[str, Any] = {
            "id": uuid4(),
            "kind": BookingKind.CAMPAIGN_FLIGHT,
            "user_id": owner,
            "campaign_id": campaign.id if campaign else None,
            "provider": BookingProvider.DUFFEL,
            "duffel_order_id": f"ord_{uuid4().hex}",
            "ticket_numbers": [],
            "itinerary": {"slices": []},
            "departs_at": NOW + timedelta(days=170),
            "arrives_at": NOW + timedelta(days=170, hours=8),
            "price_minor": 48_000,
            "currency": "USD",
            "ticketing_deadline": NOW + timedelta(days=1),
            "created_at": NOW,
            "updated_at": NOW,
        }
        row = BookingRow(**(fields | changes))
        session.add(row)
        await session.flush()
        return row


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture
def now() -> datetime:
    return NOW

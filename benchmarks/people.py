"""Travellers with a card, and wishes, put where the product would have put them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from api.web.cookies import SESSION
from benchmarks.consents import Seals, consent_to, document_for
from benchmarks.installation import Inside
from db.accounts import ensure_account, issue_api_key
from db.models import PaymentCustomerRow, PaymentMethodRow
from db.models.payment_method import PaymentMethodStatus
from db.queries.payment_methods import add_payment_method, ensure_payment_customer
from db.queries.travelers import add_traveler
from db.queries.web_sessions import add_session
from db.session import Database, SystemActor
from db.vault import vault_of
from domain.campaigns import BookingMode
from domain.criteria import Criteria
from domain.ids import PaymentMethodId, TravelerId, UserId, campaign_id_for
from domain.messages.campaign import NewCampaign
from domain.money import Money
from domain.offers import Party
from domain.travelers import TravelerDetails
from domain.wishes import last_bookable
from providers.registry import Providers
from runtime.settings import Settings
from runtime.web_tokens import new_token, session_hash

BENCH = SystemActor("benchmark")


class Registry:
    """Opens accounts. `providers` is needed for cards only."""

    def __init__(
        self, settings: Settings, database: Database, providers: Providers | None = None
    ) -> None:
        self._settings, self._database, self._providers = settings, database, providers
        self._vault = vault_of(settings)

    @classmethod
    def of(cls, house: Inside) -> "Registry":
        return cls(house.settings, house.database, house.providers)

    async def account(self) -> tuple[UserId, str]:
        """Open an account; return the person and a key to the API."""
        pepper, now = self._settings.api_key_pepper, datetime.now(UTC)
        async with self._database.transaction(BENCH) as session:
            user = await ensure_account(
                session, self._vault, email=f"{uuid4()}@example.com", pepper=pepper, now=now
            )
            _, key = await issue_api_key(session, user, name="bench", pepper=pepper, now=now)
        return user, key

    async def traveler(self, user: UserId) -> TravelerId:
        traveler = TravelerId(uuid4())
        details = TravelerDetails(
            given_name="Ada",
            family_name="Lovelace",
            born_on=date(1990, 5, 17),
            gender="f",
            title="ms",
            email="ada@example.com",
            phone="+442080160508",
        )
        async with self._database.transaction(BENCH) as session:
            sealed = await self._vault.seal_traveler(
                session, user, traveler, details, datetime.now(UTC)
            )
            await add_traveler(session, sealed.traveler, sealed.documents)
        return traveler

    async def card(self, user: UserId) -> PaymentMethodId:
        """Save a card of the sandbox as its hosted page would have done."""
        assert self._providers is not None
        now, card = datetime.now(UTC), PaymentMethodId(uuid4())
        customer = await self._providers.vault.create_customer(
            key=f"customer:{user}", user_reference=str(user)
        )
        async with httpx.AsyncClient() as http:
            answer = await http.post(
                f"{self._settings.sandbox_base_url}/stripe/v1/payment_methods/pm_card_visa/attach",
                data={"customer": customer},
                headers={"Authorization": f"Bearer {self._settings.stripe_secret_key}"},
            )
        method = answer.raise_for_status().json()
        async with self._database.transaction(BENCH) as session:
            seal = self._vault.seal
            await ensure_payment_customer(
                session,
                PaymentCustomerRow(
                    user_id=user,
                    provider="stripe",
                    customer_ref_encrypted=await seal(
                        session,
                        user,
                        customer,
                        table="payment_customers",
                        column="customer_ref",
                        row_id=user,
                    ),
                    created_at=now,
                ),
            )
            sealed = await seal(
                session,
                user,
                method["id"],
                table="payment_methods",
                column="method_ref",
                row_id=card,
            )
            await add_payment_method(session, _card_row(card, user, sealed, now), default=True)
        return card

    async def someone(self) -> tuple[UserId, TravelerId]:
        user, _ = await self.account()
        await self.card(user)
        return user, await self.traveler(user)


def _card_row(card: UUID, user: UserId, sealed: str, now: datetime) -> PaymentMethodRow:
    return PaymentMethodRow(
        id=card,
        user_id=user,
        provider="stripe",
        method_ref_encrypted=sealed,
        brand="visa",
        last4="4242",
        exp_month=12,
        exp_year=2034,
        status=PaymentMethodStatus.USABLE,
        created_at=now,
        updated_at=now,
    )


async def signed_in(settings: Settings, database: Database, user: UserId) -> str:
    """Sign a browser in without the door; return its cookie."""
    token, now = new_token(), datetime.now(UTC)
    async with database.transaction(user) as session:
        await add_session(
            session,
            session_id=uuid4(),
            user_id=user,
            token_hash=session_hash(settings.api_key_pepper, token),
            device="A benchmark",
            now=now,
            lasts=settings.accounts.session,
            stepped_up_at=now,
        )
    return f"{SESSION}={token}"


def wish(**changes: Any) -> Criteria:
    """Return JFK to LIS, one way, on one day six weeks from now, for a generous budget."""
    day = datetime.now(UTC).date() + timedelta(days=42)
    values: dict[str, Any] = {
        "origins": ("JFK",),
        "destinations": ("LIS",),
        "departure_from": day,
        "departure_until": day,
        "budget": Money(minor=200_000, currency="USD"),
    }
    return Criteria(**(values | changes))


def new_campaign(
    user: UserId,
    traveler: TravelerId,
    criteria: Criteria | None = None,
    *,
    seals: Seals,
    now: datetime | None = None,
) -> NewCampaign:
    """Return a campaign as the API would pass it on."""
    criteria, key, now = criteria or wish(), str(uuid4()), now or datetime.now(UTC)
    expires_at = now + timedelta(days=365)
    last = datetime.combine(last_bookable(criteria), datetime.min.time(), UTC)
    campaign_id = campaign_id_for(user, key)
    document = document_for(
        campaign_id, user, criteria, (traveler,), now=now, expires_at=expires_at
    )
    return NewCampaign(
        campaign_id=campaign_id,
        owner_id=user,
        name=seals.name(user),
        criteria=criteria,
        mode=BookingMode.AUTO,
        traveler_ids=(traveler,),
        party=Party(adults=1),
        consent=consent_to(document, seals.keys),
        body_hmac=key,
        created_at=now,
        expires_at=expires_at,
        ends_at=min(expires_at, last),
    )

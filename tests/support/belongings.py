"""One of each thing that a person of ours may have, for tests that ask who may see it."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

from consents import signed
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from db.accounts import issue_api_key
from db.models import (
    AccountLinkRow,
    AttemptRow,
    BookingRow,
    CampaignDraftRow,
    ErasureRow,
    OidcIdentityRow,
    PaymentMethodRow,
    PaymentRow,
    PaymentSetupRow,
    ProposalRow,
    TravelerFileRow,
    TripRequestRow,
)
from db.models.booking import BookingKind, BookingProvider
from db.models.notice import NoticeRow, NoticeState
from db.models.passkey import PasskeyRow
from db.models.shareable_link import LinkKind, ShareableLinkRow
from db.models.webhook import DeliveryState, WebhookEndpointRow
from db.queries.campaigns import insert_campaign
from db.queries.notices import NewNotice, add_notices
from db.queries.passkeys import add_passkey
from db.queries.payment_methods import add_payment_method, add_payment_setup
from db.queries.provider_events import store_event
from db.queries.shareable_links import add_shared
from db.queries.traveler_files import add_file
from db.queries.travelers import add_traveler, list_documents
from db.queries.web_sessions import add_session
from db.queries.webhooks import add_test
from db.session import Database, SystemActor
from db.vault import PersonalVault
from db.webhook_secrets import new_secret, sealed_endpoint
from domain.accounts import LinkPurpose
from domain.attempts import AttemptState
from domain.campaigns import BookingMode
from domain.criteria import Criteria
from domain.ids import CampaignId, TravelerId, UserId, attempt_id_for, derive
from domain.itineraries import Itinerary, Segment, Slice
from domain.messages.campaign import NewCampaign
from domain.money import Money
from domain.offers import DatePair, Party
from domain.payments import PaymentState
from domain.provider_events import ProviderEvent, Teller
from domain.telling import Channel
from domain.travelers import TravelerDetails, TravelerDocument
from runtime.tokens import one_time_hash, one_time_token
from runtime.web_tokens import share_hash

_TESTS = SystemActor("tests")


@dataclass(frozen=True)
class Belongings:
    """Ids, named as the routes name them."""

    campaign_id: UUID
    traveler_id: UUID
    method_id: UUID
    setup_id: UUID
    booking_id: UUID
    proposal_id: UUID
    attempt_id: UUID
    trip_request_id: UUID
    draft_id: UUID
    spare_method_id: UUID
    spare_traveler_id: UUID
    notice_id: UUID
    webhook_id: UUID
    spare_webhook_id: UUID
    delivery_id: UUID
    event_id: UUID
    """Nobody's: something that a provider told us."""
    erasure_id: UUID
    session_id: UUID
    """Of a browser, not the one that asks."""
    links: dict[str, UUID]
    """Of links in mails, by purpose."""
    passkey_id: UUID
    identity_id: UUID
    api_key_id: UUID
    document_id: UUID
    file_id: UUID
    payment_id: UUID
    link_id: UUID
    """Of an itinerary that is shared; the secrets of it and of a calendar that is followed."""
    shared: dict[str, str]


async def give_belongings(
    database: Database, vault: PersonalVault, owner: UserId, now: datetime, *, secret: str = "-"
) -> Belongings:
    """Give a person a wish with a proposal and an attempt, a booking, a traveller and a card."""
    async with database.transaction(_TESTS) as session:
        traveler = await give_traveler(session, vault, owner, now)
        (document,) = await list_documents(session, traveler)
        scan = await _scan(session, vault, owner, traveler, now)
        spare_traveler = await give_traveler(session, vault, owner, now)
        spare_card = await _card(session, vault, owner, now)
        card = await _card(session, vault, owner, now)
        setup = PaymentSetupRow(
            id=uuid4(), user_id=owner, setup_ref_encrypted="-", status="complete",
            payment_method_id=card.id, created_at=now, updated_at=now,
        )  # fmt: skip
        await add_payment_setup(session, setup)
        passkey = await _passkey(session, vault, owner, now)
        key, _ = await issue_api_key(session, owner, name="spare", pepper="-" * 40, now=now)
        trip = TripRequestRow(
            id=uuid4(), user_id=owner, name="Lisbon", criteria=_wish(now).model_dump(mode="json"),
            traveler_ids=[], created_at=now, updated_at=now,
        )  # fmt: skip
        session.add(trip)
        await session.flush()
        campaign_id = await _campaign(session, owner, traveler, now, trip.id)
        pair = DatePair(origin="JFK", destination="LIS", departs_on=_day(now, 42))
        proposal = ProposalRow(
            id=uuid4(), campaign_id=campaign_id, user_id=owner, criteria_version=1,
            look_id=uuid4(), seller="duffel", pair=pair.model_dump(mode="json"),
            itinerary_key="ZZ1", itinerary=_flights(now), price_minor=48_000, currency="USD",
            expires_at=now + timedelta(hours=2), opening_key=str(uuid4()), created_at=now,
        )  # fmt: skip
        attempt = AttemptRow(
            id=attempt_id_for(campaign_id, 1), campaign_id=campaign_id, user_id=owner, number=1,
            state=AttemptState.FAILED, seller="duffel", pair=pair.model_dump(mode="json"),
            itinerary_key="ZZ1", matched_minor=48_000, limit_minor=49_000, currency="USD",
            criteria_version=1, payment_method_id=card.id, opening_key=str(uuid4()),
            started_at=now, updated_at=now,
        )  # fmt: skip
        booking = BookingRow(
            id=uuid4(), kind=BookingKind.CAMPAIGN_FLIGHT, user_id=owner, campaign_id=None,
            provider=BookingProvider.DUFFEL, duffel_order_id=f"ord_{uuid4().hex}",
            ticket_numbers=[], itinerary=_flights(now), price_minor=48_000, currency="USD",
            departs_at=now + timedelta(days=42), arrives_at=now + timedelta(days=42, hours=8),
            ticketing_deadline=now + timedelta(days=1), created_at=now, updated_at=now,
        )  # fmt: skip
        draft = CampaignDraftRow(
            id=uuid4(), user_id=owner, answers={}, step="route", created_at=now, updated_at=now,
            expires_at=now + timedelta(days=30),
        )  # fmt: skip
        browser = await add_session(
            session, session_id=uuid4(), user_id=owner, token_hash=uuid4().hex,
            device="Another", now=now, lasts=timedelta(days=1),
        )  # fmt: skip
        identity = OidcIdentityRow(
            id=uuid4(), user_id=owner, identity_hash=uuid4().hex, issuer="http://127.0.0.1:1",
            label_encrypted="", created_at=now,
        )  # fmt: skip
        identity.label_encrypted = await vault.seal(
            session, owner, "ada@idp.example",
            table="oidc_identities", column="label", row_id=identity.id,
        )  # fmt: skip
        session.add(identity)
        links = [
            AccountLinkRow(
                id=uuid4(),
                user_id=owner,
                purpose=purpose,
                token_hash=uuid4().hex,
                created_at=now,
                expires_at=now + timedelta(hours=1),
            )
            for purpose in LinkPurpose
        ]
        for link in links:
            link.token_hash = one_time_hash(secret, one_time_token(secret, link.purpose, link.id))
            if link.purpose is LinkPurpose.KEEP:
                link.email_encrypted = await vault.seal(
                    session, owner, "before@example.com",
                    table="account_links", column="email", row_id=link.id,
                )  # fmt: skip
        erasure = ErasureRow(
            id=uuid4(), user_id=owner, traveler_id=uuid4(), waits_for=[], asked_at=now,
            due_at=now + timedelta(days=7), updated_at=now,
        )  # fmt: skip
        session.add_all([erasure, proposal, attempt, booking, trip, draft, *links])
        await session.flush()
        link, shared = await _shared(session, owner, booking.id, secret, now)
        payment = PaymentRow(
            id=uuid4(), booking_id=booking.id, user_id=owner, rail="stripe",
            payment_method_id=card.id, state=PaymentState.CAPTURED, amount_minor=48_000,
            captured_minor=48_000, currency="USD", created_at=now, updated_at=now,
        )  # fmt: skip
        session.add(payment)
        notice, webhooks, delivery = await _told(session, vault, owner, now)
        event = await _told_by_a_provider(session, now)
    return Belongings(
        campaign_id=campaign_id,
        traveler_id=traveler,
        method_id=card.id,
        spare_method_id=spare_card.id,
        spare_traveler_id=spare_traveler,
        document_id=document.id,
        file_id=scan.id,
        payment_id=payment.id,
        setup_id=setup.id,
        booking_id=booking.id,
        proposal_id=proposal.id,
        attempt_id=attempt.id,
        trip_request_id=trip.id,
        draft_id=draft.id,
        notice_id=notice,
        webhook_id=webhooks[0],
        spare_webhook_id=webhooks[1],
        delivery_id=delivery,
        event_id=event,
        erasure_id=erasure.id,
        session_id=browser.id,
        links={link.purpose: link.id for link in links},
        identity_id=identity.id,
        passkey_id=passkey.id,
        api_key_id=key.id,
        link_id=link,
        shared=shared,
    )


async def _shared(
    session: AsyncSession, owner: UserId, booking_id: UUID, secret: str, now: datetime
) -> tuple[UUID, dict[str, str]]:
    """Give a booking's flights away, and a calendar of all; return the link's id, and secrets."""
    secrets, ids = {}, {}
    for name, kind in (("i", LinkKind.ITINERARY), ("calendar", LinkKind.CALENDAR)):
        secrets[name], ids[name] = uuid4().hex, uuid4()
        row = ShareableLinkRow(
            id=ids[name], user_id=owner, kind=kind,
            booking_id=booking_id if kind is LinkKind.ITINERARY else None,
            token_hash=share_hash(secret, secrets[name]),
            created_at=now, expires_at=now + timedelta(days=1),
        )  # fmt: skip
        await add_shared(session, row)
    return ids["i"], secrets


async def _passkey(
    session: AsyncSession, vault: PersonalVault, owner: UserId, now: datetime
) -> PasskeyRow:
    passkey_id = uuid4()
    name = await vault.seal(
        session, owner, "Laptop", table="passkeys", column="name", row_id=passkey_id
    )
    row = PasskeyRow(
        id=passkey_id, user_id=owner, credential_id=passkey_id.bytes, public_key=b"-",
        transports=[], backed_up=False, name_encrypted=name, created_at=now,
    )  # fmt: skip
    await add_passkey(session, row)
    return row


async def _told(
    session: AsyncSession, vault: PersonalVault, owner: UserId, now: datetime
) -> tuple[UUID, list[UUID], UUID]:
    """Tell a person of a change of password; nothing of it waits to be sent."""
    told = NewNotice(event="password_changed", subject_id=uuid4(), user_id=owner)
    await add_notices(session, [told], now)
    await session.execute(update(NoticeRow).values(state=NoticeState.SENT))
    hooks = []
    for _ in range(2):
        row = WebhookEndpointRow(
            id=uuid4(), user_id=owner, url_encrypted="", secret_encrypted="",
            created_at=now, updated_at=now,
        )  # fmt: skip
        url, secret = "https://hooks.example.org/x", new_secret()
        session.add(await sealed_endpoint(session, vault, row, url=url, secret=secret))
        await session.flush()
        hooks.append(row)
    delivery = await add_test(session, hooks[0], uuid4(), now)
    delivery.state, delivery.next_try_at = DeliveryState.DELIVERED, None
    return told.on(Channel.INBOX), [row.id for row in hooks], delivery.id


async def _told_by_a_provider(session: AsyncSession, now: datetime) -> UUID:
    ref = f"wev_{uuid4().hex}"
    event = ProviderEvent(
        event_ref=ref, kind="ping.triggered", object_ref=None, happened_at=now, facts={"id": ref}
    )
    await store_event(session, Teller.DUFFEL, event, now)
    return derive("provider event", Teller.DUFFEL, ref)


async def give_traveler(
    session: AsyncSession, vault: PersonalVault, owner: UserId, now: datetime
) -> TravelerId:
    details = TravelerDetails(
        given_name="Ada", family_name="Lovelace", born_on=date(1990, 5, 17), gender="f",
        title="ms", email="ada@example.com", phone="+442080160508",
        documents=(TravelerDocument(kind="known_traveler_number", number="A1234",
                                    issuing_country="GB"),),
    )  # fmt: skip
    traveler_id = TravelerId(uuid4())
    sealed = await vault.seal_traveler(session, owner, traveler_id, details, now, label="Ada")
    await add_traveler(session, sealed.traveler, sealed.documents)
    return traveler_id


async def _scan(
    session: AsyncSession, vault: PersonalVault, owner: UserId, traveler: TravelerId, now: datetime
) -> TravelerFileRow:
    row = TravelerFileRow(
        id=uuid4(), traveler_id=traveler, user_id=owner, name_encrypted="", content_encrypted=b"",
        media_type="application/pdf", size=5, created_at=now,
    )  # fmt: skip
    await vault.seal_file(session, row, "passport.pdf", b"%PDF-")
    await add_file(session, row)
    return row


async def _card(
    session: AsyncSession, vault: PersonalVault, owner: UserId, now: datetime
) -> PaymentMethodRow:
    card_id = uuid4()
    reference = await vault.seal(
        session, owner, f"pm_{card_id.hex}",
        table="payment_methods", column="method_ref", row_id=card_id,
    )  # fmt: skip
    card = PaymentMethodRow(
        id=card_id, user_id=owner, provider="stripe", method_ref_encrypted=reference,
        brand="visa", last4="4242", exp_month=12, exp_year=2034, created_at=now, updated_at=now,
    )  # fmt: skip
    return await add_payment_method(session, card, default=True)


async def _campaign(
    session: AsyncSession, owner: UserId, traveler: TravelerId, now: datetime, trip_id: UUID
) -> CampaignId:
    criteria = _wish(now)
    new = NewCampaign(
        campaign_id=CampaignId(uuid4()), owner_id=owner, name="Lisbon", criteria=criteria,
        mode=BookingMode.AUTO, traveler_ids=(traveler,), party=Party(), trip_request_id=trip_id,
        body_hmac="-", created_at=now, expires_at=now + timedelta(days=365), ends_at=now + timedelta(days=60),
    )  # fmt: skip
    row, _ = await insert_campaign(session, signed(new), now)
    return CampaignId(row.id)


def _wish(now: datetime) -> Criteria:
    return Criteria(
        origins=("JFK",), destinations=("LIS",), departure_from=_day(now, 40),
        departure_until=_day(now, 60), budget=Money(minor=52_000, currency="USD"),
    )  # fmt: skip


def _flights(now: datetime) -> dict[str, Any]:
    leaves = datetime.combine(_day(now, 42), time(18, 5))
    flight = Segment(
        origin="JFK", destination="LIS", departing_at=leaves,
        arriving_at=leaves + timedelta(hours=12), duration_minutes=420, marketing_carrier="ZZ",
        flight_number="1", operating_carrier="ZZ",
    )  # fmt: skip
    leg = Slice(origin="JFK", destination="LIS", duration_minutes=420, segments=(flight,))
    return Itinerary(slices=(leg,)).model_dump(mode="json")


def _day(now: datetime, ahead: int) -> date:
    return now.date() + timedelta(days=ahead)

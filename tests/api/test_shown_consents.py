"""A consent that a page shows: what comes back must be what was shown, in time, and allowed."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from authenticator import Authenticator
from belongings import give_belongings

from api.errors import ApiProblem
from api.health import ProviderWatch
from api.live import LiveFeed
from api.mandates import DraftMandate, Wanted, consent_at_once, consent_given, draft_mandate
from api.services import Services, TemporalLink
from api.web import passkeys
from api.web.passkeys import Purpose, Question, relying_party
from db.accounts import ensure_account
from db.queries.users import get_user
from db.session import Database, SystemActor
from db.vault import vault_of
from domain.campaigns import BookingMode
from domain.criteria import Criteria
from domain.ids import CampaignId, UserId
from domain.mandate_document import MandateDocument, from_text, name_digest, verified
from domain.messages.campaign import Consent
from domain.money import Money
from domain.offers import Party
from providers.registry import build_providers
from runtime.clock import system_now
from runtime.settings import Settings


@dataclass
class Page:
    """What the page of a consent does, for one person."""

    services: Services
    wanted: Wanted
    now: datetime
    user_id: UserId

    async def draft(self) -> DraftMandate:
        async with self.services.database.transaction(self.user_id) as session:
            return await draft_mandate(session, self.services, self.wanted, self.now)

    async def give(self, token: str, wanted: Wanted | None = None, **more: Any) -> Consent:
        now = more.pop("now", self.now)
        async with self.services.database.transaction(self.user_id) as session:
            return await consent_given(
                session, self.services, wanted or self.wanted, token, now, **more
            )


@pytest.fixture
async def page(settings: Settings, database: Database, database_url: str) -> AsyncIterator[Page]:
    now = system_now()
    async with AsyncExitStack() as opened:
        app = Database(database_url, role="parker_app", pool_size=2)
        opened.push_async_callback(app.close)
        providers = await build_providers(settings)
        opened.push_async_callback(providers.aclose)
        services = Services(
            settings=settings,
            database=app,
            vault=vault_of(settings),
            temporal=TemporalLink(settings),
            cards=providers.vault,
            live=LiveFeed(app),
            clock=system_now,
            providers_watch=ProviderWatch(),
        )
        async with database.transaction(SystemActor("tests")) as session:
            user_id = await ensure_account(
                session, services.vault, email="ana@example.com",
                pepper=settings.api_key_pepper, now=now,
            )  # fmt: skip
        own = await give_belongings(database, services.vault, user_id, now)
        day = now.date() + timedelta(days=42)
        criteria = Criteria(
            origins=("JFK",), destinations=("LIS",), departure_from=day, departure_until=day,
            budget=Money(minor=52_000, currency="USD"),
        )  # fmt: skip
        wanted = Wanted(
            campaign_id=CampaignId(uuid4()), owner=user_id, criteria=criteria,
            mode=BookingMode.AUTO, criteria_version=1, traveler_ids=(own.traveler_id,),
            party=Party(), card_id=own.method_id, cap=criteria.budget,
            expires_at=now + timedelta(days=365),
        )  # fmt: skip
        yield Page(services, wanted, now, user_id)


def document_in(page: Page, consent: Consent) -> MandateDocument:
    assert consent.signed is not None
    return verified(consent.signed, page.services.settings.mandate_signing)


async def test_what_was_shown_is_what_is_signed(page: Page) -> None:
    draft = await page.draft()
    assert "520.00 USD" in draft.words
    consent = await page.give(draft.token)
    assert document_in(page, consent) == draft.document
    # Names are digests; their salts are sealed, and open for whoever may know the names anyway.
    (signed,), (salt,) = draft.document.travelers, consent.salts
    async with page.services.database.transaction(page.user_id) as session:
        person = await page.services.vault.open_traveler(session, page.wanted.traveler_ids[0])
        opened = await page.services.vault.open(
            session, page.user_id, salt.salt_encrypted, table="mandate_salts", column="salt",
            row_id=f"{draft.document.mandate_id}:{signed.traveler_id}",
            subject=signed.traveler_id,
        )  # fmt: skip
    digest = name_digest(from_text(opened), person.given_name, person.family_name)
    assert signed.name_digest == digest
    assert person.family_name not in json.dumps(consent.model_dump(mode="json"))


async def test_nobody_consents_to_one_wish_and_starts_another(page: Page) -> None:
    token = (await page.draft()).token
    criteria = page.wanted.criteria.model_copy(update={"destinations": ("OPO",)})
    dearer = Money(minor=52_001, currency="USD")
    for other in (
        {"criteria": criteria}, {"cap": dearer}, {"card_id": None}, {"party": Party(adults=2)},
        {"campaign_id": CampaignId(uuid4())}, {"owner": page.user_id, "criteria_version": 2},
    ):  # fmt: skip
        with pytest.raises(ApiProblem) as refused:
            await page.give(token, replace(page.wanted, **other))
        assert refused.value.code == "consent_outdated"
    with pytest.raises(ApiProblem) as refused:
        await page.give(token, now=page.now + timedelta(minutes=30))
    assert refused.value.code == "consent_outdated"
    for bad in ("", "x.y", token[:-1], "A" + token):
        with pytest.raises(ApiProblem) as refused:
            await page.give(bad)
        assert refused.value.code == "consent_unreadable"


async def test_a_passkey_signs_the_very_document(page: Page) -> None:
    services, subject = page.services, uuid4()
    party = relying_party(services.settings)
    assert party is not None
    device = Authenticator(party.origin)
    async with services.database.transaction(page.user_id) as session:
        wish = await passkeys.begin_registration(
            session, services, page.user_id, subject=subject, account="ana"
        )
        await passkeys.finish_registration(
            session, services, page.user_id, subject=subject, answer=device.register(wish),
            name="key",
        )  # fmt: skip
    draft = await page.draft()
    question = Question(Purpose.MANDATE, draft.document.mandate_id)
    async with services.database.transaction(page.user_id) as session:
        asked = await passkeys.begin_assertion(
            session, services, page.user_id, question, challenge=draft.challenge
        )
        answer = await passkeys.finish_assertion(
            session, services, page.user_id, question, answer=device.answer(asked)
        )
    consent = await page.give(draft.token, passkey=answer)
    assert consent.signed is not None
    assert consent.signed.passkey is not None
    assert document_in(page, consent) == draft.document
    another = (await page.draft()).token
    with pytest.raises(ApiProblem) as refused:
        await page.give(another, passkey=answer)
    assert refused.value.code == "signature_refused"


async def test_an_account_in_doubt_gives_no_consent(page: Page, database: Database) -> None:
    token = (await page.draft()).token
    for change in (
        {"email_confirmed_at": None, "consent_blocked_until": None},
        {"email_confirmed_at": page.now, "consent_blocked_until": page.now + timedelta(hours=1)},
    ):
        async with database.transaction(SystemActor("tests")) as session:
            user = await get_user(session, page.user_id)
            assert user is not None
            for name, value in change.items():
                setattr(user, name, value)
        with pytest.raises(ApiProblem) as refused:
            await page.give(token)
        assert (refused.value.status, refused.value.code) == (403, "consent_refused")
        async with page.services.database.transaction(page.user_id) as session:
            with pytest.raises(ApiProblem):
                await consent_at_once(session, page.services, page.wanted, page.now)

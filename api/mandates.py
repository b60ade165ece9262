"""Consents: the document that a traveller is shown, and taking it as it was shown, signed.

A page draws `draft_mandate(...)`: its words, its maximum, and the challenge for a passkey; the form
carries the draft's `token` back, and `consent_given(...)` makes of it what a campaign's process
takes. Who speaks with an API key has no page: `consent_at_once(...)`.
"""

import base64
import binascii
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from api.errors import ApiProblem, conflict
from api.services import Services
from db.queries.users import get_user
from db.vault import NoSuchTraveler
from domain.accounts import consent_standing
from domain.campaigns import BookingMode
from domain.criteria import Criteria
from domain.ids import CampaignId, TravelerId, UserId
from domain.mandate_document import (
    BadMandate,
    MandateDocument,
    MandateKind,
    PasskeySignature,
    SealedSalt,
    SignedConsent,
    SignedMandate,
    SignedTraveler,
    canonical,
    challenge_of,
    name_digest,
    read_document,
    server_bytes,
    to_text,
    verified,
)
from domain.mandates import CURRENT_CONSENT, consent_text
from domain.messages.campaign import Consent
from domain.money import Money
from domain.offers import Party
from runtime.crypto import hmac_hex
from runtime.settings import Settings

# As long as somebody takes to read what they agree to; after that they are shown it afresh.
DRAFT_LASTS = timedelta(minutes=30)
_SALT_BYTES = _NONCE_BYTES = 32
_SALTS = TypeAdapter(tuple[SealedSalt, ...])


@dataclass(frozen=True)
class Wanted:
    """What a consent is asked for. `criteria_version` is the wish's once it is consented to.

    `card_id` None is whichever card is the owner's default at the time.
    """

    campaign_id: CampaignId
    owner: UserId
    criteria: Criteria
    mode: BookingMode
    criteria_version: int
    traveler_ids: tuple[TravelerId, ...]
    party: Party
    card_id: UUID | None
    cap: Money
    expires_at: datetime
    kind: MandateKind = MandateKind.BOOKING
    itinerary_key: str | None = None
    text_version: str = CURRENT_CONSENT
    words: str | None = None
    """None: the text of that version."""


@dataclass(frozen=True)
class DraftMandate:
    """A consent that nobody has given yet, as it is shown."""

    document: MandateDocument
    salts: tuple[SealedSalt, ...]
    token: str

    @property
    def words(self) -> str:
        return self.document.consent.words

    @property
    def maximum(self) -> Money:
        return min(self.document.cap_each, self.document.cap_total)

    @property
    def canonical(self) -> bytes:
        return canonical(self.document)

    @property
    def challenge(self) -> bytes:
        """What a passkey is asked to sign."""
        return challenge_of(self.document)


class PasskeyAnswer(Protocol):
    """A passkey's answer that was checked, as the pages of second factors hand it over."""

    @property
    def credential_id(self) -> bytes: ...
    @property
    def authenticator_data(self) -> bytes: ...
    @property
    def client_data(self) -> bytes: ...
    @property
    def signature(self) -> bytes: ...
    @property
    def public_key(self) -> bytes: ...
    @property
    def relying_party(self) -> str: ...


async def draft_mandate(
    session: AsyncSession, services: Services, wanted: Wanted, now: datetime
) -> DraftMandate:
    """Make the document to be shown; nothing is allowed by it before it is consented to."""
    issued_at = now.replace(microsecond=0)
    mandate_id = uuid4()
    travelers, salts = await _travelers(session, services, wanted, mandate_id)
    document = MandateDocument.for_wish(
        wanted.criteria,
        kind=wanted.kind,
        mandate_id=mandate_id,
        campaign_id=wanted.campaign_id,
        owner_id=wanted.owner,
        relying_party=site_of(services.settings),
        mode=wanted.mode,
        criteria_version=wanted.criteria_version,
        cap_each=wanted.cap,
        cap_total=wanted.cap,
        party=wanted.party,
        travelers=travelers,
        card_id=wanted.card_id,
        itinerary_key=wanted.itinerary_key,
        consent=SignedConsent(
            version=wanted.text_version,
            words=wanted.words or consent_text(wanted.text_version, wanted.cap, wanted.expires_at),
        ),
        issued_at=issued_at,
        expires_at=wanted.expires_at,
        nonce=to_text(secrets.token_bytes(_NONCE_BYTES)),
    )
    return DraftMandate(document, salts, _token(services, document, salts))


async def consent_given(
    session: AsyncSession,
    services: Services,
    wanted: Wanted,
    token: str,
    now: datetime,
    *,
    passkey: PasskeyAnswer | None = None,
) -> Consent:
    """Return the signed consent to a draft that was shown; refused unless it is what is wanted.

    `wanted` is made from what the form says now, so that nobody consents to one wish and starts
    another. A passkey's answer was checked against the draft's challenge before.
    """
    await may_consent(session, wanted.owner, now)
    draft = read_draft(services, token, now)
    if not _is(draft.document, wanted):
        raise conflict(
            "consent_outdated",
            "What you were shown is not what would be booked now. Nothing was changed; please read"
            " it again.",
        )
    return _signed(services, draft, passkey_signature(passkey) if passkey else None)


async def consent_at_once(
    session: AsyncSession, services: Services, wanted: Wanted, now: datetime
) -> Consent:
    """Return the signed consent of somebody who sent it with the request itself."""
    await may_consent(session, wanted.owner, now)
    return _signed(services, await draft_mandate(session, services, wanted, now), None)


async def may_consent(session: AsyncSession, owner: UserId, now: datetime) -> None:
    """Refuse while the account must not consent: address unconfirmed, or just reset."""
    user = await get_user(session, owner)
    standing = consent_standing(
        email_confirmed_at=user.email_confirmed_at if user else None,
        blocked_until=user.consent_blocked_until if user else None,
        now=now,
    )
    if standing.refusal is not None:
        raise ApiProblem(403, "consent_refused", standing.sentence)


def passkey_signature(answer: PasskeyAnswer) -> PasskeySignature:
    """Return a passkey's answer as it is kept with a mandate."""
    return PasskeySignature(
        relying_party=answer.relying_party,
        credential_id=to_text(answer.credential_id),
        public_key=to_text(answer.public_key),
        authenticator_data=to_text(answer.authenticator_data),
        client_data=to_text(answer.client_data),
        signature=to_text(answer.signature),
    )


def read_draft(services: Services, token: str, now: datetime) -> DraftMandate:
    """Return the draft that a form brought back; refused if it is old or not of our making."""
    plain, _, tag = token.partition(".")
    if not hmac.compare_digest(_tag(services, plain), tag):
        raise _unreadable()
    try:
        body = json.loads(base64.urlsafe_b64decode(plain))
        document = read_document(body["document"])
        salts = _SALTS.validate_python(body["salts"])
    except (binascii.Error, ValueError, KeyError, ValidationError, BadMandate) as error:
        raise _unreadable() from error
    if now >= document.issued_at + DRAFT_LASTS:
        raise conflict(
            "consent_outdated",
            "You were shown this a while ago. Nothing was changed; please read it again as it is"
            " now.",
        )
    return DraftMandate(document, salts, token)


def site_of(settings: Settings) -> str:
    """Return the host that passkeys belong to."""
    return urlsplit(settings.base_url).hostname or ""


def _signed(services: Services, draft: DraftMandate, passkey: PasskeySignature | None) -> Consent:
    keys = services.settings.mandate_signing
    key_id, signature = keys.sign(server_bytes(draft.canonical, passkey))
    signed = SignedMandate(
        document=draft.canonical.decode(),
        key_id=key_id,
        signature=to_text(signature),
        passkey=passkey,
    )
    try:
        document = verified(signed, keys)
    except BadMandate as error:
        raise ApiProblem(
            422, "signature_refused", "Your passkey's signature does not fit what you were shown."
        ) from error
    return Consent(
        text_version=document.consent.version,
        cap=draft.maximum,
        consented_at=document.issued_at,
        signed=signed,
        salts=draft.salts,
    )


def _is(document: MandateDocument, wanted: Wanted) -> bool:
    """Say whether the draft is of this very wish."""
    return (
        document.kind is wanted.kind
        and document.campaign_id == wanted.campaign_id
        and document.owner_id == wanted.owner
        and document.mode is wanted.mode
        and document.criteria_version == wanted.criteria_version
        and document.allows_wish(wanted.criteria)
        and document.party == wanted.party
        and tuple(one.traveler_id for one in document.travelers) == wanted.traveler_ids
        and document.card_id == wanted.card_id
        and document.itinerary_key == wanted.itinerary_key
        and document.cap_each == wanted.cap
    )


async def _travelers(
    session: AsyncSession, services: Services, wanted: Wanted, mandate_id: UUID
) -> tuple[tuple[SignedTraveler, ...], tuple[SealedSalt, ...]]:
    """Name those who travel by digests, and seal the salts for their table."""
    signed, salts = [], []
    for traveler_id in wanted.traveler_ids:
        try:
            person = await services.vault.open_traveler(session, traveler_id)
        except NoSuchTraveler as gone:
            raise conflict(
                "traveller_gone",
                "Somebody who was to travel is not among your travellers any more. Nothing is"
                " booked; edit the wish and choose who travels.",
            ) from gone
        salt = secrets.token_bytes(_SALT_BYTES)
        sealed = await services.vault.seal(
            session,
            wanted.owner,
            to_text(salt),
            table="mandate_salts",
            column="salt",
            row_id=f"{mandate_id}:{traveler_id}",
            subject=traveler_id,
        )
        digest = name_digest(salt, person.given_name, person.family_name)
        signed.append(SignedTraveler(traveler_id=traveler_id, name_digest=digest))
        salts.append(SealedSalt(traveler_id=traveler_id, salt_encrypted=sealed))
    return tuple(signed), tuple(salts)


def _token(services: Services, document: MandateDocument, salts: tuple[SealedSalt, ...]) -> str:
    body = {
        "document": canonical(document).decode(),
        "salts": _SALTS.dump_python(salts, mode="json"),
    }
    plain = base64.urlsafe_b64encode(json.dumps(body).encode()).decode()
    return f"{plain}.{_tag(services, plain)}"


def _tag(services: Services, plain: str) -> str:
    secret = services.settings.hmac_secret.get_secret_value()
    return hmac_hex(secret, f"mandate-draft:{plain}")


def _unreadable() -> ApiProblem:
    return conflict(
        "consent_unreadable",
        "What the form sent back is not what we sent out. Nothing was changed; please read the"
        " consent again.",
    )

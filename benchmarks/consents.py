"""Consents as the API takes them, signed, for wishes that are made by the thousand."""

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID, uuid4

from db.vault import Words, vault_of
from domain.campaigns import BookingMode
from domain.criteria import Criteria
from domain.mandate_document import (
    MandateDocument,
    MandateKind,
    SignedConsent,
    SignedMandate,
    SignedTraveler,
    canonical,
    to_text,
)
from domain.messages.campaign import Consent
from domain.offers import Party
from runtime.settings import Settings
from runtime.signing import MandateKeys


@dataclass(frozen=True)
class Seals:
    """What the API signs consents with, and seals people's own words."""

    keys: MandateKeys
    words: Words

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(settings.mandate_signing, vault_of(settings).words())

    def name(self, owner: UUID) -> str:
        """Return a wish's name as it travels and is stored."""
        return self.words.seal(owner, owner, "autobooking_campaigns.name", "a wish of a benchmark")


def document_for(
    campaign_id: UUID,
    owner_id: UUID,
    criteria: Criteria,
    travelers: tuple[UUID, ...],
    *,
    now: datetime,
    expires_at: datetime,
    **changes: Any,
) -> MandateDocument:
    """Return the document of a wish up to its budget; nobody's name is in its digests."""
    facts: dict[str, Any] = {
        "kind": MandateKind.BOOKING,
        "mandate_id": uuid4(),
        "campaign_id": campaign_id,
        "owner_id": owner_id,
        "relying_party": "localhost",
        "mode": BookingMode.AUTO,
        "criteria_version": 1,
        "cap_each": criteria.budget,
        "cap_total": criteria.budget,
        "party": Party(adults=len(travelers)),
        "travelers": tuple(SignedTraveler(traveler_id=one, name_digest="-") for one in travelers),
        "card_id": None,
        "itinerary_key": None,
        "consent": SignedConsent(version="1", words="I allow it."),
        "issued_at": now,
        "expires_at": expires_at,
        "nonce": to_text(os.urandom(32)),
    }
    return MandateDocument.for_wish(criteria, **(facts | changes))


def consent_to(document: MandateDocument, keys: MandateKeys) -> Consent:
    key_id, signature = keys.sign(canonical(document))
    return Consent(
        text_version=document.consent.version,
        cap=document.cap_each,
        consented_at=document.issued_at,
        signed=SignedMandate(
            document=canonical(document).decode(), key_id=key_id, signature=to_text(signature)
        ),
    )

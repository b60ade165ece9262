"""Consents as the API takes them: signed, with a key that all tests share."""

from typing import Any

from benchmarks import consents
from benchmarks.consents import document_for
from domain.mandate_document import MandateDocument
from domain.messages.campaign import CampaignEdit, Consent, NewCampaign
from runtime.signing import MandateKeys, new_mandate_key

MANDATE_KEYS = new_mandate_key("test")
KEYS = MandateKeys.parse(MANDATE_KEYS)


def document_of(new: NewCampaign, **changes: Any) -> MandateDocument:
    """Return the document of a wish; nobody's name is in its digests."""
    document = document_for(
        new.campaign_id,
        new.owner_id,
        new.criteria,
        new.traveler_ids,
        now=new.created_at,
        expires_at=new.expires_at,
        mode=new.mode,
        party=new.party,
        card_id=new.payment_method_id,
    )
    return document.model_copy(update=changes)


def consent_to(document: MandateDocument) -> Consent:
    return consents.consent_to(document, KEYS)


def signed(new: NewCampaign, **changes: Any) -> NewCampaign:
    """Return the wish with its consent."""
    return new.model_copy(update={"consent": consent_to(document_of(new, **changes))})


def signed_edit(new: NewCampaign, edit: CampaignEdit, **changes: Any) -> CampaignEdit:
    """Return the change with a consent to it; `new` is the wish as it was made."""
    changed = new.model_copy(
        update={
            "criteria": edit.criteria,
            "mode": edit.mode,
            "traveler_ids": edit.traveler_ids,
            "party": edit.party,
            "payment_method_id": edit.payment_method_id,
        }
    )
    version = {"criteria_version": edit.expected_version + 1}
    document = document_of(changed, **(version | changes))
    return edit.model_copy(update={"consent": consent_to(document)})


def unsigned(new: NewCampaign) -> Consent:
    """Return a consent from before consents were signed."""
    return Consent(text_version="1", cap=new.criteria.budget, consented_at=new.created_at)

"""The one way to make a wish and the one to change it, for the JSON API and the pages alike."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from api.errors import ApiProblem, field_refused, refused
from api.mandates import (
    DraftMandate,
    PasskeyAnswer,
    Wanted,
    consent_at_once,
    consent_given,
    draft_mandate,
)
from api.processes import ProcessEnded, ask_campaign, create_campaign
from api.rest.schemas.campaigns import CreateCampaignRequest, EditCampaignRequest
from api.services import Services
from api.wishes import (
    Checked,
    cap_of,
    check_wish,
    default_name,
    expiry,
    own_name,
    validation_problems,
)
from db.models.campaign import CampaignRow
from db.queries.campaigns import get_campaign
from db.queries.drafts import get_trip_request
from db.queries.mandates import live_mandate_row
from domain.campaigns import ENDED, CampaignState
from domain.criteria import Criteria, ScoreWeights
from domain.ids import CampaignId, PaymentMethodId, TravelerId, UserId, campaign_id_for
from domain.mandates import CURRENT_CONSENT, consent_for
from domain.messages.campaign import (
    CampaignAnswer,
    CampaignAnswerCode,
    CampaignEdit,
    Consent,
    NewCampaign,
)
from domain.money import Money
from domain.reaching import Agreed, reaches_further
from runtime.crypto import hmac_hex


@dataclass(frozen=True)
class Made:
    """A campaign as it stands; not `fresh` if its key had made it before."""

    row: CampaignRow
    fresh: bool
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShownConsent:
    """A consent given to what a page has shown: the draft's token, and a passkey's answer to it."""

    token: str
    passkey: PasskeyAnswer | None = None


@dataclass(frozen=True)
class _Change:
    wanted: Wanted
    checked: Checked
    consents: bool
    """Whether the request, or the consent that stands, allows it as it is."""


async def make_wish(
    services: Services,
    owner: UserId,
    body: CreateCampaignRequest,
    key: str,
    *,
    shown: ShownConsent | None = None,
    may_spend: bool = True,
) -> Made:
    """Start watching for a wish. Repeating with the same key never makes a second campaign.

    A page passes on what was `shown`; without it the request itself is the consent. Without any,
    or from somebody who may not spend, the campaign waits for its owner's.
    """
    campaign_id = campaign_id_for(owner, key)
    body_hmac = _body_hmac(services, body)
    known = await _of_key(services, owner, campaign_id, body_hmac)
    if known is not None:
        return Made(known, fresh=False)
    new, warnings = await _new_campaign(services, owner, body, campaign_id, body_hmac, shown=shown)
    if not may_spend:
        new = new.model_copy(update={"consent": None})
    fresh = True
    try:
        answer = await create_campaign(services.temporal, new, key)
        if answer.code is CampaignAnswerCode.KEY_CLASH:
            raise _clash()
    except ProcessEnded:
        # It ran and ended before; the row below says how.
        fresh = False
    row = await _of_key(services, owner, campaign_id, body_hmac)
    if row is None:
        raise ApiProblem(
            503,
            "outcome_unknown",
            "The campaign is not there yet. Repeat with the same Idempotency-Key.",
            headers={"Retry-After": "2"},
        )
    return Made(row, fresh, warnings)


async def change_wish(
    services: Services,
    row: CampaignRow,
    body: EditCampaignRequest,
    expected_version: int,
    key: str | None = None,
    *,
    shown: ShownConsent | None = None,
) -> CampaignAnswer | None:
    """Ask the process for the change; None: it has ended, so the row alone answers."""
    change = await _edit_of(services, row, body, expected_version, shown)
    try:
        return await ask_campaign(services.temporal, row.id, "edit", change, key=key)
    except ProcessEnded:
        return None


async def draft_for_new(
    services: Services, owner: UserId, body: CreateCampaignRequest, key: str
) -> DraftMandate:
    """Return the consent to show before this wish is made with this key."""
    now = services.clock()
    async with services.database.transaction(owner) as session:
        wanted, _ = await _wanted_of_new(
            session, services, owner, body, campaign_id_for(owner, key), now=now
        )
        return await draft_mandate(session, services, wanted, now)


async def draft_for_change(
    services: Services, row: CampaignRow, body: EditCampaignRequest, expected_version: int
) -> DraftMandate:
    """Return the consent to show before this change is made."""
    now = services.clock()
    async with services.database.transaction(UserId(row.user_id)) as session:
        change = await _wanted_of_edit(
            session, services, row, body, expected_version, now=now, asks=True
        )
        wanted = change.wanted
        return await draft_mandate(session, services, wanted, now)


async def give_consent(
    services: Services,
    row: CampaignRow,
    cap: Money,
    key: str | None = None,
    *,
    text_version: str = CURRENT_CONSENT,
    shown: ShownConsent | None = None,
) -> CampaignAnswer | None:
    """Consent to a wish as it stands; None: its process has ended, so the row alone answers."""
    now = services.clock()
    if row.status in ENDED:
        return None
    async with services.database.transaction(UserId(row.user_id)) as session:
        wanted = wanted_of(row, cap, text_version)
        consent = await _consent(session, services, wanted, shown, now)
    try:
        return await ask_campaign(services.temporal, row.id, "consent", consent, key=key)
    except ProcessEnded:
        return None


async def draft_for_consent(services: Services, row: CampaignRow, cap: Money) -> DraftMandate:
    """Return the consent to show for a wish as it stands."""
    wanted = wanted_of(row, cap, consent_for(row.mode))
    async with services.database.transaction(UserId(row.user_id)) as session:
        return await draft_mandate(session, services, wanted, services.clock())


def wanted_of(row: CampaignRow, cap: Money, text_version: str = CURRENT_CONSENT) -> Wanted:
    return Wanted(
        campaign_id=CampaignId(row.id),
        owner=UserId(row.user_id),
        criteria=row.wish,
        mode=row.mode,
        criteria_version=row.criteria_version,
        traveler_ids=tuple(TravelerId(one) for one in row.traveler_ids),
        party=row.travelling,
        card_id=row.payment_method_id,
        cap=cap,
        expires_at=row.expires_at,
        text_version=text_version,
    )


def agreed_to(row: CampaignRow) -> Agreed:
    """Return what the consent of a wish is about."""
    return Agreed(
        criteria=row.wish,
        mode=row.mode,
        traveler_ids=tuple(row.traveler_ids),
        card_id=row.payment_method_id,
    )


def house_weights(services: Services) -> ScoreWeights:
    """Return how offers are compared where a wish does not say."""
    policy = services.settings.policy
    return ScoreWeights(
        price=policy.weight_price,
        stops=policy.weight_stops,
        duration=policy.weight_duration,
        airline=policy.weight_airline,
        times=policy.weight_times,
    )


async def _new_campaign(
    services: Services,
    owner: UserId,
    body: CreateCampaignRequest,
    campaign_id: CampaignId,
    body_hmac: str,
    *,
    shown: ShownConsent | None,
) -> tuple[NewCampaign, tuple[str, ...]]:
    now = services.clock()
    async with services.database.transaction(owner) as session:
        wanted, checked = await _wanted_of_new(session, services, owner, body, campaign_id, now=now)
        consent = None
        if wanted.mode.books and (shown or body.consent):
            consent = await _consent(session, services, wanted, shown, now)
    new = NewCampaign(
        campaign_id=campaign_id,
        owner_id=owner,
        name=own_name(services, owner, body.name or default_name(wanted.criteria)),
        criteria=wanted.criteria,
        mode=wanted.mode,
        traveler_ids=checked.traveler_ids,
        party=checked.party,
        payment_method_id=_card(wanted.card_id),
        trip_request_id=body.trip_request_id,
        consent=consent,
        body_hmac=body_hmac,
        created_at=now,
        expires_at=checked.expires_at,
        opens_at=checked.opens_at,
        ends_at=checked.ends_at,
    )
    return new, checked.warnings


async def _wished(
    session: AsyncSession, services: Services, owner: UserId, body: CreateCampaignRequest
) -> tuple[Criteria, list[UUID]]:
    """Return what is wished for and for whom: as sent, else as the saved trip has it."""
    trip = None
    if body.trip_request_id is not None:
        trip = await get_trip_request(session, body.trip_request_id)
        if trip is None or trip.user_id != owner:
            raise field_refused(
                "trip_request_id",
                "there is no such trip request",
                "Use an id of GET /api/v1/trip-requests.",
            )
    if body.criteria is not None:
        criteria = body.criteria.criteria(house_weights(services))
    elif trip is not None:
        criteria = trip.wish
    else:
        raise field_refused("criteria", "nothing is wished for", "Give criteria, or a saved trip.")
    people = body.traveler_ids or (list(trip.traveler_ids) if trip else [])
    if not people:
        raise field_refused("traveler_ids", "nobody travels", "Name one traveller at least.")
    return criteria, people


async def _wanted_of_new(
    session: AsyncSession,
    services: Services,
    owner: UserId,
    body: CreateCampaignRequest,
    campaign_id: CampaignId,
    *,
    now: datetime,
) -> tuple[Wanted, Checked]:
    criteria, traveler_ids = await _wished(session, services, owner, body)
    cap = cap_of(body.consent, criteria.budget) if body.consent else criteria.budget
    checked = await check_wish(
        session,
        services,
        owner=owner,
        criteria=criteria,
        traveler_ids=traveler_ids,
        payment_method_id=body.payment_method_id,
        expires_at=expiry(now, services.settings.policy.campaign_months),
        now=now,
        books=body.mode.books,
    )
    wanted = Wanted(
        campaign_id=campaign_id,
        owner=owner,
        criteria=criteria,
        mode=body.mode,
        criteria_version=1,
        traveler_ids=checked.traveler_ids,
        party=checked.party,
        card_id=body.payment_method_id,
        cap=cap,
        expires_at=checked.expires_at,
        text_version=body.consent.text_version if body.consent else CURRENT_CONSENT,
    )
    return wanted, checked


async def _edit_of(
    services: Services,
    row: CampaignRow,
    body: EditCampaignRequest,
    expected: int,
    shown: ShownConsent | None,
) -> CampaignEdit:
    """Make the whole new wish of what was there and what changes; refuse what cannot hold."""
    now = services.clock()
    async with services.database.transaction(UserId(row.user_id)) as session:
        change = await _wanted_of_edit(
            session, services, row, body, expected, now=now, asks=shown is not None
        )
        wanted, checked = change.wanted, change.checked
        consent = None
        if wanted.mode.books and (shown or change.consents):
            consent = await _consent(session, services, wanted, shown, now)
    return CampaignEdit(
        expected_version=expected,
        name=own_name(services, UserId(row.user_id), body.name or row.name, now=row.name),
        criteria=wanted.criteria,
        mode=wanted.mode,
        traveler_ids=checked.traveler_ids,
        party=checked.party,
        payment_method_id=_card(wanted.card_id),
        consent=consent,
        opens_at=checked.opens_at,
        ends_at=checked.ends_at,
    )


async def _wanted_of_edit(
    session: AsyncSession,
    services: Services,
    row: CampaignRow,
    body: EditCampaignRequest,
    expected: int,
    *,
    now: datetime,
    asks: bool,
) -> _Change:
    """Return the wish as it would be; `asks`: a page shows the consent, or has shown it."""
    try:
        criteria = (
            body.criteria.applied_to(row.wish).criteria(house_weights(services))
            if body.criteria
            else row.wish
        )
    except ValidationError as error:
        raise refused(validation_problems(error, "criteria")) from error
    mode = body.mode or row.mode
    given = "payment_method_id" in body.model_fields_set
    card = body.payment_method_id if given else row.payment_method_id
    owner = UserId(row.user_id)
    checked = await check_wish(
        session,
        services,
        owner=owner,
        criteria=criteria,
        traveler_ids=body.traveler_ids or list(row.traveler_ids),
        payment_method_id=card,
        expires_at=row.expires_at,
        now=now,
        books=mode.books,
    )
    cap, text_version, consents = criteria.budget, CURRENT_CONSENT, False
    if body.consent is not None:
        cap, text_version, consents = cap_of(body.consent, cap), body.consent.text_version, True
    elif mode.books and not asks and row.status is not CampaignState.AWAITING_CONSENT:
        after = Agreed(
            criteria=criteria, mode=mode, traveler_ids=checked.traveler_ids, card_id=card
        )
        cap, text_version = await _standing_consent(session, row, after)
        consents = True
    wanted = Wanted(
        campaign_id=CampaignId(row.id),
        owner=owner,
        criteria=criteria,
        mode=mode,
        criteria_version=expected + 1,
        traveler_ids=checked.traveler_ids,
        party=checked.party,
        card_id=card,
        cap=cap,
        expires_at=checked.expires_at,
        text_version=text_version,
    )
    return _Change(wanted, checked, consents)


async def _standing_consent(
    session: AsyncSession, row: CampaignRow, after: Agreed
) -> tuple[Money, str]:
    """Return how much is allowed and by which text, as before; refused where that stops short."""
    why, budget = reaches_further(agreed_to(row), after), after.criteria.budget
    if why is not None:
        raise _consent_needed(why)
    mandate = await live_mandate_row(session, row.id)
    if mandate is None or mandate.document is None or mandate.currency != budget.currency:
        raise _consent_needed("there is no signed consent that reaches so far")
    return Money(minor=mandate.cap_minor, currency=mandate.currency), mandate.text_version


async def _consent(
    session: AsyncSession,
    services: Services,
    wanted: Wanted,
    shown: ShownConsent | None,
    now: datetime,
) -> Consent:
    if shown is None:
        return await consent_at_once(session, services, wanted, now)
    return await consent_given(session, services, wanted, shown.token, now, passkey=shown.passkey)


def _consent_needed(reason: str) -> ApiProblem:
    return field_refused("consent", reason, "Send a consent with this change.")


async def _of_key(
    services: Services, owner: UserId, campaign_id: CampaignId, body_hmac: str
) -> CampaignRow | None:
    """Return the campaign that this key made; refuse a key that came with another body."""
    async with services.database.transaction(owner) as session:
        row = await get_campaign(session, campaign_id)
    if row is not None and row.body_hmac != body_hmac:
        raise _clash()
    return row


def _clash() -> ApiProblem:
    return ApiProblem(
        422,
        "key_reused",
        "This Idempotency-Key was used before with another body. Use a new key for a new campaign.",
    )


def _body_hmac(services: Services, body: CreateCampaignRequest) -> str:
    """Fingerprint what was asked for; only what was sent counts, whatever the defaults become."""
    plain = json.dumps(body.model_dump(mode="json", exclude_unset=True), sort_keys=True)
    return hmac_hex(services.settings.hmac_secret.get_secret_value(), f"campaign:{plain}")


def _card(wanted: UUID | None) -> PaymentMethodId | None:
    return PaymentMethodId(wanted) if wanted else None

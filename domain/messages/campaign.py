"""What the campaign's workflow, its activities and the API say to each other."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.attempts import FailureReason
from domain.campaigns import BookingMode, CampaignState
from domain.criteria import Criteria
from domain.ids import (
    AttemptId,
    CampaignId,
    LookId,
    PaymentMethodId,
    ProposalId,
    TravelerId,
    UserId,
)
from domain.mandate_document import SealedSalt, SignedMandate
from domain.messages.attempt import AttemptInput
from domain.money import Money
from domain.offers import DatePair, Party
from domain.values import Value


def campaign_workflow_id(campaign_id: CampaignId | UUID) -> str:
    return f"campaign:{campaign_id}"


class Consent(Value):
    """The traveller's permission to be booked and charged without being asked again.

    One without `signed` was taken before consents were signed, and allows nothing.
    """

    text_version: str
    cap: Money
    consented_at: datetime
    signed: SignedMandate | None = None
    salts: tuple[SealedSalt, ...] = ()


class NewCampaign(Value):
    """A campaign as it was accepted over HTTP. `body_hmac` tells a repeat from a clash of keys.

    `name` is the owner's own words, sealed: see `db/own_words.py`.
    """

    campaign_id: CampaignId
    owner_id: UserId
    name: str
    criteria: Criteria
    mode: BookingMode
    traveler_ids: tuple[TravelerId, ...]
    party: Party
    payment_method_id: PaymentMethodId | None = None  # None: the owner's default of the moment
    consent: Consent | None = None  # None: to be given, or nothing is ever charged
    trip_request_id: UUID | None = None  # the saved trip that this was made of
    body_hmac: str
    created_at: datetime
    expires_at: datetime
    opens_at: datetime | None = None  # when its first date goes on sale, if that is still to come
    ends_at: datetime  # the earlier of expiry and the last bookable departure


class CampaignEdit(Value):
    """A whole new wish for a campaign, made against a version of it that the caller saw."""

    expected_version: int
    name: str
    criteria: Criteria
    mode: BookingMode
    traveler_ids: tuple[TravelerId, ...]
    party: Party
    payment_method_id: PaymentMethodId | None = None
    consent: Consent | None = None
    opens_at: datetime | None = None
    ends_at: datetime


class OfferFound(Value):
    """A match that a look made for the campaign. Stale versions are ignored."""

    look_id: LookId
    criteria_version: int
    seller: str
    pair: DatePair
    itinerary_key: str
    price: Money


class CampaignProgress(Value):
    """What survives continue-as-new: a position only; everything else is in the row."""

    opened: int = 0  # openings so far: attempts and proposals asked for
    warned: bool = False
    attempt_id: AttemptId | None = None
    inbox: tuple[OfferFound, ...] = ()


class CampaignInput(Value):
    campaign_id: CampaignId
    new: NewCampaign | None = None
    progress: CampaignProgress = CampaignProgress()


class CampaignAnswerCode(StrEnum):
    """What became of a request about a campaign; each has one true sentence in the API."""

    DONE = "done"
    ALREADY = "already"  # it was so before; asking again is harmless
    BEING_BOOKED = "being_booked"  # past the point of no return; wait for the outcome
    BOOKED = "booked"  # too late: it is booked as `booking_reference`
    ENDED = "ended"  # cancelled or expired before
    STALE = "stale"  # the version that the caller saw is not the newest
    NO_SUCH_PROPOSAL = "no_such_proposal"
    OFFER_GONE = "offer_gone"  # the flights that were named are not on offer (any more)
    CONSENT_NEEDED = "consent_needed"  # the traveller must consent (again) first
    NOT_NOW = "not_now"  # the state does not allow it; `state` says which one it is
    KEY_CLASH = "key_clash"  # the idempotency key was used with another body


class CampaignAnswer(Value):
    code: CampaignAnswerCode
    campaign_id: CampaignId
    state: CampaignState
    criteria_version: int
    booking_reference: str | None = None
    attempt_id: AttemptId | None = None


class Opening(StrEnum):
    """What came of a match."""

    ATTEMPT = "attempt"
    PROPOSAL = "proposal"
    TOLD = "told"
    NOTHING = "nothing"


class OpenInput(Value):
    """Act on a match. `opening_key` makes asking twice harmless."""

    campaign_id: CampaignId
    opening_key: str
    offer: OfferFound
    proposal_id: ProposalId | None = None  # set when an approved proposal is being booked


class CampaignFacts(Value):
    """The row's facts that the workflow needs for its timers; no personal data."""

    campaign_id: CampaignId
    owner_id: UserId
    state: CampaignState
    mode: BookingMode
    criteria_version: int
    ends_at: datetime
    warn_at: datetime | None = None
    opens_at: datetime | None = None
    proposal_id: ProposalId | None = None
    proposal_expires_at: datetime | None = None
    market: str = ""
    summary: str = ""
    attempt_id: AttemptId | None = None
    past_no_return: bool = False
    seller: str = "duffel"
    undo_until: datetime | None = None  # cancelled, and can be taken back until then
    untold: bool = False
    """A notice of the wish waits to be sent; whoever wrote it may have died before saying so."""


class Opened(Value):
    what: Opening
    why: str = ""
    attempt: AttemptInput | None = None
    facts: CampaignFacts | None = None
    """How the campaign stands after it; older workers did not say."""


class AttemptFinished(Value):
    """An attempt's report to its campaign."""

    attempt_id: AttemptId
    booked: bool
    reason: FailureReason | None = None
    look_again: bool = False


class Asked(Value):
    """What is asked of a wish. A request takes effect once, however late a worker comes with it."""

    campaign_id: CampaignId
    request: UUID


class EditInput(Value):
    campaign_id: CampaignId
    edit: CampaignEdit


class ConsentInput(Value):
    campaign_id: CampaignId
    consent: Consent


class AllowOnce(Value):
    """Book the flights of this decision once, under a consent to them alone."""

    look_id: LookId
    offer_id: str
    consent: Consent


class AllowOnceInput(Value):
    campaign_id: CampaignId
    allow: AllowOnce


class Allowed(Value):
    """The answer to an allowance, and what to run if it stands."""

    answer: CampaignAnswer
    attempt: AttemptInput | None = None


class ProposalInput(Value):
    campaign_id: CampaignId
    proposal_id: ProposalId


class ApprovedProposal(Value):
    """The answer to an approval, and what to book if it stands."""

    answer: CampaignAnswer
    offer: OfferFound | None = None

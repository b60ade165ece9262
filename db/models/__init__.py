"""All tables, so that `SQLModel.metadata` is complete; nothing else is imported from here."""

from db.models.account_link import AccountLinkRow
from db.models.api_key import ApiKeyCommitmentRow, ApiKeyRow
from db.models.attempt import AttemptRow
from db.models.audit import AuditLinkRow, AuditRow
from db.models.booking import BookingRow
from db.models.campaign import CampaignRow
from db.models.campaign_draft import CampaignDraftRow
from db.models.campaign_event import CampaignEventRow
from db.models.campaign_fare import CampaignFareRow
from db.models.campaign_result import CampaignResultRow
from db.models.dispute import DisputeRow
from db.models.erasure import ErasureRow
from db.models.look import LookRow
from db.models.mandate import MandateRow
from db.models.mandate_salt import MandateSaltRow
from db.models.mandate_use import MandateUseRow
from db.models.notice import NoticeRow
from db.models.notice_choice import NoticePreferenceRow, NoticeSettingsRow
from db.models.offer_decision import OfferDecisionRow
from db.models.offer_snapshot import OfferSnapshotRow
from db.models.oidc_identity import OidcIdentityRow
from db.models.operator_action import OperatorActionRow
from db.models.operator_task import OperatorTaskRow
from db.models.pair_state import PairStateRow
from db.models.passkey import PasskeyChallengeRow, PasskeyRow
from db.models.payment import PaymentRow
from db.models.payment_customer import PaymentCustomerRow
from db.models.payment_method import PaymentMethodRow
from db.models.payment_setup import PaymentSetupRow
from db.models.pending_sign_in import PendingSignInRow
from db.models.personal_read import PersonalReadRow
from db.models.price_observation import PriceObservationRow
from db.models.proposal import ProposalRow
from db.models.provider_call import ProviderCallRow
from db.models.provider_event import ProviderEventRow
from db.models.refund import RefundRow
from db.models.retained_record import RetainedRecordRow
from db.models.second_factor import CodeFailureRow, RecoveryCodeRow, TotpFactorRow
from db.models.shareable_link import ShareableLinkRow
from db.models.switch import SwitchRow
from db.models.throttle import ThrottleRow
from db.models.traveler import TravelerRow
from db.models.traveler_document import TravelerDocumentRow
from db.models.traveler_file import TravelerFileRow
from db.models.trip_request import TripRequestRow
from db.models.user import UserRow
from db.models.web_session import WebSessionRow
from db.models.webhook import WebhookDeliveryRow, WebhookEndpointRow, WebhookTryRow

__all__ = [
    "AccountLinkRow",
    "ApiKeyCommitmentRow",
    "ApiKeyRow",
    "AttemptRow",
    "AuditLinkRow",
    "AuditRow",
    "BookingRow",
    "CampaignDraftRow",
    "CampaignEventRow",
    "CampaignFareRow",
    "CampaignResultRow",
    "CampaignRow",
    "CodeFailureRow",
    "DisputeRow",
    "ErasureRow",
    "LookRow",
    "MandateRow",
    "MandateSaltRow",
    "MandateUseRow",
    "NoticePreferenceRow",
    "NoticeRow",
    "NoticeSettingsRow",
    "OfferDecisionRow",
    "OfferSnapshotRow",
    "OidcIdentityRow",
    "OperatorActionRow",
    "OperatorTaskRow",
    "PairStateRow",
    "PasskeyChallengeRow",
    "PasskeyRow",
    "PaymentCustomerRow",
    "PaymentMethodRow",
    "PaymentRow",
    "PaymentSetupRow",
    "PendingSignInRow",
    "PersonalReadRow",
    "PriceObservationRow",
    "ProposalRow",
    "ProviderCallRow",
    "ProviderEventRow",
    "RecoveryCodeRow",
    "RefundRow",
    "RetainedRecordRow",
    "ShareableLinkRow",
    "SwitchRow",
    "ThrottleRow",
    "TotpFactorRow",
    "TravelerDocumentRow",
    "TravelerFileRow",
    "TravelerRow",
    "TripRequestRow",
    "UserRow",
    "WebSessionRow",
    "WebhookDeliveryRow",
    "WebhookEndpointRow",
    "WebhookTryRow",
]

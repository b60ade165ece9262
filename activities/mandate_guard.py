"""Whether the rows allow a charge: the mandate as it was signed, held against what is to happen.

Everything here runs inside the caller's transaction, which holds the campaign's lock.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import AttemptRow, CampaignRow, MandateRow, ProviderCallRow
from db.queries import calls
from db.queries.mandates import charge_of, mandate_of, salts_of, use_of
from db.vault import PersonalVault
from domain.attempts import FailureReason
from domain.campaigns import CampaignState
from domain.ids import UserId
from domain.mandate_document import (
    BadMandate,
    MandateDocument,
    MandateKind,
    SignatureCheck,
    from_text,
    name_digest,
    verified,
)
from domain.mandates import (
    NEEDS_CONSENT,
    Mandate,
    MandateProblem,
    MandateRefusal,
    covers,
    may_book,
)
from domain.messages.campaign import Consent
from domain.money import Money
from domain.travelers import TravelerDetails

MANDATE_FACT = "mandate_id"  # on an order's call: its use of the mandate is written


class MandateGuard:
    """Asks the mandate, whose signatures it checks each time, for a charge."""

    def __init__(self, keys: SignatureCheck) -> None:
        self._keys = keys

    def document(self, row: MandateRow) -> MandateDocument | MandateProblem:
        """Return what was signed, if every byte of it still is."""
        signed = row.signed
        if signed is None:
            return _problem(MandateRefusal.NOT_SIGNED, "your consent is not signed")
        try:
            document = verified(signed, self._keys)
        except BadMandate as error:
            return _problem(MandateRefusal.NOT_GENUINE, str(error))
        if not _repeats(row, document):
            return _problem(MandateRefusal.NOT_GENUINE, "the row is not what was signed")
        return document

    def read(self, consent: Consent) -> MandateDocument | None:
        """Return the document of a consent that has just come in, if it is genuine."""
        try:
            return verified(consent.signed, self._keys) if consent.signed else None
        except BadMandate:
            return None

    async def refusal(
        self,
        session: AsyncSession,
        campaign: CampaignRow,
        mandate: MandateRow | None,
        total: Money,
        now: datetime,
        *,
        attempt: AttemptRow | None = None,
    ) -> MandateProblem | None:
        """Return what forbids charging `total` at `now`, or None."""
        if mandate is None:
            return _problem(MandateRefusal.NOT_SIGNED, "there is no consent")
        document = self.document(mandate)
        if isinstance(document, MandateProblem):
            return document
        problem = may_book(Mandate.of(document, mandate.revoked_at), total, now)
        if problem is not None:
            return problem
        return covers(document, await charge_of(session, campaign, mandate, total, attempt))

    async def hold_refusal(
        self,
        session: AsyncSession,
        campaign: CampaignRow,
        attempt: AttemptRow,
        amount: Money,
        now: datetime,
    ) -> FailureReason | None:
        """Return why `amount` must not be held for an attempt, or None.

        For an order that stands already, neither time nor withdrawal counts any more.
        """
        orders = await standing_orders(session, attempt.id)
        if orders:
            before = all(MANDATE_FACT not in call.facts for call in orders)
            allowed = before or await self._still_covers(session, campaign, attempt, amount)
            return None if allowed else FailureReason.CAPTURE_REFUSED
        if campaign.status is not CampaignState.BOOKING:
            return FailureReason.WITHDRAWN  # whoever stopped it was first
        mandate = await mandate_of(session, attempt)
        return reason_of(
            await self.refusal(session, campaign, mandate, amount, now, attempt=attempt), mandate
        )

    async def take(
        self, session: AsyncSession, campaign: CampaignRow, attempt: AttemptRow, total: Money
    ) -> None:
        """Let the use of a standing order say what it costs in the end, if the caps allow that.

        Where they do not, the row stays as it is and capture finds too little in it.
        """
        use = await use_of(session, attempt.id)
        if use is None or (use.amount_minor, use.currency) == (total.minor, total.currency):
            return
        if await self._still_covers(session, campaign, attempt, total):
            use.amount_minor, use.currency = total.minor, total.currency

    async def _still_covers(
        self, session: AsyncSession, campaign: CampaignRow, attempt: AttemptRow, total: Money
    ) -> bool:
        mandate = await mandate_of(session, attempt)
        document = self.document(mandate) if mandate else None
        if mandate is None or not isinstance(document, MandateDocument):
            return False
        if total.currency != document.currency:
            return False
        charge = await charge_of(session, campaign, mandate, total, attempt)
        return covers(document, charge) is None


async def may_capture(session: AsyncSession, attempt_id: UUID, amount: Money) -> bool:
    """Say whether the use written at the point of no return allows this charge."""
    orders = await standing_orders(session, attempt_id)
    if orders and all(MANDATE_FACT not in call.facts for call in orders):
        return True  # ordered by an older worker, which wrote no use
    use = await use_of(session, attempt_id)
    if use is None or use.currency != amount.currency:
        return False
    return amount.minor <= use.amount_minor


async def standing_orders(session: AsyncSession, attempt_id: UUID) -> list[ProviderCallRow]:
    """Return the attempt's order calls that may have taken effect."""
    return [c for c in await calls.order_calls(session, attempt_id) if c.state in calls.MAY_EXIST]


def reason_of(problem: MandateProblem | None, mandate: MandateRow | None) -> FailureReason | None:
    """Say in an attempt's words why its mandate does not allow it."""
    if problem is None:
        return None
    once = mandate is not None and mandate.kind is MandateKind.ALLOW_ONCE
    if once and problem.kind is MandateRefusal.EXPIRED:
        return FailureReason.ALLOWANCE_LAPSED
    asks = problem.kind in NEEDS_CONSENT
    return FailureReason.CONSENT_NEEDED if asks else FailureReason.WITHDRAWN


async def names_signed(
    session: AsyncSession,
    vault: PersonalVault,
    mandate: MandateRow,
    people: list[TravelerDetails],
) -> bool:
    """Say whether those who travel have the names that were signed; salts may be gone by law."""
    if mandate.document is None:
        return False
    document = MandateDocument.model_validate_json(mandate.document)
    salts = {row.traveler_id: row.salt_encrypted for row in await salts_of(session, mandate.id)}
    for signed, person in zip(document.travelers, people, strict=False):
        sealed = salts.get(signed.traveler_id)
        if sealed is None:
            continue
        salt = await vault.open(
            session,
            UserId(mandate.user_id),
            sealed,
            table="mandate_salts",
            column="salt",
            row_id=f"{mandate.id}:{signed.traveler_id}",
            subject=signed.traveler_id,
        )
        if name_digest(from_text(salt), person.given_name, person.family_name) != (
            signed.name_digest
        ):
            return False
    return True


def _repeats(row: MandateRow, document: MandateDocument) -> bool:
    """Say whether the columns beside the document say the same."""
    return (
        row.id == document.mandate_id
        and row.campaign_id == document.campaign_id
        and row.user_id == document.owner_id
        and row.kind is document.kind
        and row.criteria_version == document.criteria_version
        and row.text_version == document.consent.version
        and row.cap_minor == document.cap_each.minor
        and row.currency == document.currency
        and row.consented_at == document.issued_at
        and row.expires_at == document.expires_at
        and row.nonce == document.nonce
    )


def _problem(kind: MandateRefusal, words: str) -> MandateProblem:
    return MandateProblem(kind=kind, words=words)

"""Mandates as the API gives them: the text that was signed, who signed it, what was taken of it."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import Field

from api.rest.schemas.common import MoneyBody, Response
from db.models.mandate import MandateRow
from db.queries.mandates import Taken
from domain.mandate_document import (
    BadMandate,
    MandateKind,
    PasskeySignature,
    SignatureCheck,
    verified,
)
from domain.money import Money

Standing = Literal["standing", "withdrawn", "ended", "not_yet", "unsigned", "not_genuine"]


class MandateUseBody(Response):
    """What one attempt took; `released_at` once it was certain that it booked nothing."""

    attempt_id: UUID
    payment_id: UUID
    amount: MoneyBody
    charged: MoneyBody = Field(description="What was charged of it so far.")
    refunded: MoneyBody
    used_at: datetime
    released_at: datetime | None

    @classmethod
    def of(cls, taken: Taken) -> Self:
        return cls(
            attempt_id=taken.use.attempt_id,
            payment_id=taken.use.payment_id,
            amount=MoneyBody.of(taken.amount),
            charged=MoneyBody.of(taken.charged),
            refunded=MoneyBody.of(taken.refunded),
            used_at=taken.use.used_at,
            released_at=taken.use.released_at,
        )


class MandateBody(Response):
    """One consent. `parker mandate verify` checks it without us, given our public keys."""

    id: UUID
    kind: MandateKind
    standing: Standing
    criteria_version: int
    cap: MoneyBody
    given_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    document: str | None = Field(
        description="The signed text itself, canonical JSON (RFC 8785); its bytes count. Null: "
        "given before consents were signed."
    )
    key_id: str | None
    signature: str | None = Field(description="Ours, Ed25519, base64url.")
    passkey: PasskeySignature | None = Field(description="The traveller's own, where there is one.")
    uses: list[MandateUseBody]

    @classmethod
    def of(cls, row: MandateRow, uses: list[Taken], keys: SignatureCheck, now: datetime) -> Self:
        return cls(
            id=row.id,
            kind=row.kind,
            standing=_standing(row, keys, now),
            criteria_version=row.criteria_version,
            cap=MoneyBody.of(Money(minor=row.cap_minor, currency=row.currency)),
            given_at=row.consented_at,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
            document=row.document,
            key_id=row.key_id,
            signature=row.signature,
            passkey=row.signed.passkey if row.signed else None,
            uses=[MandateUseBody.of(one) for one in uses if one.use.mandate_id == row.id],
        )


class CampaignMandateResponse(Response):
    """The consent that stands for a campaign, and those that stood before."""

    campaign_id: UUID
    mandate: MandateBody | None = Field(description="Null: nobody has consented.")
    earlier: list[MandateBody]
    keys: str = Field(examples=["/.well-known/parker-mandate-keys.json"])


class MandateKey(Response):
    """A public key of ours, as a JSON Web Key."""

    kid: str
    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    alg: Literal["EdDSA"]
    use: Literal["sig"]
    x: str


class MandateKeysResponse(Response):
    """Our public keys, the one that signs now first; pin them to check mandates by yourself."""

    keys: list[MandateKey]


def _standing(row: MandateRow, keys: SignatureCheck, now: datetime) -> Standing:
    signed = row.signed
    if signed is None:
        return "unsigned"
    try:
        verified(signed, keys)
    except BadMandate:
        return "not_genuine"
    if row.revoked_at is not None and row.revoked_at <= now:
        return "withdrawn"
    if now < row.consented_at:
        return "not_yet"
    return "ended" if row.expires_at <= now else "standing"

from typing import Annotated
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from db.models.columns import (
    Currency,
    Instant,
    Minor,
    OptionalInstant,
    OptionalJson,
    text_enum,
)
from domain.mandate_document import MandateKind, PasskeySignature, SignedMandate


class MandateRow(SQLModel, table=True):
    """A consent to be booked and charged, for one version of a wish. Kept for ever.

    `document` is what was signed and alone decides; the other columns repeat it for people who
    read the table, and a row in which they disagree allows nothing. Rows from before consents were
    signed have no document and allow nothing either.
    """

    __tablename__ = "mandates"
    __table_args__ = (
        Index(
            "mandates_one_live",
            "campaign_id",
            "kind",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
        # Empty once everybody whose consent is from before it was signed has renewed it.
        Index(
            "mandates_unsigned",
            "campaign_id",
            postgresql_where=text("revoked_at IS NULL AND document IS NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    campaign_id: UUID = Field(foreign_key="autobooking_campaigns.id", index=True)
    user_id: UUID = Field(foreign_key="users.id")
    kind: Annotated[MandateKind, Field(sa_type=text_enum(MandateKind))] = MandateKind.BOOKING
    criteria_version: int
    text_version: str
    cap_minor: Minor
    currency: Currency
    consented_at: Instant
    expires_at: Instant
    revoked_at: OptionalInstant = None
    document: str | None = None
    key_id: str | None = None
    signature: str | None = None
    passkey: OptionalJson = None
    nonce: str | None = Field(default=None, unique=True)

    @property
    def signed(self) -> SignedMandate | None:
        """The document and its signatures as they stand in the row, true or not."""
        if self.document is None or self.key_id is None or self.signature is None:
            return None
        return SignedMandate(
            document=self.document,
            key_id=self.key_id,
            signature=self.signature,
            passkey=PasskeySignature.model_validate(self.passkey) if self.passkey else None,
        )

from typing import Annotated
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from db.models.columns import (
    Instant,
    Json,
    OptionalCurrency,
    OptionalInstant,
    OptionalMinor,
    text_enum,
)
from db.own_words import OwnWords
from domain.audit import ActorKind, Channel
from domain.operating import ActionState, OperatorAction, Refusal


class OperatorActionRow(SQLModel, table=True):
    """What an operator asked for, as it was asked: nobody changes it but in what came of it.

    What a second person agrees to is this very row: no role may change its amount, its payment,
    its reason or who asked. Nobody agrees to what they asked for themselves.
    """

    __tablename__ = "operator_actions"
    __table_args__ = (
        CheckConstraint("decided_by IS NULL OR decided_by <> operator", name="never_alone"),
        CheckConstraint(
            "NOT of_two OR state IN ('waiting', 'declined', 'lapsed', 'refused')"
            " OR decided_by IS NOT NULL",
            name="of_two",
        ),
        Index("operator_actions_of_target", "target_id", "created_at"),
        Index("operator_actions_waiting", "decide_by", postgresql_where=text("state = 'waiting'")),
    )

    id: UUID = Field(primary_key=True)
    key: str = Field(unique=True)
    action: Annotated[OperatorAction, Field(sa_type=text_enum(OperatorAction))]
    target_id: UUID | None = None
    user_id: UUID | None = Field(default=None, index=True)
    operator: str
    operator_kind: Annotated[ActorKind, Field(sa_type=text_enum(ActorKind))]
    role: str
    channel: Annotated[Channel, Field(sa_type=text_enum(Channel))]
    # Sealed as the audit log's, so that whoever writes it there need not read it.
    reason: Annotated[str, Field(sa_type=OwnWords("audit_log.reason"))]
    expected_state: str
    expected_version: int | None = None
    payment_id: UUID | None = None
    amount_minor: OptionalMinor = None
    currency: OptionalCurrency = None
    facts: Json
    of_two: bool = False
    state: Annotated[ActionState, Field(sa_type=text_enum(ActionState))]
    decide_by: OptionalInstant = None
    decided_by: str | None = None
    decided_at: OptionalInstant = None
    refusal: Annotated[Refusal | None, Field(sa_type=text_enum(Refusal))] = None
    note: str = ""
    created_at: Instant
    updated_at: Instant

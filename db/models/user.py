from enum import StrEnum
from uuid import UUID

from sqlalchemy import CHAR
from sqlmodel import Field, SQLModel

from db.models.columns import Instant, OptionalInstant, text_enum


class Role(StrEnum):
    """What somebody is to the installation; given by `parker user grant`."""

    TRAVELLER = "traveller"
    SALES = "sales"
    SUPPORT = "support"
    ADMIN = "admin"


class UserRow(SQLModel, table=True):
    """A person with an account. The address is found again by its HMAC only.

    An address belongs to the account that has confirmed it: until then there is no HMAC, so that
    several may be waiting for the same address, and opening an account tells nobody whose it is.
    """

    __tablename__ = "users"

    id: UUID = Field(primary_key=True)
    email_encrypted: str
    email_hmac: str | None = Field(default=None, unique=True)
    created_at: Instant
    password_hash: str | None = None
    email_confirmed_at: OptionalInstant = None
    consent_blocked_until: OptionalInstant = None
    """A reset password could be a thief's: no new consent before this instant."""
    # Not set by us when somebody is added: the API's role may not even name it.
    role: Role = Field(
        sa_type=text_enum(Role),
        sa_column_kwargs={"server_default": Role.TRAVELLER.value},
    )
    locale: str = "en"
    time_zone: str = "UTC"
    display_currency: str | None = Field(default=None, sa_type=CHAR(3))
    erased_at: OptionalInstant = None
    """Nothing of a person is left in this row; amounts still point to it."""

"""Signing in by way of an identity provider: one group of the settings."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def _none_if_empty(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


class OidcSettings(BaseModel):
    """An OpenID provider. Without an issuer there is none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: Annotated[str | None, BeforeValidator(_none_if_empty)] = None
    """Exactly as the provider's discovery document writes it."""
    client_id: Annotated[str | None, BeforeValidator(_none_if_empty)] = None
    client_secret: Annotated[SecretStr | None, BeforeValidator(_none_if_empty)] = None
    name: Annotated[str, Field(min_length=1, max_length=40)] = "your organisation"
    """What people call it: "Sign in with {name}"."""

    @property
    def enabled(self) -> bool:
        return self.issuer is not None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.issuer is None) != (self.client_id is None):
            raise ValueError("the issuer and the client id are set together or not at all")
        if self.issuer is not None:
            address = urlsplit(self.issuer)
            local = address.scheme == "http" and address.hostname in _LOOPBACK
            if not local and (address.scheme != "https" or not address.hostname):
                raise ValueError("the issuer must be an https address")
        return self

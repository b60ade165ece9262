"""What of an ID token must hold before anybody is believed (OpenID Connect Core, 3.1.3.7)."""

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

# Signatures that only the provider can make. Never `none`, and no HMAC: a client's secret is no
# proof of where a token comes from.
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
_LEEWAY_SECONDS = 60  # between our clock and the provider's
_LONGEST_SUBJECT = 255


class TokenRefused(Exception):
    """The token is not what was asked for; `code` says what is wrong with it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class UnknownKey(TokenRefused):
    """Signed with a key that the provider had not published when its keys were read."""

    def __init__(self) -> None:
        super().__init__("unknown_key")


def verified_claims(
    token: str, keys: KeySet, *, issuer: str, client_id: str, nonce: str, now: datetime
) -> Mapping[str, Any]:
    """Return the claims of a token that is the provider's, for us, in time and for this sign-in.

    Raises:
        TokenRefused: anything does not hold.
        UnknownKey: the key may be new; read the keys again.
    """
    try:
        read = jwt.decode(token, keys, algorithms=ALGORITHMS)
    except InvalidKeyIdError as error:
        raise UnknownKey from error
    except (JoseError, ValueError) as error:
        raise TokenRefused("bad_signature") from error
    claims = read.claims
    rules = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=_LEEWAY_SECONDS,
        iss={"essential": True, "value": issuer},
        sub={"essential": True},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        rules.validate(claims)
    except JoseError as error:
        raise TokenRefused(f"bad_claim_{getattr(error, 'claim', 'unknown')}") from error
    audience = claims["aud"]
    several = isinstance(audience, list) and len(audience) > 1
    if (several or "azp" in claims) and claims.get("azp") != client_id:
        raise TokenRefused("bad_claim_azp")
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise TokenRefused("bad_claim_nonce")
    if not 0 < len(str(claims["sub"])) <= _LONGEST_SUBJECT:
        raise TokenRefused("bad_claim_sub")
    return claims

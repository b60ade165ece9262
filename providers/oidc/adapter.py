"""Sign people in by way of an OpenID provider: the code flow with PKCE, and nothing else of it."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode, urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from providers.errors import BadAnswer, ProviderRefused, ProviderUnavailable
from providers.http import Answer, HttpClient, JsonObject
from providers.oidc.id_token import TokenRefused, UnknownKey, verified_claims
from providers.ports import Identity
from runtime.oidc_settings import OidcSettings

VENDOR = "oidc"
MAX_BODY_BYTES = 512 * 1024
_READ_SECONDS = 10.0
# Keys change rarely and announce it; an unknown key is looked for at once all the same.
_KEPT = timedelta(hours=1)
_ASKED_AGAIN_AFTER = timedelta(minutes=1)
_SCOPE = "openid email"


@dataclass(frozen=True)
class _Provider:
    """What the provider says of itself."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    secret_in_body: bool
    read_at: datetime


class OidcIdentities:
    """The port IdentityProvider."""

    def __init__(self, settings: OidcSettings) -> None:
        assert settings.issuer is not None
        assert settings.client_id is not None
        self._issuer, self._client_id = settings.issuer, settings.client_id
        secret = settings.client_secret
        self._secret = secret.get_secret_value() if secret is not None else None
        self._http = HttpClient(VENDOR, self._issuer, max_body_bytes=MAX_BODY_BYTES)
        self._provider: _Provider | None = None
        self._keys: KeySet | None = None
        self._keys_read_at: datetime | None = None
        self._looked_again_at: datetime | None = None

    async def aclose(self) -> None:
        await self._http.aclose()

    async def address(
        self, *, state: str, nonce: str, verifier: str, return_to: str, now: datetime
    ) -> str:
        """Return where the person goes to sign in."""
        provider = await self._discovered(now)
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": return_to,
            "scope": _SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
        }
        joint = "&" if urlsplit(provider.authorization_endpoint).query else "?"
        return f"{provider.authorization_endpoint}{joint}{urlencode(asked)}"

    async def redeem(
        self, *, code: str, verifier: str, nonce: str, return_to: str, now: datetime
    ) -> Identity:
        """Return who has signed in.

        Raises:
            ProviderUnavailable: it does not answer; the person starts again.
            ProviderRefused: the code or the token is not good.
        """
        provider = await self._discovered(now)
        token = await self._token(provider, code, verifier, return_to)
        keys = await self._key_set(provider, now)
        try:
            claims = self._verified(token, keys, nonce, now)
        except UnknownKey:
            again = await self._key_set(provider, now, anew=True)
            claims = self._verified(token, again, nonce, now, last=True)
        email = claims.get("email")
        return Identity(
            issuer=self._issuer,
            subject=str(claims["sub"]),
            email=email if isinstance(email, str) else None,
        )

    def _verified(
        self, token: str, keys: KeySet, nonce: str, now: datetime, *, last: bool = False
    ) -> Mapping[str, object]:
        try:
            return verified_claims(
                token, keys, issuer=self._issuer, client_id=self._client_id, nonce=nonce, now=now
            )
        except TokenRefused as refused:
            if isinstance(refused, UnknownKey) and not last:
                raise
            raise ProviderRefused(VENDOR, "verify", refused.code) from refused

    async def _discovered(self, now: datetime) -> _Provider:
        if self._provider is not None and now - self._provider.read_at < _KEPT:
            return self._provider
        path = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        document = await self._read(path, "discover")
        # Exactly: a document that speaks for another issuer would let that one in.
        if document.get("issuer") != self._issuer:
            raise ProviderRefused(VENDOR, "discover", "another_issuer")
        ways = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        self._provider = _Provider(
            authorization_endpoint=self._endpoint(document, "authorization_endpoint"),
            token_endpoint=self._endpoint(document, "token_endpoint"),
            jwks_uri=self._endpoint(document, "jwks_uri"),
            secret_in_body=isinstance(ways, list) and "client_secret_basic" not in ways,
            read_at=now,
        )
        return self._provider

    def _endpoint(self, document: JsonObject, name: str) -> str:
        """Return an address that is as safe as the issuer's own."""
        address = document.get(name)
        if not isinstance(address, str):
            raise BadAnswer(VENDOR, "discover", f"no_{name}")
        if urlsplit(address).scheme != urlsplit(self._issuer).scheme:
            raise ProviderRefused(VENDOR, "discover", f"unsafe_{name}")
        return address

    async def _key_set(self, provider: _Provider, now: datetime, *, anew: bool = False) -> KeySet:
        """Return the provider's keys; `anew` reads them before their time, but not at each call."""
        if self._keys is None or self._keys_read_at is None or now - self._keys_read_at >= _KEPT:
            self._keys = await self._read_keys(provider)
            self._keys_read_at = now
        elif anew:
            looked = self._looked_again_at
            if looked is not None and now - looked < _ASKED_AGAIN_AFTER:
                raise ProviderRefused(VENDOR, "verify", "unknown_key")
            self._looked_again_at = now
            self._keys = await self._read_keys(provider)
        return self._keys

    async def _read_keys(self, provider: _Provider) -> KeySet:
        document = await self._read(provider.jwks_uri, "read_keys")
        try:
            return KeySet.import_key_set(_public(document))  # type: ignore[arg-type]
        except (JoseError, KeyError, TypeError, ValueError) as error:
            raise BadAnswer(VENDOR, "read_keys", "malformed") from error

    async def _token(self, provider: _Provider, code: str, verifier: str, return_to: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": return_to,
            "code_verifier": verifier,
        }
        headers: dict[str, str] = {"Accept": "application/json"}
        if self._secret is None or provider.secret_in_body:
            form["client_id"] = self._client_id
            if self._secret is not None:
                form["client_secret"] = self._secret
        else:
            headers["Authorization"] = _basic(self._client_id, self._secret)
        reply = await self._http.request(
            "POST",
            provider.token_endpoint,
            operation="redeem",
            read_seconds=_READ_SECONDS,
            form=form,
            headers=headers,
            fresh_connection=True,
        )
        answer = self._answered(reply, "redeem")
        token = (answer.json or {}).get("id_token")
        if answer.status != 200 or not isinstance(token, str):
            raise ProviderRefused(VENDOR, "redeem", f"status_{answer.status}", answer.request_id)
        return token

    async def _read(self, address: str, operation: str) -> JsonObject:
        reply = await self._http.request(
            "GET", address, operation=operation, read_seconds=_READ_SECONDS
        )
        answer = self._answered(reply, operation)
        if answer.status != 200 or answer.json is None:
            raise BadAnswer(VENDOR, operation, f"status_{answer.status}", answer.request_id)
        return answer.json

    def _answered(self, reply: object, operation: str) -> Answer:
        if not isinstance(reply, Answer) or reply.status >= 500:
            code = "away" if not isinstance(reply, Answer) else f"status_{reply.status}"
            raise ProviderUnavailable(VENDOR, operation, code)
        return reply


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a PKCE verifier (RFC 7636, 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _basic(client_id: str, secret: str) -> str:
    # RFC 6749, 2.3.1: both are form-encoded before they are joined.
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _public(document: JsonObject) -> JsonObject:
    """Leave out keys that are not for signatures: their kinds may be unknown to us."""
    keys = json.loads(json.dumps(document.get("keys", [])))
    return {"keys": [key for key in keys if key.get("use", "sig") == "sig"]}

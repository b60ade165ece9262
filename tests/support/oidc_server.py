"""A small OpenID provider, served over HTTP: it signs truly, and lies where it is told to."""

import asyncio
import base64
import hashlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_ID, CLIENT_SECRET = "parker", "a client's secret: +/&%"


@dataclass
class Person:
    """Who is signed in at the provider."""

    sub: str
    email: str | None = None


@dataclass
class OidcServer:
    """The provider, and what it is told to do wrong."""

    issuer: str
    person: Person = field(default_factory=lambda: Person("sub-1", "ana@idp.example"))
    claims: dict[str, Any] = field(default_factory=dict)
    """Of the next ID tokens, in the place of the true ones; None leaves one out."""
    algorithm: str = "RS256"
    key: Any = None
    """What is signed with, if not the key that is published."""
    document: dict[str, Any] = field(default_factory=dict)
    says_no: bool = False
    tokens: int = 0
    keys_read: int = 0
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    published: RSAKey = field(
        default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
    )

    def rotate(self) -> None:
        """Publish another key and sign with it."""
        self.published = RSAKey.generate_key(2048, {"kid": uuid4().hex, "use": "sig"})

    def routes(self) -> list[Route]:
        return [
            Route("/.well-known/openid-configuration", self._discover),
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
            Route("/keys", self._keys),
        ]

    async def _discover(self, request: Request) -> Response:
        true = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }
        return JSONResponse(true | self.document)

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        answer = {"state": asked["state"], "iss": self.issuer}
        if self.says_no:
            answer["error"] = "access_denied"
        else:
            answer["code"] = uuid4().hex
            self.codes[answer["code"]] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", status_code=302)

    async def _token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        asked = self.codes.pop(form.get("code", ""), None)
        quoted = "a%20client%27s%20secret%3A%20%2B%2F%26%25"
        basic = base64.b64encode(f"{CLIENT_ID}:{quoted}".encode()).decode()
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).decode().rstrip("=")
        if (
            asked is None
            or request.headers.get("authorization") != f"Basic {basic}"
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != asked["redirect_uri"]
            or challenge != asked["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        self.tokens += 1
        return JSONResponse(
            {"token_type": "Bearer", "access_token": "x", "id_token": self._sign(asked)}
        )

    def _sign(self, asked: dict[str, str]) -> str:
        now = int(datetime.now(UTC).timestamp())
        true: dict[str, Any] = {
            "iss": self.issuer,
            "sub": self.person.sub,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "email": self.person.email,
            "email_verified": True,
        }
        claims = {name: value for name, value in (true | self.claims).items() if value is not None}
        if self.algorithm == "none":
            head = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
            body = base64.urlsafe_b64encode(str(claims).replace("'", '"').encode()).decode()
            return f"{head}.{body.rstrip('=')}."
        key = self.key or self.published
        header = {"alg": self.algorithm} | ({"kid": key.kid} if key.kid else {})
        return jwt.encode(header, claims, key, algorithms=[self.algorithm])

    async def _keys(self, request: Request) -> Response:
        self.keys_read += 1
        return JSONResponse(KeySet([self.published]).as_dict(private=False))


def client_secret_key() -> OctKey:
    """Return the client's secret as a key: signing with it proves nothing about the provider."""
    return OctKey.import_key(CLIENT_SECRET)


def elliptic_key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": "k1"})


@asynccontextmanager
async def running_oidc_server() -> AsyncIterator[OidcServer]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    provider = OidcServer(f"http://127.0.0.1:{port}")
    server = uvicorn.Server(
        uvicorn.Config(
            Starlette(routes=provider.routes()), host="127.0.0.1", port=port, log_level="error"
        )
    )
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            task.result()
        await asyncio.sleep(0.01)
    try:
        yield provider
    finally:
        server.should_exit = True
        await task

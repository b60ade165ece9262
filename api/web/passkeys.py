"""Passkeys: what is asked of them, and whether an answer is good (WebAuthn).

A question is good for one answer, for a few minutes, for one purpose and one subject. Every answer
must say that the authenticator made sure who uses it. To have something signed, as a mandate is,
begin with a challenge of your own and keep the `Assertion`.
"""

import hashlib
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import webauthn
from sqlalchemy.ext.asyncio import AsyncSession
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from api.services import Services
from db.models.passkey import PasskeyRow
from db.queries import passkeys
from db.session import SystemActor
from domain.ids import UserId
from runtime.crypto import hmac_hex
from runtime.settings import Settings

T = TypeVar("T")
_log = logging.getLogger("api")
NAME = "Parker Flight"
_ACTOR = SystemActor("authentication")
# As long as a person takes to find their telephone, and as we tell the browser to wait.
_LASTS = timedelta(minutes=5)
# What a mandate says is read before it is signed: its question stands on the page as long as it.
_READING = timedelta(minutes=30)
_LASTS_MS = int(_LASTS.total_seconds() * 1000)
_CHALLENGE_BYTES = 32
_LONGEST_ANSWER = 16 * 1024
_LONGEST_NAME = 60


class Purpose(StrEnum):
    """What a passkey is asked for; an answer given for one counts for no other."""

    REGISTER = "register"
    SIGN_IN = "sign-in"
    STEP_UP = "step-up"
    MANDATE = "mandate"


@dataclass(frozen=True)
class Question:
    """What an answer is for: the session to step up, the mandate to sign, the browser's visit."""

    purpose: Purpose
    subject: UUID | str


class PasskeyRefused(Exception):
    """The answer does not count; the message is for the person."""


@dataclass(frozen=True)
class RelyingParty:
    """Who a passkey is made for: a host name, and the one address it is used from."""

    id: str
    origin: str


@dataclass(frozen=True)
class Assertion:
    """A passkey's answer that counted: enough to check it again for ever."""

    passkey_id: UUID
    user_id: UserId
    credential_id: bytes
    authenticator_data: bytes
    client_data: bytes
    signature: bytes
    public_key: bytes
    relying_party: str
    user_verified: bool


def relying_party(settings: Settings) -> RelyingParty | None:
    """Return who we are to passkeys; None where our address is a number, which browsers refuse."""
    address = urlsplit(settings.base_url)
    host = address.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return RelyingParty(host, f"{address.scheme}://{address.netloc}")
    return None


async def begin_registration(
    session: AsyncSession, services: Services, user_id: UserId, *, subject: UUID, account: str
) -> str:
    """Return, as JSON for the browser, the wish for a new passkey of the account."""
    party = _party(services)
    challenge = await _new_challenge(session, services, Question(Purpose.REGISTER, subject))
    known = await passkeys.list_passkeys(session, user_id)
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=NAME,
        # The authenticator keeps it and shows it; an id says nothing about a person.
        user_id=user_id.bytes,
        user_name=account,
        challenge=challenge,
        timeout=_LASTS_MS,
        exclude_credentials=_descriptors(known),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    return webauthn.options_to_json(options)


async def finish_registration(
    session: AsyncSession,
    services: Services,
    user_id: UserId,
    *,
    subject: UUID,
    answer: str,
    name: str,
) -> PasskeyRow:
    """Keep the new passkey.

    Raises:
        PasskeyRefused: the answer does not count, or somebody has this passkey already.
    """
    party = _party(services)
    credential = _read(answer, parse_registration_credential_json)
    challenge = await _take_challenge(
        session, services, credential.response.client_data_json, Question(Purpose.REGISTER, subject)
    )
    try:
        verified = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except Exception as error:  # the package's own, and what its parsers let through
        raise _refused("registration", error) from error
    passkey_id = uuid4()
    row = PasskeyRow(
        id=passkey_id,
        user_id=user_id,
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        transports=[one.value for one in credential.response.transports or []],
        backed_up=verified.credential_backed_up,
        name_encrypted=await seal_name(session, services, user_id, passkey_id, name),
        created_at=services.clock(),
    )
    if not await passkeys.add_passkey(session, row):
        raise PasskeyRefused("This passkey is registered already. Nothing was changed.")
    return row


async def begin_assertion(
    session: AsyncSession,
    services: Services,
    user_id: UserId,
    question: Question,
    *,
    challenge: bytes | None = None,
) -> str:
    """Return, as JSON for the browser, a question to one of the person's passkeys.

    Raises:
        PasskeyRefused: the person has none, or our address cannot have any.
    """
    party = _party(services)
    known = await passkeys.list_passkeys(session, user_id)
    if not known:
        raise PasskeyRefused("You have no passkey here.")
    asked = await _new_challenge(session, services, question, challenge)
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=asked,
        timeout=_LASTS_MS,
        allow_credentials=_descriptors(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


async def finish_assertion(
    session: AsyncSession,
    services: Services,
    user_id: UserId,
    question: Question,
    *,
    answer: str,
) -> Assertion:
    """Check the answer and use the question up.

    Raises:
        PasskeyRefused: the answer does not count. Commit all the same: the question is used up.
    """
    credential = _read(answer, parse_authentication_credential_json)
    ids = await passkeys.find_passkey(session, credential.raw_id)
    if ids is None or ids.user_id != user_id:
        raise PasskeyRefused("This passkey does not belong to your account. Nothing was changed.")
    return await _verify(session, services, ids, question, answer)


async def begin_sign_in(services: Services, visit: str) -> str:
    """Return, as JSON for the browser, a question to any passkey of ours that it has.

    `visit` is the cookie of somebody unknown: the answer must come from the same browser.
    """
    party = _party(services)
    async with services.database.transaction(_ACTOR) as session:
        challenge = await _new_challenge(session, services, Question(Purpose.SIGN_IN, visit))
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=_LASTS_MS,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


async def finish_sign_in(services: Services, visit: str, answer: str) -> Assertion:
    """Return whose passkey answered.

    Raises:
        PasskeyRefused: nobody's that we know, or the answer does not count.
    """
    credential = _read(answer, parse_authentication_credential_json)
    async with services.database.transaction(_ACTOR) as session:
        ids = await passkeys.find_passkey(session, credential.raw_id)
    if ids is None:
        raise PasskeyRefused(
            "We do not know this passkey; it may have been removed. Sign in another way."
        )
    handle = credential.response.user_handle
    if handle is not None and handle != ids.user_id.bytes:
        raise PasskeyRefused("This passkey belongs to another account. Sign in another way.")
    refusal = None
    async with services.database.transaction(ids.user_id) as session:
        try:
            return await _verify(session, services, ids, Question(Purpose.SIGN_IN, visit), answer)
        except PasskeyRefused as error:
            refusal = error  # raised after the commit: the question is used up
    raise refusal


async def passkey_names(
    session: AsyncSession, services: Services, rows: Sequence[PasskeyRow]
) -> list[str]:
    """Return what their owner calls the passkeys."""
    return [
        await services.vault.open(
            session,
            UserId(row.user_id),
            row.name_encrypted,
            table="passkeys",
            column="name",
            row_id=row.id,
        )
        for row in rows
    ]


async def seal_name(
    session: AsyncSession, services: Services, user_id: UserId, passkey_id: UUID, name: str
) -> str:
    """Encrypt what its owner calls a passkey: people name devices after themselves."""
    shown = " ".join(name.split())[:_LONGEST_NAME] or "Passkey"
    return await services.vault.seal(
        session, user_id, shown, table="passkeys", column="name", row_id=passkey_id
    )


async def _verify(
    session: AsyncSession,
    services: Services,
    ids: passkeys.PasskeyIds,
    question: Question,
    answer: str,
) -> Assertion:
    party = _party(services)
    credential = _read(answer, parse_authentication_credential_json)
    response = credential.response
    challenge = await _take_challenge(session, services, response.client_data_json, question)
    # Held until the commit, so that two answers do not meet the same count.
    row = await passkeys.get_passkey(session, ids.user_id, ids.passkey_id, lock=True)
    if row is None:
        raise PasskeyRefused("This passkey was removed. Nothing was changed.")
    try:
        verified = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )
    except Exception as error:  # the package's own, and what its parsers let through
        raise _refused(question.purpose, error) from error
    row.sign_count = verified.new_sign_count
    row.backed_up = verified.credential_backed_up
    row.last_used_at = services.clock()
    return Assertion(
        passkey_id=row.id,
        user_id=ids.user_id,
        credential_id=row.credential_id,
        authenticator_data=response.authenticator_data,
        client_data=response.client_data_json,
        signature=response.signature,
        public_key=row.public_key,
        relying_party=party.id,
        user_verified=verified.user_verified,
    )


async def _new_challenge(
    session: AsyncSession,
    services: Services,
    question: Question,
    given: bytes | None = None,
) -> bytes:
    challenge = given or secrets.token_bytes(_CHALLENGE_BYTES)
    now = services.clock()
    bound = _bound(services, question)
    lasts = _READING if question.purpose is Purpose.MANDATE else _LASTS
    await passkeys.keep_challenge(session, _hash(challenge), bound, now + lasts, now)
    return challenge


async def _take_challenge(
    session: AsyncSession,
    services: Services,
    client_data: bytes,
    question: Question,
) -> bytes:
    """Return the question that an answer names, if it was ours, for this, and not answered yet."""
    try:
        challenge = parse_client_data_json(client_data).challenge
    except Exception as error:  # as in `_verify`
        raise _refused(question.purpose, error) from error
    bound = _bound(services, question)
    if not await passkeys.take_challenge(session, _hash(challenge), bound, services.clock()):
        raise PasskeyRefused(
            "That took too long, or it was sent twice. Nothing was changed; please try again."
        )
    return challenge


def _bound(services: Services, question: Question) -> str:
    return hmac_hex(
        services.settings.api_key_pepper, f"passkey:{question.purpose}:{question.subject}"
    )


def _hash(challenge: bytes) -> str:
    return hashlib.sha256(challenge).hexdigest()


def _party(services: Services) -> RelyingParty:
    party = relying_party(services.settings)
    if party is None:
        raise PasskeyRefused(
            "Passkeys need an address with a name; this installation is reached by a number."
        )
    return party


def _read(answer: str, parse: Callable[[str], T]) -> T:
    if len(answer) > _LONGEST_ANSWER:
        raise PasskeyRefused("The browser's answer cannot be read. Nothing was changed.")
    try:
        return parse(answer)
    except Exception as error:  # as in `_verify`
        raise _refused("reading", error) from error


def _descriptors(rows: Sequence[PasskeyRow]) -> list[PublicKeyCredentialDescriptor]:
    known = {one.value for one in AuthenticatorTransport}
    return [
        PublicKeyCredentialDescriptor(
            id=row.credential_id,
            transports=[AuthenticatorTransport(t) for t in row.transports if t in known] or None,
        )
        for row in rows
    ]


def _refused(what: str, error: Exception) -> PasskeyRefused:
    # The package's words hold parts of the answer; its class is enough.
    _log.warning("passkey refused at=%s error=%s", what, type(error).__name__)
    return PasskeyRefused("The passkey's answer does not count. Nothing was changed; try again.")

"""Tries that are counted: sign-ins, mails asked for, new accounts.

A stranger's tries fill buckets of their own network, alone and together with one account. Nothing
that strangers do fills a bucket that the owner must take from: a browser that was signed in to the
account before has a bucket of its own, and a mailed link to a new password can always be used. So
guessing is slow, and nobody can be locked out by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

from starlette.requests import Request

from api.services import Services
from db.queries.throttles import fill_throttles, lock_throttles, sweep_throttles
from db.session import SystemActor
from domain.throttling import Limit, Taken, TryAgain
from runtime.crypto import hmac_hex
from runtime.settings import Settings

_ACTOR = SystemActor("throttle")
# More than a try can add, so that the table holds what is in use and little else.
_SWEPT = 20
_MARK = 20  # enough hex digits that two networks are never taken for one
_V6_NETWORK_BITS = 64  # what one household or one rented server is given


@dataclass(frozen=True)
class Try:
    """One try at something, by somebody: what is counted together, and how much of it may be."""

    limit: Limit
    of: tuple[str, ...]

    def key(self, pepper: str) -> str:
        return hmac_hex(pepper, "\x1f".join(("throttle", *self.of)))


async def take(services: Services, tries: Sequence[Try]) -> datetime | None:
    """Count a try in each of these buckets, or in none; return when to try again if it is refused.

    Counted before the work is begun, in a transaction of its own: tries side by side cannot pass.
    """
    pepper, now = services.settings.api_key_pepper, services.clock()
    wanted = {one.key(pepper): one.limit for one in tries}
    async with services.database.transaction(_ACTOR) as session:
        known = await lock_throttles(session, wanted.keys(), now)
        found = {key: limit.take(known.get(key), now) for key, limit in wanted.items()}
        again = [one.at for one in found.values() if isinstance(one, TryAgain)]
        if again:
            return max(again)
        filled = {key: one.empty_at for key, one in found.items() if isinstance(one, Taken)}
        await fill_throttles(session, filled)
        await sweep_throttles(session, now, at_most=_SWEPT)
    return None


async def forgive(services: Services, tries: Sequence[Try]) -> None:
    """Empty these buckets: whoever filled them has shown that they may."""
    pepper, now = services.settings.api_key_pepper, services.clock()
    async with services.database.transaction(_ACTOR) as session:
        keys = {one.key(pepper) for one in tries}
        await lock_throttles(session, keys, now)
        await fill_throttles(session, dict.fromkeys(keys, now))


def network_mark(settings: Settings, request: Request, who: str) -> str:
    """Return what stands for a network in the audit log: nobody's address, nor anybody else's."""
    return hmac_hex(settings.api_key_pepper, f"network:{who}:{network_of(request)}")[:_MARK]


def network_of(request: Request) -> str:
    """Return the network that a request comes from, as coarse as one guesser's is."""
    text = request.client.host if request.client else ""
    try:
        address = ip_address(text)
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(int(address) >> (128 - _V6_NETWORK_BITS))
    return str(address)


# Ten typing slips, then one every few minutes: 12 characters that nobody guesses early stand
# against that for longer than anybody lives, from a thousand networks at once too.
_ACCOUNT_FROM_NETWORK = Limit(10, timedelta(minutes=3))
# A whole office signs in in the morning.
_NETWORK = Limit(100, timedelta(seconds=10))
_KNOWN_DEVICE = Limit(10, timedelta(minutes=1))
# Four mails at once, and one every 20 minutes. A link to a new password is good for an hour: while
# no further one is sent, those before are there to be used.
_MAILS_TO_ADDRESS = Limit(3, timedelta(minutes=20))
_MAILS_FROM_NETWORK = Limit(20, timedelta(minutes=2))
_ACCOUNTS_FROM_NETWORK = Limit(20, timedelta(minutes=3))
_LINKS_FROM_NETWORK = Limit(60, timedelta(seconds=10))


def sign_in_tries(request: Request, account: str, known_device: str | None) -> list[Try]:
    """Return what a try to sign in counts as; `account` is the hash of the address given."""
    if known_device is not None:
        return [Try(_KNOWN_DEVICE, ("device", known_device, account))]
    network = network_of(request)
    return [
        Try(_ACCOUNT_FROM_NETWORK, ("sign-in", network, account)),
        Try(_NETWORK, ("sign-in", network)),
    ]


def passkey_tries(request: Request) -> list[Try]:
    """Return what a question to anybody's passkey counts as: each is kept for minutes."""
    return [Try(_NETWORK, ("passkey", network_of(request)))]


def new_account_tries(request: Request) -> list[Try]:
    return [Try(_ACCOUNTS_FROM_NETWORK, ("sign-up", network_of(request)))]


def mail_request_tries(request: Request) -> list[Try]:
    return [Try(_MAILS_FROM_NETWORK, ("mail", network_of(request)))]


def mail_tries(kind: str, address: str) -> list[Try]:
    """Return what a mail counts as for whoever gets it; `address` is the hash of theirs."""
    return [Try(_MAILS_TO_ADDRESS, ("mail-to", kind, address))]


def link_tries(request: Request) -> list[Try]:
    return [Try(_LINKS_FROM_NETWORK, ("link", network_of(request)))]


def own_password_tries(user_id: object, session_id: object) -> list[Try]:
    """Return what typing in one's own password again counts as, within a session."""
    return [Try(_KNOWN_DEVICE, ("own-password", str(user_id), str(session_id)))]


def confirm_tries(request: Request, user_id: object) -> list[Try]:
    """Return what a password counts as that is typed in where an address is confirmed."""
    return [Try(_ACCOUNT_FROM_NETWORK, ("confirm", network_of(request), str(user_id)))]

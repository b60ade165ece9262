"""The card's bank: what it says to one charge or to saving the card. Decides, changes nothing."""

from dataclasses import dataclass
from datetime import datetime

from sandboxes.store import Json
from sandboxes.stripe.cards import CARDS, Auth, CardRow, Decline, decline

_BY_NUMBER = {card.number: card for card in CARDS}


@dataclass(frozen=True)
class Approved:
    """The money is held, or the card is saved."""


@dataclass(frozen=True)
class NeedsAuthentication:
    """The cardholder has to prove who they are, and then it is asked again."""


@dataclass(frozen=True)
class Refused:
    """The bank, or Radar before it, says no."""

    decline: Decline
    blocked: bool = False


Verdict = Approved | NeedsAuthentication | Refused


def card_of(method: Json) -> CardRow:
    """Tell which test card a payment method was made of."""
    return _BY_NUMBER[method["_card"]]


def judge_charge(
    method: Json, now: datetime, *, off_session: bool, authenticated: bool, challenge: bool = False
) -> Verdict:
    """Decide about a charge; off session a wish for authentication is a refusal.

    `challenge` is the merchant's own wish for 3D Secure.
    """
    card = card_of(method)
    if card.blocked:
        return Refused(decline("fraudulent"), blocked=True)
    if not authenticated and _wants_authentication(method, off_session, challenge):
        if off_session:
            return Refused(decline("authentication_required"))
        return NeedsAuthentication()
    if method.get("_decline_code"):
        return Refused(decline(method["_decline_code"]))
    if is_expired(method, now):
        return Refused(decline("expired_card"))
    if card.decline is not None:
        return Refused(decline(card.decline))
    return Approved()


def judge_setup(method: Json, now: datetime, *, authenticated: bool, challenge: bool) -> Verdict:
    """Decide about saving a card with its holder present."""
    card = card_of(method)
    if not card.saves:
        return Refused(decline(card.decline or "generic_decline"))
    if is_expired(method, now):
        return Refused(decline("expired_card"))
    wants = challenge or card.auth is not Auth.NEVER
    if wants and not authenticated:
        return NeedsAuthentication()
    return Approved()


def is_expired(method: Json, now: datetime) -> bool:
    """Tell whether the card's last month is over."""
    card = method["card"]
    return (card["exp_year"], card["exp_month"]) < (now.year, now.month)


def _wants_authentication(method: Json, off_session: bool, challenge: bool) -> bool:  # noqa: FBT001
    override = method.get("_requires_authentication")
    if override is not None:
        return bool(override)
    match card_of(method).auth:
        case Auth.NEVER:
            wants = False
        case Auth.ALWAYS:
            wants = True
        case Auth.UNLESS_SET_UP:
            wants = not (off_session and method["_set_up"])
        case Auth.ON_SESSION:
            wants = not off_session
    return wants or (challenge and not off_session)

"""What a wish needs its traveller for: what happened, what it means for the money, what to do.

One table, so that dashboard, wish and notices ask for the same thing in the same words.
"""

from datetime import datetime
from enum import StrEnum

from domain.attempts import AttemptState
from domain.campaigns import ENDED, CampaignState
from domain.money import Money
from domain.values import Value


class NeedKind(StrEnum):
    """In the order in which they are shown: what runs out soonest first."""

    BANK = "bank"
    APPROVAL = "approval"
    CARD_DECLINED = "card_declined"
    CAPTURE_REFUSED = "capture_refused"
    AUTHENTICATION_LAPSED = "authentication_lapsed"
    NO_CARD = "no_card"
    CARD_EXPIRED = "card_expired"
    CARD_ATTENTION = "card_attention"
    TRAVELLER_DATA = "traveller_data"
    CONSENT = "consent"
    STOPPED = "stopped"
    ADDRESS = "address"


class NeedAction(StrEnum):
    """Where the one button leads."""

    CONFIRM_WITH_BANK = "confirm_with_bank"
    ANSWER = "answer"
    CHOOSE_CARD = "choose_card"
    RESUME = "resume"
    TRAVELLERS = "travellers"
    RENEW_CONSENT = "renew_consent"
    CORRECT_ADDRESS = "correct_address"


class Need(Value):
    """Something that only the traveller can do. `until` is when it runs out, if it does."""

    kind: NeedKind
    happened: str
    money: str
    doing: str
    remedy: str
    action: NeedAction
    button: str
    until: datetime | None = None
    amount: Money | None = None


class CardHealth(StrEnum):
    GOOD = "good"
    EXPIRES_FIRST = "expires_first"  # before the wish ends
    EXPIRED = "expired"
    ATTENTION = "attention"
    MISSING = "missing"


class NeedFacts(Value):
    """What is known of a wish; everything that is absent needs nobody."""

    campaign: CampaignState
    attempt: AttemptState | None = None
    action_reason: str | None = None
    consent: bool = True
    card: CardHealth = CardHealth.GOOD
    card_name: str = "your card"
    amount: Money | None = None
    until: datetime | None = None
    address_bounces: bool = False


_NOTHING = "Nothing was charged and no seat is held."
_LOOKING = "We look again as soon as you resume the wish."
_ADDRESS = Need(
    kind=NeedKind.ADDRESS,
    happened="Our messages to you come back undelivered.",
    money="It changes nothing about the money.",
    doing="We go on watching and show everything here meanwhile.",
    remedy="Correct your e-mail address, so that we can reach you.",
    action=NeedAction.CORRECT_ADDRESS,
    button="Correct your address",
)


def needs_of(facts: NeedFacts) -> tuple[Need, ...]:
    """Return what the wish needs its traveller for, the most pressing first."""
    if facts.campaign in ENDED:
        return ()
    found = [one for one in (_of_state(facts), _of_card(facts), _of_consent(facts)) if one]
    found += needs_of_account(address_bounces=facts.address_bounces)
    kinds = list(NeedKind)
    return tuple(sorted(found, key=lambda need: kinds.index(need.kind)))


def needs_of_account(*, address_bounces: bool) -> tuple[Need, ...]:
    """Return what the account itself needs its owner for, whatever their wishes do."""
    return (_ADDRESS,) if address_bounces else ()


def _of_state(facts: NeedFacts) -> Need | None:
    match facts.campaign:
        case CampaignState.AWAITING_APPROVAL:
            return _approval(facts)
        case CampaignState.BOOKING if facts.attempt is AttemptState.AWAITING_AUTHENTICATION:
            return _bank(facts)
        case CampaignState.NEEDS_ACTION:
            return _stopped(facts)
        case _:
            return None


def _approval(facts: NeedFacts) -> Need:
    price = f" for {facts.amount.short()}" if facts.amount else ""
    return Need(
        kind=NeedKind.APPROVAL,
        happened=f"We found flights{price} that satisfy your wish.",
        money="Nothing is held and nothing is charged until you say yes.",
        doing="We wait for your answer; without one we go on watching.",
        remedy="Look at the flights and say yes or no.",
        action=NeedAction.ANSWER,
        button=f"See the flights{price}",
        until=facts.until,
        amount=facts.amount,
    )


def _bank(facts: NeedFacts) -> Need:
    amount = facts.amount.short() if facts.amount else "the amount"
    return Need(
        kind=NeedKind.BANK,
        happened=f"Your bank wants you to confirm {amount}.",
        money="Nothing is charged and no seat is held until you do.",
        doing="We wait for your bank; without its yes we let these flights go.",
        remedy="Confirm it with your bank.",
        action=NeedAction.CONFIRM_WITH_BANK,
        button=f"Confirm {amount} with your bank",
        until=facts.until,
        amount=facts.amount,
    )


_STOPS = {
    "card_declined": (
        NeedKind.CARD_DECLINED,
        "Your card was declined.",
        _NOTHING,
        "Choose another card, then resume the wish.",
        NeedAction.CHOOSE_CARD,
        "Choose another card",
    ),
    "capture_refused": (
        NeedKind.CAPTURE_REFUSED,
        "Your bank refused the charge after it had agreed to it.",
        "Nothing was charged. The seats go back to the airline.",
        "Choose another card, then resume the wish.",
        NeedAction.CHOOSE_CARD,
        "Choose another card",
    ),
    "authentication_lapsed": (
        NeedKind.AUTHENTICATION_LAPSED,
        "Your bank did not get your confirmation in time.",
        _NOTHING,
        "Resume the wish; when we find flights again, your bank asks again.",
        NeedAction.RESUME,
        "Resume the wish",
    ),
    "traveller_data": (
        NeedKind.TRAVELLER_DATA,
        "The airline did not accept a traveller's details.",
        _NOTHING,
        "Correct the details as the passport has them, then resume the wish.",
        NeedAction.TRAVELLERS,
        "Correct the details",
    ),
    "consent_needed": (
        NeedKind.CONSENT,
        "What you agreed to does not cover this wish as it is now.",
        _NOTHING,
        "Read what you would allow, then give your consent anew.",
        NeedAction.RENEW_CONSENT,
        "Give your consent",
    ),
    "no_card": (
        NeedKind.NO_CARD,
        "We found flights, and there is no card that we can use.",
        _NOTHING,
        "Add a card, then resume the wish.",
        NeedAction.CHOOSE_CARD,
        "Add a card",
    ),
}


def _stopped(facts: NeedFacts) -> Need:
    known = _STOPS.get(facts.action_reason or "")
    kind, happened, money, remedy, action, button = known or (
        NeedKind.STOPPED,
        "The wish has stopped and needs you.",
        _NOTHING,
        "Resume it when you are ready.",
        NeedAction.RESUME,
        "Resume the wish",
    )
    return Need(
        kind=kind,
        happened=happened,
        money=money,
        doing=_LOOKING,
        remedy=remedy,
        action=action,
        button=button,
    )


_WATCHED = frozenset({CampaignState.ACTIVE, CampaignState.AWAITING_APPROVAL})


def _of_card(facts: NeedFacts) -> Need | None:
    if facts.campaign not in _WATCHED:
        return None
    name = facts.card_name
    match facts.card:
        case CardHealth.EXPIRED:
            kind, happened = NeedKind.CARD_EXPIRED, f"{name[0].upper()}{name[1:]} has expired."
        case CardHealth.ATTENTION:
            kind = NeedKind.CARD_ATTENTION
            happened = f"The bank no longer lets us use {name}."
        case CardHealth.MISSING:
            kind, happened = NeedKind.NO_CARD, "There is no card that this wish could be paid with."
        case CardHealth.GOOD | CardHealth.EXPIRES_FIRST:
            return None
    return Need(
        kind=kind,
        happened=happened,
        money="Nothing was charged. A fare that fits cannot be booked until there is a good card.",
        doing="We go on watching meanwhile.",
        remedy="Choose another card for this wish.",
        action=NeedAction.CHOOSE_CARD,
        button="Choose another card",
    )


def _of_consent(facts: NeedFacts) -> Need | None:
    missing = facts.campaign is CampaignState.AWAITING_CONSENT or not facts.consent
    if not missing or facts.action_reason == "consent_needed":
        return None
    return Need(
        kind=NeedKind.CONSENT,
        happened="This wish waits for your consent to charge your card.",
        money="Nothing can be charged without it.",
        doing="Nothing is booked meanwhile.",
        remedy="Read what you would allow, then give your consent anew.",
        action=NeedAction.RENEW_CONSENT,
        button="Give your consent",
    )

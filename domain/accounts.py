"""The rules of accounts: addresses, how long links are good, and when no consent may be given."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from domain.values import Value

CONSENT_PAUSE = timedelta(hours=24)
"""After a reset: whoever read one mail must not charge a card before its owner can say no."""
_LONGEST_ADDRESS = 254


class LinkPurpose(StrEnum):
    """What a link in a mail is for; also the page that it leads to."""

    CONFIRM = "confirm"
    """The account's address, or one that shall take its place, is the person's own."""
    RESET = "reset"
    """A new password may be chosen."""
    KEEP = "keep"
    """A change of the address was not the owner's: it is undone."""


LINKS_LAST = {
    LinkPurpose.CONFIRM: timedelta(days=3),
    # Never shorter than the time in which no further one is sent: see `api/throttle.py`.
    LinkPurpose.RESET: timedelta(hours=1),
    LinkPurpose.KEEP: timedelta(days=7),
}


NO_ADDRESS = "Write an address as name@example.com."


def clean_address(text: str) -> str | None:
    """Return an address as it is written to, or None if it can be none.

    Whether it is somebody's is seen when they answer the mail; this only keeps out what no mail
    server would take, or would take for several.
    """
    address = text.strip()
    name, _, host = address.rpartition("@")
    if not name or "." not in host or len(address) > _LONGEST_ADDRESS:
        return None
    if any(letter.isspace() or letter in '"(),:;<>[\\]' or ord(letter) < 32 for letter in address):
        return None
    labels = host.split(".")
    return address if all(labels) and "@" not in name else None


class NoConsent(StrEnum):
    UNCONFIRMED = "unconfirmed"
    JUST_RESET = "just_reset"


class ConsentStanding(Value):
    """Whether an account may consent to a charge; if not, why, and until when."""

    refusal: NoConsent | None = None
    until: datetime | None = None

    @property
    def sentence(self) -> str:
        """Say it to the person."""
        match self.refusal:
            case None:
                return "You can give consent."
            case NoConsent.UNCONFIRMED:
                return (
                    "Your address is not confirmed yet, so nothing can be charged. Follow the link"
                    " in our mail; what you have entered is kept."
                )
            case NoConsent.JUST_RESET:
                return (
                    "The password of this account was reset a short while ago. To protect your"
                    " cards, no new consent can be given for 24 hours after that; what you allowed"
                    " before goes on."
                )
            case _:
                assert_never(self.refusal)


def consent_standing(
    *, email_confirmed_at: datetime | None, blocked_until: datetime | None, now: datetime
) -> ConsentStanding:
    """Say whether an account may consent to a charge now."""
    if email_confirmed_at is None:
        return ConsentStanding(refusal=NoConsent.UNCONFIRMED)
    if blocked_until is not None and now < blocked_until:
        return ConsentStanding(refusal=NoConsent.JUST_RESET, until=blocked_until)
    return ConsentStanding()

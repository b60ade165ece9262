"""What every message to a traveller is made of, whatever channel it takes.

First the sentence: what is so, what it means for the money, what comes next. Then what else there
is to know, one thing to do, and why it came.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.itineraries import Itinerary
from domain.money import Money
from domain.values import Value
from domain.words import Words


class NoticeFacts(Value):
    """What a message may be made of. `link` is the path of a link for this reader alone."""

    wish: str = ""
    data: Mapping[str, Any]
    campaign_id: UUID | None = None
    booking_id: UUID | None = None
    itinerary: Itinerary | None = None
    tickets: tuple[str, ...] = ()
    card: str | None = None
    traveller: str | None = None
    expires_on: date | None = None
    link: str | None = None
    sandbox: bool = False

    def money(self, name: str) -> Money:
        return Money(minor=self.data[name], currency=self.data["currency"])

    def instant(self, name: str) -> datetime:
        return datetime.fromisoformat(self.data[name])


class Page(StrEnum):
    """Where the one thing to do is done. Links lead to pages; none does anything by itself."""

    WISH = "wish"
    WISH_EDIT = "wish_edit"
    NEW_WISH = "new_wish"
    BOOKING = "booking"
    CARDS = "cards"
    TRAVELLERS = "travellers"
    ACCOUNT = "account"
    PRIVACY = "privacy"
    ADDRESS = "address"
    WEBHOOKS = "webhooks"
    SIGN_IN = "sign_in"
    FORGOT = "forgot"
    LINK = "link"


class Action(Value):
    """What can be done, and the path of the page where."""

    words: str
    path: str


class Letter(Value):
    """A message, ready to be put on paper or on a page."""

    subject: str
    sentence: str
    paragraphs: tuple[str, ...] = ()
    flights: tuple[str, ...] = ()
    action: Action | None = None
    because: str
    sandbox: str | None = None
    language: str = "en"


@dataclass(frozen=True)
class Draft:
    """What the writer of an event says; the rest is the same for all."""

    subject: str
    sentence: str
    paragraphs: tuple[str, ...] = ()
    action: tuple[str, Page] | None = None
    flights: bool = False


Writer = Callable[[NoticeFacts, Words], Draft]


def finish(draft: Draft, facts: NoticeFacts, say: Words, because: str) -> Letter:
    """Make the letter of a draft."""
    action = None
    if draft.action is not None:
        words, page = draft.action
        path = path_of(page, facts)
        action = Action(words=words, path=path) if path else None
    sandbox = None
    if facts.sandbox:
        sandbox = say("SANDBOX: no real flight was booked and no real money moved.")
    return Letter(
        subject=f"[SANDBOX] {draft.subject}" if facts.sandbox else draft.subject,
        sentence=draft.sentence,
        paragraphs=tuple(filter(None, draft.paragraphs)),
        flights=_flights(facts, say) if draft.flights else (),
        action=action,
        because=because,
        sandbox=sandbox,
        language=say.language,
    )


def path_of(page: Page, facts: NoticeFacts) -> str | None:
    """Return the path of a page, where the facts know which."""
    wish = f"/auto-booking/wishes/{facts.campaign_id}" if facts.campaign_id else None
    match page:
        case Page.WISH:
            return wish
        case Page.WISH_EDIT:
            return f"{wish}/edit" if wish else None
        case Page.BOOKING:
            return f"/bookings/{facts.booking_id}" if facts.booking_id else wish
        case Page.LINK:
            return facts.link
        case _:
            return _PATHS[page]


_PATHS = {
    Page.NEW_WISH: "/auto-booking/new",
    Page.CARDS: "/payment-methods",
    Page.TRAVELLERS: "/travelers",
    Page.ACCOUNT: "/account",
    Page.PRIVACY: "/account/privacy",
    Page.ADDRESS: "/account/email",
    Page.WEBHOOKS: "/account/webhooks",
    Page.SIGN_IN: "/sign-in",
    Page.FORGOT: "/forgot",
}


def _flights(facts: NoticeFacts, say: Words) -> tuple[str, ...]:
    if facts.itinerary is None:
        return ()
    lines = []
    for leg in facts.itinerary.slices:
        for s in leg.segments:
            over = (s.arriving_at.date() - s.departing_at.date()).days
            plus = f" +{over}" if over else ""
            lines.append(
                f"{say.day(s.departing_at.date())}  {s.marketing_carrier} {s.flight_number}  "
                f"{s.origin} {s.departing_at:%H:%M} - {s.destination} {s.arriving_at:%H:%M}{plus}"
            )
    return (*lines, say("(times are local to each airport)"))

"""What the pages of notices show, in the reader's words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.inbox import InboxItem
from domain.letters import Action
from domain.telling import ALWAYS, Channel, Choice, Kind, Preferences
from domain.words import Words, mark


@dataclass(frozen=True)
class NoticeView:
    id: UUID
    kind: str
    at: datetime
    read: bool
    subject: str
    sentence: str
    paragraphs: tuple[str, ...]
    flights: tuple[str, ...]
    action: Action | None
    language: str


@dataclass(frozen=True)
class CellView:
    """One cell of the matrix; without options it is no choice."""

    name: str
    head: str
    choice: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class RowView:
    words: str
    hint: str
    cells: tuple[CellView, ...]


@dataclass(frozen=True)
class QuietView:
    """Quiet hours as they stand in the form."""

    on: bool
    begins: str
    ends: str


def notice_view(item: InboxItem, say: Words) -> NoticeView:
    letter = item.letter
    return NoticeView(
        id=item.id,
        kind=kind_words(item.kind, say)[0],
        at=item.at,
        read=item.read_at is not None,
        # The page says SANDBOX by itself.
        subject=letter.subject.removeprefix("[SANDBOX] "),
        sentence=letter.sentence,
        paragraphs=letter.paragraphs,
        flights=letter.flights,
        action=letter.action,
        language=letter.language,
    )


def inbox_sentence(unread: int, say: Words, *, anything: bool) -> str:
    if not anything:
        return say("Nothing was told to you yet.")
    if unread == 0:
        return say("You have seen everything.")
    if unread == 1:
        return say("One notice is new.")
    return say("{number} notices are new.", number=unread)


def matrix(chosen: Preferences, say: Words) -> list[RowView]:
    """Return every kind of news with what holds for it by mail and by webhook."""
    return [_row(kind, chosen, say) for kind in Kind if kind is not Kind.ACCOUNT]


def cell_name(kind: Kind, channel: Channel) -> str:
    """Return the name of a cell's field in the form."""
    return f"{kind}-{channel}"


def quiet_sentence(zone: str, say: Words) -> str:
    place = zone.rpartition("/")[2].replace("_", " ")
    return say(
        "At night mail waits until the morning, by the clock of {place}. What is always told is"
        " told at night too.",
        place=place,
    )


def _row(kind: Kind, chosen: Preferences, say: Words) -> RowView:
    words, hint = kind_words(kind, say)
    cells = [_cell(kind, channel, chosen, say) for channel in (Channel.EMAIL, Channel.WEBHOOK)]
    return RowView(words, hint, tuple(cells))


def _cell(kind: Kind, channel: Channel, chosen: Preferences, say: Words) -> CellView:
    options: Sequence[tuple[str, str]] = ()
    if kind not in ALWAYS:
        options = [(Choice.AT_ONCE.value, say("At once"))]
        if channel is Channel.EMAIL:
            options.append((Choice.DAILY.value, say("Once a day, together")))
        options.append((Choice.OFF.value, say("Only in the inbox")))
    head = say("Mail") if channel is Channel.EMAIL else say("Webhook")
    return CellView(
        cell_name(kind, channel), head, chosen.choice(kind, channel).value, tuple(options)
    )


def kind_words(kind: Kind, say: Words) -> tuple[str, str]:
    """Return the name of a kind of news, and what belongs to it."""
    name, hint = _KINDS[kind]
    return say(name), say(hint)


_KINDS = {
    Kind.BOOKED: (mark("Booked and charged"), mark("A wish is booked and your card is charged.")),
    Kind.FAILED: (mark("Failed"), mark("We tried to book or to cancel, and it did not work.")),
    Kind.NEEDS_YOU: (mark("Needs you"), mark("Your bank, your card or your answer is needed.")),
    Kind.TRIP_CHANGED: (mark("Trip changed"), mark("An airline changed or cancelled flights.")),
    Kind.TICKETS: (mark("Tickets"), mark("Ticket numbers are there.")),
    Kind.REFUNDS: (mark("Refunds"), mark("Money is on its way back to your card.")),
    Kind.WISH_ENDS: (
        mark("A wish ends"),
        mark("A wish ends soon, or has ended without a booking."),
    ),
    Kind.PAPERS: (mark("Cards and passports"), mark("A card or a passport expires soon.")),
    Kind.FARES: (mark("Fares"), mark("A fare fits a wish that only asks to be told.")),
    Kind.ACCOUNT: (mark("Account"), mark("Something about your account itself.")),
}

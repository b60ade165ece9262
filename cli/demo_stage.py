"""What the demo shows: a timeline as it happens, and tables at the end.

In a terminal the travellers' standing stays below the timeline; into a pipe go plain lines only.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from cli.demo_checks import Line

WIDTH = 112  # of tables in a pipe, where nobody says how wide a line may be
_COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "bright_red")
_GOOD = {"campaign.booked", "booking.ticketed", "payment.released", "campaign.approved"}
_BAD = {"payment.declined", "order.refused", "attempt.failed", "campaign.needs_action"}

# What is told of an event; those not here are steps between two that are.
_TOLD = {
    "campaign.created": "the wish is accepted and watched",
    "campaign.booking": "found flights for {price}; searching them afresh",
    "proposal.opened": "found flights for {price} and asks first; nothing is held",
    "campaign.approved": "said yes over HTTP; the same flights are searched afresh",
    "payment.authorised": "{price} held on the card; nothing is charged yet",
    "payment.declined": "the card was declined; no hold, no seat",
    "attempt.ordering": "placing the order with the airline",
    "order.refused": "the airline refused the order: {reason}",
    "order.placed": "the airline confirmed {booking_reference}",
    "payment.captured": "{price} charged",
    "payment.released": "the hold on the card is released",
    "attempt.failed": "this try has ended: {reason}",
    "campaign.watching_again": "goes on watching",
    "campaign.needs_action": "waits for the traveller: {reason}",
    "campaign.booked": "booked",
    "booking.ticketed": "ticketed",
    "campaign.expiring_soon": "the traveller is told that the wish will end soon",
    "campaign.expired": "expired; nothing was booked or charged",
}


class Stage:
    """The terminal. Enter it while the stack runs; tables may be printed afterwards too."""

    def __init__(self, console: Console) -> None:
        if not console.is_terminal:
            console.width = WIDTH
        self.console = console
        self._began: datetime | None = None
        self._standing: dict[str, str] = {}
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self.console.is_terminal and not self.console.record:
            self._live = Live(console=self.console, refresh_per_second=8, transient=True)
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    # The timeline

    def begin(self, now: datetime) -> None:
        """Set the instant from which days are counted."""
        self._began = now

    def chapter(self, title: str) -> None:
        self.console.print()
        self.console.print(Rule(Text(title, style="bold"), align="left", style="dim"))

    def say(self, text: str) -> None:
        self._print(Text(text, style="dim"))

    def tell(self, who: str, at: datetime, text: str, style: str = "") -> None:
        """Add a line to the timeline, at an instant of the wish's own clock."""
        line = Text()
        line.append(f"{self._day(at):<18}", style="dim")
        line.append(f"{who:<7}", style=f"bold {self._colour(who)}")
        line.append(text, style=style)
        self._print(line)

    def event(self, who: str, event: Mapping[str, Any]) -> None:
        """Tell an event of the status stream, if it is one for people."""
        kind, data = event["kind"], event["data"]
        self.standing(who, event["display_status"]["sentence"])
        words = _TOLD.get(kind)
        if words is None:
            return
        facts = {**data, "price": _price(data), "reason": _plain(data.get("reason", ""))}
        style = "green" if kind in _GOOD else "red" if kind in _BAD else ""
        self.tell(who, datetime.fromisoformat(event["at"]), words.format(**facts), style)

    def standing(self, who: str, sentence: str) -> None:
        """Note where somebody stands, for the lines below the timeline."""
        self._standing[who] = sentence
        if self._live is not None:
            self._live.update(self._below())

    def _print(self, line: Text) -> None:
        # Into a pipe one line stays one line.
        self.console.print(line, soft_wrap=not self.console.is_terminal)

    def _below(self) -> Group:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True, overflow="ellipsis")
        for who, sentence in self._standing.items():
            grid.add_row(Text(who, style=f"bold {self._colour(who)}"), sentence)
        return Group(Rule(style="dim"), grid)

    def _day(self, at: datetime) -> str:
        passed = at - (self._began or at)
        return f"day {max(passed.days, 0):<4}{at:%H:%M:%S}"

    def _colour(self, who: str) -> str:
        names = list(self._standing)
        return _COLOURS[names.index(who) % len(_COLOURS)] if who in names else "white"

    # The tables

    def bookings(self, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Show what was bought: references, tickets, and the money to the cent."""
        table = Table(
            "traveller",
            "reference",
            "flights",
            "tickets",
            "charged",
            title="Bookings",
            title_justify="left",
        )
        for who, one in rows:
            tickets = "\n".join(ticket["number"] for ticket in one["tickets"])
            charged = one["money"]["charged"]
            table.add_row(
                who,
                one["booking_reference"],
                _flights(one["itinerary"]),
                tickets,
                f"{charged['amount']} {charged['currency']}",
            )
        self.console.print()
        self.console.print(table)

    def verdict(self, lines: Sequence[Line]) -> None:
        """Show what was checked in the sandboxes' own books."""
        title = "Invariants, checked in the sandboxes' ledgers"
        table = Table("invariant", "holds", "seen", title=title, title_justify="left")
        for line in lines:
            holds = Text("yes", "green") if line.holds else Text("NO", "bold red")
            table.add_row(Text(line.promise), holds, Text(line.seen))
        self.console.print(table)


def _price(data: Mapping[str, Any]) -> str:
    for name in ("amount_minor", "price_minor", "matched_minor"):
        if name in data:
            # Every fare of the demo is in US dollars, which have two decimals.
            return f"{data[name] / 100:,.2f} {data.get('currency', '')}".strip()
    return ""


def _plain(word: object) -> str:
    return str(word).replace("_", " ")


def _flights(itinerary: Mapping[str, Any]) -> str:
    return "\n".join(
        f"{s['marketing_carrier']}{s['flight_number']} {s['origin']}-{s['destination']}"
        f" {str(s['departing_at'])[:10]}"
        for leg in itinerary["slices"]
        for s in leg["segments"]
    )

"""Write docs/states.md from the tables of states: `python scripts/states.py`."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from db.models.booking import PUBLISHED_BOOKING_STATUS
from domain.attempts import (
    ATTEMPT_TRANSITIONS,
    LIVE,
    PAST_NO_RETURN,
    STOPS_CAMPAIGN,
    AttemptState,
    published_state,
)
from domain.campaigns import CAMPAIGN_TRANSITIONS, ENDED
from domain.erasures import ERASURE_TRANSITIONS
from domain.orders import BOOKING_TRANSITIONS, LIVE_BOOKINGS
from domain.payments import PAYMENT_TRANSITIONS
from domain.transitions import S, Transitions

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "states.md"

_HEAD = """# States

Made by `python scripts/states.py` from the tables in `domain/`; change those, not this page.
`db/queries/transitions.py::change_state` is the only code that moves a row from one state to
another, and it refuses what these diagrams do not show. [glossary.md](glossary.md) says what the
words mean.

There are five entities, each with a table of its own. They are never merged: what a traveller
reads is one sentence derived from all of them (`domain/display.py`).
"""


def document() -> str:
    """Return the page as it should be."""
    return "\n".join(_parts())


def _parts() -> Iterator[str]:
    yield _HEAD
    yield from _section(
        "Campaign", "domain/campaigns.py", "active", CAMPAIGN_TRANSITIONS, "awaiting_consent"
    )
    yield f"Ended: {_list(ENDED)}.\n"
    yield from _section("Attempt", "domain/attempts.py", "validating", ATTEMPT_TRANSITIONS)
    yield f"Live, of which a campaign has at most one: {_list(LIVE)}."
    yield f"Past the point of no return: {_list(PAST_NO_RETURN)}."
    yield f"Failures after which the campaign waits for its traveller: {_list(STOPS_CAMPAIGN)}.\n"
    yield from _section("Booking", "domain/orders.py", "ordered", BOOKING_TRANSITIONS)
    yield f"Live, of which a campaign has at most one: {_list(LIVE_BOOKINGS)}.\n"
    yield from _section("Payment", "domain/payments.py", "created", PAYMENT_TRANSITIONS)
    yield from _section("Erasure", "domain/erasures.py", "asked", ERASURE_TRANSITIONS)
    yield "Of an account or of one traveller. It can be taken back until it begins.\n"
    yield "## Published words\n"
    yield "An attempt is also told in the words of the integration plan (S0-48 to S0-54); whether"
    yield "tickets are there decides between the two words of `captured`.\n"
    yield "| attempt | without tickets | with tickets |"
    yield "|---|---|---|"
    for state in AttemptState:
        words = [published_state(state, ticketed=ticketed) for ticketed in (False, True)]
        yield f"| `{state}` | `{words[0]}` | `{words[1]}` |"
    yield "\nA booking's column `status` is derived from its state. `refunded` follows `cancelled`"
    yield "once the money is back; `failed` is a booking that its attempt had to undo.\n"
    yield "| booking | `status` |"
    yield "|---|---|"
    for booking, status in PUBLISHED_BOOKING_STATUS.items():
        yield f"| `{booking}` | `{status}` |"
    yield ""


def _section(
    title: str, where: str, first: str, table: Transitions[S], other: str = ""
) -> Iterator[str]:
    begins = f"`{first}`" + (f", or as `{other}`" if other else "")
    yield f"## {title}\n\nTable: `{where}`. Begins as {begins}.\n"
    lines = table.mermaid().splitlines()
    starts = [f"    [*] --> {one}" for one in (first, other) if one]
    yield "\n".join(["```mermaid", lines[0], *starts, *lines[1:], "```", ""])


def _list(states: frozenset[S]) -> str:
    order: list[StrEnum] = sorted(states)
    return ", ".join(f"`{state}`" for state in order)


if __name__ == "__main__":
    DOCUMENT.write_text(document())
    print(DOCUMENT)

"""Every address that is looked at, with nothing behind it and with all there is: none falls over.

The access matrix asks who may look; this asks what is said. A new account has nothing in any list;
an old one has wishes, bookings and money in every state, some rows with less in them than usual.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import uuid4

from belongings import give_belongings
from booked import give_booking
from browsing import Shown, Site
from watched import Watched

from api.access import ROUTES
from db.models import BookingRow, CampaignRow, PaymentRow
from db.session import Database, SystemActor
from db.vault import vault_of
from domain.attempts import AttemptState, FailureReason
from domain.campaigns import BookingMode, CampaignState
from domain.itineraries import Itinerary
from domain.orders import BookingState
from domain.payments import PaymentState
from runtime.clock import system_now
from runtime.settings import Settings

TESTS = SystemActor("tests")
S = CampaignState
_LOOKS = sorted(name.removeprefix("GET ") for name in ROUTES if name.startswith("GET "))
_NAMED = {name for path in _LOOKS for name in re.findall(r"\{(\w+)\}", path)}
_STEPS = ("route", "who", "preferences", "budget", "check", "nonsense")
# A piece of a page, or another's: neither has a heading of ours.
_NO_PAGES = ("/docs", "/auto-booking/new/map")
# What shows that a template met what it did not expect; these say the word in earnest.
_SLIP = re.compile(r".{0,40}(?:\bNone\b(?! [a-z1]|\.)|Undefined|\{\{|\bobject at 0x).{0,20}")
_MEANT = ("Checked bags None", "○ None")
_SENTENCE = re.compile(r"[A-Z][^.?!]{8,}[.?!]")
_STOPS = (
    "card_declined",
    "capture_refused",
    "traveller_data",
    "consent_needed",
    "no_card",
    "",
    "x",
)

_PRINTS = 4


def _wrong(shown: Shown) -> str | None:
    """Say what is wrong with an answer; None where it is a sensible one."""
    kind = shown.headers.get("content-type", "")
    if shown.status == 500:
        return "it fell over"
    if not kind.startswith("text/html") or shown.path.startswith(_NO_PAGES):
        return None
    if not shown.soup.find("h1"):
        return "no heading"
    if not _SENTENCE.search(shown.text):
        return f"no sentence: {shown.text[:80]!r}"
    said = shown.text
    for words in _MEANT:
        said = said.replace(words, "")
    slip = _SLIP.search(said)
    return f"it says {slip.group()!r}" if slip else None


def _paths(ids: Mapping[str, list[str]]) -> Iterator[str]:
    """Return every address that is looked at, for each thing that it may name."""
    for path in _LOOKS:
        names = re.findall(r"\{(\w+)\}", path)
        if path == "/static":
            continue
        # The ids of one thing of a person's belong to each other.
        each = zip(*(ids[name] for name in names), strict=False) if names else ((),)
        # A print takes a process of its own; what they show is the pages' own words.
        for values in itertools.islice(each, _PRINTS if path.endswith(".pdf") else None):
            yield path.format(**dict(zip(names, values, strict=True)))


async def _walk(site: Site, key: str, ids: Mapping[str, list[str]]) -> list[str]:
    """Open everything as whoever is signed in, or holds the key; return what went wrong."""
    found = []
    for path in _paths(ids):
        headers = {"Authorization": f"Bearer {key}"} if path.startswith("/api/") else {}
        if path.startswith("/api/") or path.endswith("/events"):
            headers["Accept"] = "application/json"
        wrong = _wrong(await site.get(path, **headers))
        found += [f"{path}: {wrong}"] if wrong else []
    return found


async def test_nothing_falls_over_where_there_is_nothing(pages: Site, ana: Any) -> None:
    """Ids name what does not exist; a step of the wizard begins a draft."""
    absent = {name: [str(uuid4())] for name in _NAMED}
    assert await _walk(pages, ana.key, absent | {"step": ["route"]}) == []


async def test_nothing_falls_over_where_there_is_everything(
    pages: Site, database: Database, settings: Settings, ana: Any
) -> None:
    now, vault = system_now(), vault_of(settings)
    own = await give_belongings(database, vault, ana.user_id, now)
    ids = {name: [str(uuid4())] for name in _NAMED}
    ids |= {name: [str(value)] for name, value in asdict(own).items()}
    ids |= {"token": ["not-a-token"], "tag": ["-"], "name": ["lisbon"]}
    async with database.transaction(TESTS) as session:
        wishes = await _wishes(Watched(session, ana.user_id, now), own.traveler_id)
    bookings = [
        (await give_booking(database, vault, ana.user_id, now, **given)).booking_id
        for given in _bookings()
    ]
    async with database.transaction(TESTS) as session:
        for booking_id in bookings[-2:]:
            row = await session.get_one(BookingRow, booking_id)
            row.itinerary = {"slices": []}
        for state in PaymentState:
            payment = await session.get_one(PaymentRow, own.payment_id)
            copy = PaymentRow(**(payment.model_dump() | {"id": uuid4(), "state": state}))
            session.add(copy)
            ids["payment_id"].append(str(copy.id))
    ids["campaign_id"] += [str(one) for one in wishes]
    ids["booking_id"] += [str(one) for one in bookings]
    wrong = await _walk(pages, ana.key, ids | {"step": ["route"]})
    for step in _STEPS:
        for path in (f"new/{own.draft_id}", f"wishes/{own.campaign_id}/edit"):
            found = _wrong(await pages.get(f"/auto-booking/{path}/{step}"))
            wrong += [f"{path}/{step}: {found}"] if found else []
    assert wrong == [], "\n".join(wrong)


def _bookings() -> Iterator[dict[str, Any]]:
    def bare(row: BookingRow, _order: dict[str, Any]) -> None:
        row.booking_reference = row.duffel_order_status = row.cancelled_by = row.quote = None

    for state in BookingState:
        yield {"state": state}
        yield {"state": state, "change": bare}
    for refund in ("pending", "succeeded", "failed"):
        yield {"state": BookingState.CANCELLED, "refund": refund}
    # These two lose their flights.
    yield {"state": BookingState.TICKETED}
    yield {"state": BookingState.CANCELLED, "refund": "pending"}


async def _wishes(make: Watched, traveler: Any) -> list[Any]:
    """Make a wish in every state, and one for each way in which a booking is under way.

    Of most of them, whoever was to travel is not there any more.
    """
    card, offer = await make.card(), make.offer("987.00")
    rows: list[CampaignRow] = []

    async def wish(state: CampaignState, **more: Any) -> CampaignRow:
        row = await make.campaign(**more)
        row.status = state
        rows.append(row)
        return row

    for state in CampaignState:
        await wish(state, traveler_ids=(traveler,))
        await wish(state, consented=False)
    for mode in BookingMode:
        await make.look(await wish(S.ACTIVE, mode=mode), [offer, make.offer("1100.00", "7")])
    for reason in _STOPS:
        (await wish(S.NEEDS_ACTION)).action_reason = reason
    for empty in (False, True):
        asked = await wish(S.AWAITING_APPROVAL, mode=BookingMode.ASK_ME_FIRST)
        proposal = await make.proposal(asked, offer)
        if empty:
            proposal.itinerary = {"slices": []}
    (await wish(S.CANCELLED)).undo_until = make.now + timedelta(minutes=1)
    for state in AttemptState:
        await make.attempt(await wish(S.BOOKING), card, offer, state=state)
    for failed in FailureReason:
        row = await wish(S.ACTIVE)
        done = {"state": AttemptState.FAILED, "failure_reason": failed, "finished_at": make.now}
        await make.attempt(row, card, offer, **done)
    for state in BookingState:
        row = await wish(S.BOOKED)
        attempt = await make.attempt(row, card, offer, state=AttemptState.CAPTURED)
        flights = offer if state is not BookingState.FLOWN else None
        booking = await make.booking(row, attempt, offer, state=state)
        booking.itinerary = booking.itinerary if flights else Itinerary(slices=()).model_dump()
    await make.session.flush()
    return [row.id for row in rows]

"""What the privacy page shows: what is held, who looked, what stays, and what is under way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.web.words import plural
from db.models.erasure import ErasureRow
from db.models.personal_read import PersonalReadRow
from domain.erasures import ErasureState, Hindrance, Obstacle
from domain.privacy_notices import obstacle_words
from domain.words import Words


@dataclass(frozen=True)
class Held:
    """One kind of thing that is held, in plain words."""

    title: str
    sentence: str
    how: str


@dataclass(frozen=True)
class Looked:
    at: datetime
    who: str
    what: str
    why: str


@dataclass(frozen=True)
class UnderWay:
    """An erasure that was asked for and has not ended."""

    erasure_id: UUID
    traveler: str | None
    due_at: datetime
    begun: bool
    waits_for: str


@dataclass(frozen=True)
class Hindered:
    what: str
    until: datetime


@dataclass(frozen=True)
class Traveler:
    traveler_id: UUID
    name: str
    asked: bool


_SEALED = "encrypted under your key"
_OWN_KEY = "encrypted under a key of their own each"
_CLEAR = "readable, since it names nobody by itself"

# What is counted for each line, and how the line is said.
LINES: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("Your account", ("users",), "Your address, language and time zone", _SEALED),
    (
        "What opens it",
        ("web_sessions", "passkeys", "totp_factors", "api_keys"),
        "{web_sessions}, {passkeys}, {api_keys}; of passwords and keys only what recognises them",
        "hashes, which cannot be turned back",
    ),
    (
        "Travellers",
        ("travelers", "traveler_documents", "traveler_files"),
        (
            "{travelers} with {traveler_documents} and {traveler_files}: names, birth dates,"
            " contacts, loyalty numbers"
        ),
        _OWN_KEY,
    ),
    (
        "Cards",
        ("payment_methods",),
        (
            "{payment_methods}: the card processor's name for it, brand, last four digits, expiry;"
            " never the number"
        ),
        "the processor's name is encrypted under your key",
    ),
    (
        "Wishes",
        ("autobooking_campaigns", "campaign_drafts", "trip_requests", "offer_decisions"),
        (
            "{autobooking_campaigns}, {campaign_drafts}, {trip_requests}, and for {offer_decisions}"
            " why it was or was not booked"
        ),
        _CLEAR,
    ),
    (
        "Consents",
        ("mandates",),
        "{mandates} as signed; travellers stand in them as digests",
        "the digests' salts are encrypted under each traveller's key",
    ),
    (
        "Bookings and money",
        ("bookings", "payments", "refunds"),
        "{bookings}, {payments}, {refunds}; the order as the airline's seller sent it",
        "the order is encrypted under a key of its own",
    ),
    ("Messages", ("notices",), "{notices} that we sent you or will", _CLEAR),
)
_NOUNS: Mapping[str, tuple[str, str]] = {
    "web_sessions": ("browser", "browsers"),
    "passkeys": ("passkey", "passkeys"),
    "api_keys": ("API key", "API keys"),
    "travelers": ("traveller", "travellers"),
    "traveler_documents": ("document", "documents"),
    "traveler_files": ("scan", "scans"),
    "payment_methods": ("card", "cards"),
    "autobooking_campaigns": ("wish", "wishes"),
    "campaign_drafts": ("draft", "drafts"),
    "trip_requests": ("trip kept in mind", "trips kept in mind"),
    "offer_decisions": ("offer", "offers"),
    "mandates": ("consent", "consents"),
    "bookings": ("booking", "bookings"),
    "payments": ("payment", "payments"),
    "refunds": ("refund", "refunds"),
    "notices": ("message", "messages"),
}
COUNTED = tuple(_NOUNS)


def held(counts: Mapping[str, int]) -> list[Held]:
    words = {name: plural(counts[name], one, many) for name, (one, many) in _NOUNS.items()}
    return [Held(title, said.format(**words), how) for title, _, said, how in LINES]


def looked(rows: Sequence[tuple[PersonalReadRow, str]]) -> list[Looked]:
    return [Looked(row.at, row.operator, row.what, why) for row, why in rows]


def under_way(rows: Sequence[ErasureRow], names: Mapping[UUID, str]) -> list[UnderWay]:
    say = Words()
    return [
        UnderWay(
            erasure_id=row.id,
            traveler=names.get(row.traveler_id, "a traveller") if row.traveler_id else None,
            due_at=row.due_at,
            begun=row.state is ErasureState.BEGUN,
            waits_for=", ".join(obstacle_words(Obstacle(one), say) for one in row.waits_for),
        )
        for row in rows
        if row.ended_at is None
    ]


def hindered(found: Sequence[Hindrance], now: datetime) -> list[Hindered]:
    say = Words()
    return [Hindered(obstacle_words(one.obstacle, say), one.gone_by(now)) for one in found]

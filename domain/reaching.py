"""Whether a changed wish reaches further than the one that was agreed to.

What was agreed to goes on holding for a part of it: fewer places, days, nights or stops, less
money. Whatever could book or charge something else needs to be agreed to anew.
"""

from collections.abc import Collection
from uuid import UUID

from domain.campaigns import BookingMode
from domain.criteria import Criteria
from domain.values import Value


class Agreed(Value):
    """What a consent is about."""

    criteria: Criteria
    mode: BookingMode
    traveler_ids: tuple[UUID, ...]
    card_id: UUID | None  # None: whichever is the default


def reaches_further(before: Agreed, after: Agreed) -> str | None:
    """Return why the change needs a new consent, in a few words; None where the old one reaches."""
    old, new = before.criteria, after.criteria
    dearer = new.budget.currency != old.budget.currency or new.budget > old.budget
    alone = after.mode is BookingMode.AUTO and before.mode is not BookingMode.AUTO
    books = after.mode.books and not before.mode.books
    earlier, later = (
        new.departure_from < old.departure_from,
        new.departure_until > old.departure_until,
    )
    reasons = (
        (dearer, f"the budget rises to {new.budget.short()}"),
        (alone, "the wish would be booked without asking you"),
        (books, "the wish may be booked from now on"),
        (set(after.traveler_ids) != set(before.traveler_ids), "others travel"),
        (after.card_id != before.card_id, "another card may be charged"),
        (not set(new.origins) <= set(old.origins), "the trip may begin elsewhere"),
        (not set(new.destinations) <= set(old.destinations), "the trip may go elsewhere"),
        (earlier or later, "it may leave on other days"),
        (not _within(_nights(new), _nights(old)), "it may last otherwise"),
        (new.cabin is not old.cabin, "it is another cabin"),
        (_stops(new) > _stops(old), "it may stop more often"),
        (not _fewer(new.airlines_wanted, old.airlines_wanted), "other airlines may fly it"),
        (
            not set(old.airlines_excluded) <= set(new.airlines_excluded),
            "airlines that you left out may fly it",
        ),
        (old.refundable_only and not new.refundable_only, "the fare may give nothing back"),
        (new.checked_bags < old.checked_bags, "fewer bags are included"),
    )
    return next((words for holds, words in reasons if holds), None)


def _nights(wish: Criteria) -> tuple[int, int] | None:
    if wish.nights_min is None or wish.nights_max is None:
        return None
    return wish.nights_min, wish.nights_max


def _within(new: tuple[int, int] | None, old: tuple[int, int] | None) -> bool:
    if new is None or old is None:
        return new is old
    return old[0] <= new[0] and new[1] <= old[1]


def _stops(wish: Criteria) -> int:
    return 99 if wish.max_connections is None else wish.max_connections


def _fewer(new: Collection[str], old: Collection[str]) -> bool:
    """Say whether the airlines are some of those before; none named means any."""
    if not old:
        return True
    return bool(new) and set(new) <= set(old)

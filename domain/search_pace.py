"""How often a date pair deserves a look, and how likely a look at it leads to a booking.

A fare is taken to wander: in t days it moves by about its daily change times the square root of
t. So the time in which it could fall to the limit grows with the square of the distance. All
intervals are in seconds; prices are minor units of one currency.
"""

from math import exp, sqrt

HOUR, DAY = 3600.0, 86400.0
HOTTEST, COLDEST = HOUR, 3 * DAY
# Few steps, so that the pairs of a wish share turns instead of each having a pace of its own.
STEPS = (HOTTEST, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, COLDEST)
# (days until the wish's last departure, the longest interval from there on)
FINAL_WEEKS = ((7, 12 * HOUR), (14, DAY), (30, 2 * DAY))
FIRST_PACE, FIRST_CHECKS = DAY, 7  # a young wish gets an impression of its window first
USUAL_CHANGE = 0.02  # a day, until a market has shown its own
LOOKS_TO_KNOW = 3
# The price is within the limit and yet nothing was booked: something else is in the way (an
# airline, hours, bags), which changes about as often as a fare moves by this much.
BLOCKED_GAP = 0.02
FAR_GAP = 0.30  # so far above the limit that even the final weeks do not hurry
UNSEEN_CHANCE, EMPTY_CHANCE = 0.25, 0.05


def gap(best_minor: int, limit_minor: int) -> float:
    """Return by which fraction of the limit the price must fall."""
    return best_minor / limit_minor - 1 if best_minor > limit_minor > 0 else BLOCKED_GAP


def daily_change(volatility: float, looks: int) -> float:
    """Return the fraction by which the price typically moves in a day."""
    return max(volatility, 0.001) if looks >= LOOKS_TO_KNOW else USUAL_CHANGE


def own_interval(best_minor: int | None, change: float, limit_minor: int, days_left: int) -> float:
    """Return how long the pair may go without a look, if it were the wish's only one."""
    longest = next((pace for days, pace in FINAL_WEEKS if days_left < days), COLDEST)
    if best_minor is None:
        return longest
    distance = gap(best_minor, limit_minor)
    if distance > FAR_GAP:
        return COLDEST
    wanted = DAY * (distance / change) ** 2
    return min(longest, next((step for step in STEPS if step >= wanted), COLDEST))


def first_turn(check: int, interval: float) -> float:
    """Return how long after its beginning a wish makes its n-th check of unseen pairs."""
    quick = min(check, FIRST_CHECKS)
    return quick * min(FIRST_PACE, interval) + (check - quick) * interval


def booking_chance(
    best_minor: int | None, change: float, limit_minor: int, age_seconds: float
) -> float:
    """Return about how likely the price has come within the limit since the last look."""
    if best_minor is None:
        return EMPTY_CHANCE
    wandered = change * sqrt(max(age_seconds, 1.0) / DAY)
    return max(exp(-gap(best_minor, limit_minor) / wandered), 1e-6)

"""Where refunded money is: who holds it now, when it is expected, and what the law says.

Business days are Mondays to Fridays; banks' holidays are not known here, so that dates are called
expected, never promised. Days are counted on the calendar of UTC.
"""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from pydantic import Field

from domain.money import Money
from domain.orders import BookingState
from domain.values import Value


class RefundPace(Value):
    """How many business days a card's bank takes, from the first to the last usual one."""

    first: int = Field(default=5, ge=0, le=90)
    last: int = Field(default=10, ge=0, le=90)

    @property
    def words(self) -> str:
        if self.first == self.last:
            return f"{self.last} business days"
        return f"{self.first} to {self.last} business days"


class Holder(StrEnum):
    """Who has the money now."""

    AIRLINE = "airline"
    HOUSE = "house"
    BANK = "bank"
    TRAVELLER = "traveller"
    UNSETTLED = "unsettled"  # a person of ours looks after it


class RefundFact(Value):
    """One refund as the books have it."""

    amount: Money
    status: str  # pending, succeeded, failed
    begun_at: datetime
    updated_at: datetime


class RefundCase(Value):
    """A booking's money as far as it comes back."""

    state: BookingState
    paid: Money
    penalty: Money
    cancelled_by: str | None = None
    cancelled_at: datetime | None = None
    asked_at: datetime | None = None
    pays_back: bool = True  # as money of a known amount
    refunds: tuple[RefundFact, ...] = ()
    country: str | None = None  # where the trip begins


class Step(Value):
    """One station of the money. `on` is when it was or is expected; `done` says which."""

    title: str
    detail: str
    on: date | None
    until: date | None
    done: bool


class LegalDeadline(Value):
    by: date
    rule: str


class RefundTrack(Value):
    amount: Money
    holder: Holder
    sentence: str
    steps: tuple[Step, ...]
    deadline: LegalDeadline | None


# Money back within seven days where the carrier cancels: Regulation (EC) 261/2004, article 8, in
# the European Union, the EEA and Switzerland, and the same article as kept in the United Kingdom.
_STATES = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
UNION = frozenset(_STATES.split())
_SEVEN_DAYS = UNION | {"CH", "GB", "IS", "LI", "NO"}
# Seven business days for what a card has paid: 14 CFR part 260, in the United States.
_SEVEN_BUSINESS_DAYS = frozenset({"US"})


def business_days_after(day: date, count: int) -> date:
    """Return the day that many business days later; the first counted day is the next one."""
    while count > 0:
        day += timedelta(days=1)
        if day.weekday() < 5:
            count -= 1
    return day


def legal_deadline(country: str | None, cancelled_at: datetime) -> LegalDeadline | None:
    """Return by when a flight that its airline cancelled must be refunded, where we know it."""
    day = cancelled_at.astimezone(UTC).date()
    if country in _SEVEN_DAYS:
        return LegalDeadline(
            by=day + timedelta(days=7),
            rule="Where the airline cancels, it must pay back within 7 days (EC 261/2004, art. 8)"
            if country != "GB"
            else "Where the airline cancels, it must pay back within 7 days (UK261, art. 8)",
        )
    if country in _SEVEN_BUSINESS_DAYS:
        return LegalDeadline(
            by=business_days_after(day, 7),
            rule="Where the airline cancels, a card must be refunded within 7 business days"
            " (14 CFR 260)",
        )
    return None


def refund_track(case: RefundCase, pace: RefundPace, now: datetime) -> RefundTrack | None:
    """Return where the money of a cancelled booking is; None where none is coming back."""
    if case.state not in {BookingState.CANCELLING, BookingState.CANCELLED}:
        return None
    owed = case.paid - case.penalty
    refund = case.refunds[-1] if case.refunds else None
    if case.paid.minor <= 0 or (owed.minor <= 0 and refund is None):
        return None
    amount = refund.amount if refund else owed
    holder = _holder(case, refund, pace, now)
    return RefundTrack(
        amount=amount,
        holder=holder,
        sentence=_sentence(holder, amount, refund, pace, known=case.pays_back),
        steps=_steps(case, refund, amount, pace, now),
        deadline=legal_deadline(case.country, case.cancelled_at)
        if case.cancelled_by == "airline" and case.cancelled_at
        else None,
    )


def bank_window(refund: RefundFact, pace: RefundPace) -> tuple[date, date]:
    """Return the first and last day on which the card's bank usually shows the money."""
    day = refund.begun_at.astimezone(UTC).date()
    return business_days_after(day, pace.first), business_days_after(day, pace.last)


def _holder(case: RefundCase, refund: RefundFact | None, pace: RefundPace, now: datetime) -> Holder:
    if case.state is BookingState.CANCELLING:
        return Holder.AIRLINE
    if refund is None:
        by_us = case.pays_back or case.cancelled_by == "airline"
        return Holder.HOUSE if by_us else Holder.UNSETTLED
    if refund.status == "failed":
        return Holder.UNSETTLED
    if refund.status == "succeeded" and now.date() > bank_window(refund, pace)[1]:
        return Holder.TRAVELLER
    return Holder.BANK


def _sentence(
    holder: Holder, amount: Money, refund: RefundFact | None, pace: RefundPace, *, known: bool
) -> str:
    match holder:
        case Holder.AIRLINE:
            if not known:
                return "The airline still has your money and does not say what comes back."
            return (
                f"The airline still has your money. Once it has confirmed, {amount} goes back to"
                " your card."
            )
        case Holder.HOUSE:
            return f"We have your {amount} and are giving it back to your card now."
        case Holder.BANK if refund is not None:
            first, last = bank_window(refund, pace)
            return (
                f"We have given {amount} back. Your bank has it now and usually shows it within"
                f" {pace.words}: between {_day(first)} and {_day(last)}."
            )
        case Holder.TRAVELLER:
            return (
                f"{amount} should be on your card by now. If your bank does not show it, ask the"
                " bank first, then us: we can prove when it was sent."
            )
        case _:
            if refund is not None:
                return (
                    f"Your bank did not take the {amount} back. We still have it, and a person of"
                    " ours is looking for another way; nothing is lost."
                )
            return (
                "The airline gives back something other than money to your card, or does not say"
                " how much. A person of ours is looking after it and writes to you."
            )


def _steps(
    case: RefundCase, refund: RefundFact | None, amount: Money, pace: RefundPace, now: datetime
) -> tuple[Step, ...]:
    steps = []
    if case.asked_at is not None:
        steps.append(_done("You asked to cancel", "", case.asked_at))
    cancelled = case.state is BookingState.CANCELLED
    who = "The airline cancelled" if case.cancelled_by == "airline" else "The airline confirmed"
    steps.append(
        _done(who, "", case.cancelled_at) if cancelled else _open("The airline confirms", "")
    )
    if refund is None:
        detail = f"{amount} to the card that was charged" if case.pays_back else ""
        steps += [_open("We give it back", detail), _open("Your bank shows it", pace.words)]
        return tuple(steps)
    if refund.status == "failed":
        steps.append(_done("We tried to give it back", "Your bank refused it", refund.begun_at))
        steps.append(_open("A person of ours finds another way", ""))
        return tuple(steps)
    steps.append(_done("We gave it back", f"{amount}", refund.begun_at))
    first, last = bank_window(refund, pace)
    shown = refund.status == "succeeded" and now.date() > last
    steps.append(
        Step(title="Your bank shows it", detail=pace.words, on=first, until=last, done=shown)
    )
    return tuple(steps)


def _done(title: str, detail: str, at: datetime | None) -> Step:
    day = at.astimezone(UTC).date() if at else None
    return Step(title=title, detail=detail, on=day, until=None, done=True)


def _open(title: str, detail: str) -> Step:
    return Step(title=title, detail=detail, on=None, until=None, done=False)


def _day(day: date) -> str:
    return f"{day.day} {day:%B}"

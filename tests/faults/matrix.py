"""The fault matrix's cases: what the product was seen to do, times everything that can go wrong.

Nothing is listed by hand but the ways to go wrong and a few courses of a booking. The calls and
activities of each course are recorded from clean runs, so a new one is in the matrix by itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from domain.campaigns import BookingMode

Json = dict[str, Any]
MAIL = "mail"
SEARCHING = "search"
SEARCH_SECONDS = 12  # the shortest patience that a search can have: two for airlines, ten to answer
MAIL_SECONDS = 30  # the patience with a mail server is fixed in the code
SILENCE_SECONDS = 90  # longer than anybody waits here
STOPPED_SECONDS = 60  # a call that its worker sleeps through is done this late
DOUBT_SECONDS = 12.0  # how long an order in doubt may take to appear by itself


class Fault(StrEnum):
    """What goes wrong, once, at one point."""

    TIMEOUT_BEFORE = "time-out before"
    TIMEOUT_AFTER = "time-out after"
    CLOSED_BEFORE = "closed before"
    CLOSED_AFTER = "closed after"
    ERROR_BEFORE = "5xx before"
    ERROR_AFTER = "5xx after"
    RATE_LIMIT = "429"
    NO = "a definite no"
    LATE = "later than the time-out"
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"
    STOPPED = "stopped and continued"
    ACCEPTED_THEN_CREATED = "202 then created"
    ACCEPTED_THEN_FAILED = "202 then failed"
    ERROR_BOOKED = "5xx although booked"
    ATTEMPTED = "422 already attempted"
    ATTEMPTED_BOOKED = "422 already attempted, booked"


ANSWERS = (
    Fault.TIMEOUT_BEFORE, Fault.TIMEOUT_AFTER, Fault.CLOSED_BEFORE, Fault.CLOSED_AFTER,
    Fault.ERROR_BEFORE, Fault.ERROR_AFTER, Fault.RATE_LIMIT, Fault.NO, Fault.LATE,
)  # fmt: skip
KILLS = (Fault.KILLED_BEFORE, Fault.KILLED_AFTER)
# A read has no effect for a fault to come after; seen from here these are what comes before.
_NOT_OF_READS = frozenset(
    {
        Fault.TIMEOUT_AFTER, Fault.CLOSED_AFTER, Fault.ERROR_AFTER, Fault.LATE, Fault.KILLED_AFTER,
    }
)  # fmt: skip
_OF_THE_ORDER: Mapping[Fault, Json] = {
    Fault.ACCEPTED_THEN_CREATED: {"effect": "order_202_then_created", "value": {"seconds": 3}},
    Fault.ACCEPTED_THEN_FAILED: {"effect": "order_202_then_failed", "value": {"seconds": 3}},
    Fault.ERROR_BOOKED: {"effect": "order_5xx_booked", "status": 502},
    Fault.ATTEMPTED: {"effect": "order_already_attempted"},
    Fault.ATTEMPTED_BOOKED: {"effect": "order_already_attempted", "value": {"booked": True}},
}
_EFFECTS = {
    Fault.TIMEOUT_BEFORE: "timeout_before",
    Fault.TIMEOUT_AFTER: "timeout_after",
    Fault.CLOSED_BEFORE: "close_before",
    Fault.CLOSED_AFTER: "close_after",
    Fault.ERROR_BEFORE: "error_before",
    Fault.ERROR_AFTER: "error_after",
    Fault.RATE_LIMIT: "rate_limit",
    Fault.NO: "error_before",
    Fault.LATE: "late",
    # The call hangs on one side of its effect until its worker is dead.
    Fault.KILLED_BEFORE: "timeout_before",
    Fault.KILLED_AFTER: "timeout_after",
    Fault.STOPPED: "delay",
}
_NO: Mapping[str, Json] = {
    "duffel": {"status": 422, "code": "invalid_data_param"},
    "stripe": {"status": 402, "code": "card_declined"},
    MAIL: {"status": 550, "code": None},
}


class Script(StrEnum):
    """What the traveller and the clock do, besides making the wish."""

    NOTHING = "nothing"
    STEER = "pauses, resumes and edits the wish once asked, then says yes to the next proposal"
    REJECT = "says no to the proposal and gives the wish up"
    LET_LAPSE = "never answers the proposal, until the wish expires"
    GIVE_BACK = "cancels the ticketed booking"
    WAIT_FOR_TICKETS = "waits for tickets beyond their deadline"


_ASKED = frozenset({Script.STEER, Script.REJECT, Script.LET_LAPSE})


@dataclass(frozen=True)
class Scenario:
    """A course that a booking takes. Its rules are aimed at the campaign's own attempt.

    `ends` is the state that the campaign comes to where nobody but a provider says no; empty where
    more than one is good. `asks` is the kind of task that a person is given in this course.
    """

    name: str
    rules: tuple[Json, ...] = ()
    card: str = "pm_card_visa"
    wish: Json = field(default_factory=dict)
    script: Script = Script.NOTHING
    ends: str = ""
    asks: str = ""

    @property
    def mode(self) -> BookingMode:
        return BookingMode.ASK_ME_FIRST if self.script in _ASKED else BookingMode.AUTO

    def __str__(self) -> str:
        return self.name


BOOKED = Scenario("booked", ends="booked")
_UNPAID = {
    "vendor": "stripe", "operation": "capture_payment_intent",
    "effect": "capture_refused", "times": None,
}  # fmt: skip
SCENARIOS = (
    BOOKED,
    Scenario(
        "refused",
        ({"vendor": "duffel", "operation": "create_order", "effect": "payment_declined"},),
    ),
    Scenario(
        "unknown",
        (
            {
                "vendor": "duffel", "operation": "create_order",
                "effect": "order_202_then_created", "value": {"seconds": 2},
            },
        ),
    ),
    Scenario("bank", card="pm_card_authenticationRequired"),
    Scenario(
        "unpaid",
        (
            _UNPAID,
            {
                "vendor": "duffel", "operation": "create_order_cancellation",
                "effect": "penalty", "value": {"amount": "0.00"}, "times": None,
            },
        ),
        wish={"refundable_only": True},
    ),
    Scenario(
        "unpaid and kept",
        (
            _UNPAID,
            {
                "vendor": "duffel", "operation": "create_order_cancellation",
                "effect": "order_not_cancellable", "times": None,
            },
        ),
        ends="needs_action",
        asks="unpaid_order",
    ),
    Scenario("steered", script=Script.STEER, ends="booked"),
    Scenario("rejected", script=Script.REJECT, ends="cancelled"),
    Scenario("lapsed", script=Script.LET_LAPSE, ends="expired"),
    Scenario("given back", script=Script.GIVE_BACK, wish={"refundable_only": True}, ends="booked"),
    Scenario(
        "unticketed",
        (
            {
                "vendor": "duffel", "operation": "create_order",
                "effect": "delayed_ticketing", "value": "never",
            },
        ),
        script=Script.WAIT_FOR_TICKETS,
        ends="booked",
        asks="unticketed",
    ),
)  # fmt: skip
# What no course comes by: a history too long for one run, and rows that nobody runs any more.
ELSEWHERE = {
    "campaign_answer": "read by a run that goes on where a full history ended",
    "live_attempt": "read where Temporal was set back; test_kills.py",
    "open_password_reset": "a row written once for its id; test_password_reset.py",
    "send_personal_notices": "for what belongs to no wish; test_tellings.py",
    "next_notice": "for what is held back until later; test_tellings.py",
    "find_untold": "asked by a schedule; test_tellings.py",
    "warn_of_expiry": "asked by a schedule; test_paper_steps.py",
    "give_consent": "changes rows only, and says so again; test_consent_steps.py",
    "cancel_with_undo": "changes rows only, and says so again; test_second_thoughts.py",
    "undo_cancel": "changes rows only, and says so again; test_second_thoughts.py",
    "close_cancelled": "changes rows only, and says so again; test_second_thoughts.py",
    "accept_change": "reads the order for what became of it; test_order_care.py",
    "ask_for_other_flights": "changes rows only, and says so again; test_order_care.py",
    "allow_once": "opens an attempt, which is one of those above; test_allowance_steps.py",
    **dict.fromkeys(
        (
            "begin_erasure", "cancel_wishes", "close_erasure", "destroy_keys", "detach_cards",
            "forget_histories", "forget_rows", "pause_wishes", "read_erasure", "withdraw_erasure",
        ),
        "forgets a person, and no wish; test_erasure_workflow.py",
    ),
    **dict.fromkeys(
        (
            "find_unbegun", "take_action", "close_action", "reach_attempt", "close_door", "adopt_order",
            "free_wish", "refund_as_decided",
        ),
        "an operator's; test_operator_actions.py",
    ),
    "chain_audit_log": "asked by a schedule; test_audit_command.py",
    "clear_away": "asked by a schedule; test_retention_steps.py",
    "follow_disputes": "reads, and asked by a schedule; test_dispute_steps.py",
    "work_on_events": "makes others look, and is asked again; test_event_steps.py",
    "find_erasures": "asked by a schedule; test_erasure_workflow.py",
    "forget_again": "asked by a schedule; test_retention_steps.py",
}  # fmt: skip


@dataclass(frozen=True)
class Point:
    """A place in a course: an activity, or one of the calls that it makes.

    `workflow` is the kind of workflow that runs it; `nth` tells mails apart, which name nobody.
    """

    scenario: Scenario
    activity: str
    workflow: str
    vendor: str = ""
    operation: str = ""
    reads: bool = False
    nth: int = 0
    brief: bool = False  # on rows only: what holds it up longer than 15 s is another fault

    @property
    def is_call(self) -> bool:
        return bool(self.operation)

    @property
    def key(self) -> tuple[str, str, int]:
        return self.activity, self.operation, self.nth

    def __str__(self) -> str:
        place = f"{self.activity}/{self.operation}" if self.is_call else self.activity
        return f"{self.scenario}: {place}" + (f" #{self.nth + 1}" if self.nth else "")


@dataclass(frozen=True)
class Case:
    point: Point
    fault: Fault

    def __str__(self) -> str:
        return f"{self.point} x {self.fault}"

    @property
    def must_end(self) -> str:
        """Return the only good end of the campaign: nobody said no, no order is in doubt."""
        if self.fault is Fault.NO or self.point.operation == "create_order":
            return ""
        return self.point.scenario.ends

    @property
    def may_ask_a_person(self) -> bool:
        """Say whether an operator's task may stand: where a no leaves nothing else to be done."""
        return self.fault is Fault.NO


def new_points(seen: Iterable[Point]) -> list[Point]:
    """Keep each place in the first course that comes by it."""
    kept: dict[tuple[str, str, int], Point] = {}
    for point in seen:
        kept.setdefault(point.key, point)
    return list(kept.values())


@dataclass(frozen=True)
class Trial:
    """Cases that one campaign meets, one after the other; all of one course."""

    cases: tuple[Case, ...]

    @property
    def scenario(self) -> Scenario:
        return self.cases[0].point.scenario

    @property
    def of_search_loop(self) -> bool:
        return self.cases[0].point.workflow == SEARCHING

    @property
    def must_end(self) -> str:
        """Return the only good end of the campaign; empty where more than one is good."""
        ends = {case.must_end for case in self.cases}
        return ends.pop() if len(ends) == 1 else ""

    @property
    def may_ask_a_person(self) -> bool:
        return any(case.may_ask_a_person for case in self.cases)

    @property
    def doubt_seconds(self) -> float:
        """Return for how long an order may still appear by itself."""
        stopped = any(case.fault is Fault.STOPPED for case in self.cases)
        return STOPPED_SECONDS + DOUBT_SECONDS if stopped else DOUBT_SECONDS

    def __str__(self) -> str:
        more = len(self.cases) - 1
        return f"{self.cases[0]}" + (f" and at {more} more" if more else "")


def answer_trials(points: Sequence[Point]) -> list[Trial]:
    """Combine every call with every way to be answered badly.

    A campaign meets one fault at each of its calls; what changes the course has its own campaign.
    """
    together: dict[tuple[str, Fault, str], list[Case]] = {}
    alone = []
    for point in (p for p in points if p.is_call):
        for case in _cases(point, ANSWERS):
            if case.fault is Fault.NO or point.operation == "create_order":
                alone.append(case)
            else:
                loop = SEARCHING if point.workflow == SEARCHING else ""
                together.setdefault((point.scenario.name, case.fault, loop), []).append(case)
        if point.operation == "create_order":
            alone += [Case(point, fault) for fault in _OF_THE_ORDER]
    return [Trial(tuple(cases)) for cases in together.values()] + [Trial((c,)) for c in alone]


def kill_trials(points: Sequence[Point]) -> list[Trial]:
    """Let the worker be killed on both sides of each point; an order is never sent again."""
    trials = []
    for point in points:
        cases = tuple(_cases(point, KILLS))
        apart = point.operation == "create_order"
        trials += [Trial((case,)) for case in cases] if apart else [Trial(cases)]
    return trials


def stop_trials(points: Sequence[Point]) -> list[Trial]:
    return [Trial((Case(point, Fault.STOPPED),)) for point in points]


def _cases(point: Point, faults: Sequence[Fault]) -> Iterator[Case]:
    for fault in faults:
        if not (point.reads and fault in _NOT_OF_READS):
            yield Case(point, fault)


def batches(trials: Sequence[Trial]) -> Iterator[list[Trial]]:
    """Split into those that can be played side by side: each of the search loop is alone."""
    yield [trial for trial in trials if not trial.of_search_loop]
    for trial in trials:
        if trial.of_search_loop:
            yield [trial]


def rule_of(case: Case, contains: str, patience: float) -> Json:
    """Return the sandbox's rule for a case whose point is a call."""
    point, fault = case.point, case.fault
    rule: Json = {
        "vendor": point.vendor,
        "operation": point.operation,
        "contains": contains,
        "skip": point.nth,
        "seconds": _seconds(case, patience),
    }
    if fault in _OF_THE_ORDER:
        return rule | _OF_THE_ORDER[fault]
    if fault is Fault.NO:
        return rule | {"effect": _EFFECTS[fault]} | _NO[point.vendor]
    status = 451 if point.vendor == MAIL else 500
    return rule | {"effect": _EFFECTS[fault], "status": status}


def _seconds(case: Case, patience: float) -> float:
    if case.point.vendor == MAIL:
        patience = MAIL_SECONDS
    elif case.point.operation == "create_offer_request":
        patience = max(patience, SEARCH_SECONDS)
    match case.fault:
        case Fault.LATE:
            return patience + 2
        case Fault.STOPPED:
            return STOPPED_SECONDS
        case Fault.TIMEOUT_BEFORE | Fault.TIMEOUT_AFTER if case.point.vendor == MAIL:
            return patience + 2  # a mail server that is silent does not see that nobody waits
        case _:
            return SILENCE_SECONDS

"""The state machine that thinks schedules up. Hypothesis drives it, and shrinks with it.

It knows only what has been asked for so far, so that a schedule is data before it is played: many
can be played side by side, and a shorter one is played exactly as it reads.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.soak.places import PLACES, USUAL_PLACES
from tests.soak.steps import (
    Ask,
    Bank,
    Card,
    Clock,
    Create,
    Edit,
    Fare,
    Fault,
    GiveBack,
    Kill,
    Rest,
    Schedule,
    Step,
)

EXAMPLES = 200  # drawn at once; some are drawn twice, and some hold no wish
STEPS = 10  # at most
WISHES = 2  # of one traveller
FARES = (500, 400, 500, 507, 500, 515, 800)
BUDGETS = (2000, 2000, 2000, 505, 2000, 2000, 450)  # any fare; hardly the first one; less than that
BANK_CARD, NO_CARD = "pm_card_authenticationRequired", "pm_card_chargeCustomerFail"
CARDS = (
    "pm_card_visa", "pm_card_visa", "pm_card_pendingRefund", "pm_card_visa", "pm_card_visa",
    BANK_CARD, BANK_CARD, NO_CARD,
)  # fmt: skip
# Minutes. A proposal lapses after two hours, the bank's link and an order in doubt after one, a
# wish at its last flight. Clocks of calls that fail for days are a person's.
SPANS = {
    "campaign": (10, 130, 60 * 24 * 3, 60 * 24 * 340),
    "search": (10, 65, 60 * 7),
    "attempt": (1, 30, 70),
    "order": (1, 15, 60 * 7),
}
_again = st.booleans()
_modes = st.sampled_from(("auto", "auto", "ask_me_first"))
_attempts = st.sampled_from((1, 1, 1, 2))
# A place first, so that those with many effects do not crowd out the others; orders and money most.
_place = st.sampled_from((*USUAL_PLACES[:3] * 3, *USUAL_PLACES, *PLACES))
_fault = _place.flatmap(lambda p: st.tuples(st.just(p), st.sampled_from(PLACES[p][1])))
_troubles = st.lists(st.tuples(_fault, _attempts, st.integers(1, 3)), max_size=3)
# Seldom, for it is dear: it takes the servers ten seconds to notice that a worker has died.
_killed = st.sampled_from(
    [None] * 5 * len(USUAL_PLACES) + [(p, after) for p in USUAL_PLACES for after in (False, True)]
)


class ScheduleMachine(RuleBasedStateMachine):
    """Collects steps; what makes no sense to ask for is not asked for."""

    hand_over: Callable[[Schedule], object]

    wishes = Bundle("wishes")

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self.asked_first: set[int] = set()
        self.rested = False
        self.card = self.default = CARDS[0]
        self.at_bank = False
        self.fare = self.now_costs = FARES[0]

    @initialize(card=st.sampled_from(CARDS), fare=st.sampled_from(FARES))
    def begin(self, card: str, fare: int) -> None:
        self.card = self.default = card
        self.at_bank = card == BANK_CARD
        self.fare = self.now_costs = fare

    # What is to go wrong is drawn with the wish: set later it would mostly come too late.
    @precondition(lambda self: self._count(Create) < WISHES)
    @rule(
        target=wishes, mode=_modes, budget=st.sampled_from(BUDGETS), refundable=st.booleans(),
        again=_again, troubles=_troubles, stays=st.booleans(), killed=_killed,
    )  # fmt: skip
    def wish(
        self, mode: str, budget: int, *, refundable: bool, again: bool, stays: bool,
        troubles: list[tuple[tuple[str, str], int, int]], killed: tuple[str, bool] | None,
    ) -> int:  # fmt: skip
        wish = self._count(Create)
        if killed and not self._count(Kill):
            self.steps.append(Kill(wish, *killed))
        for at, attempt, times in troubles:
            self.steps.append(Fault(wish, *at, attempt, times))
        self.steps.append(Create(wish, mode, budget, refundable, again))
        self._first(wish, mode)
        if stays:
            self.rest(wish)
        return wish

    @rule(wish=wishes, mode=_modes, budget=st.sampled_from(BUDGETS), again=_again)
    def edit(self, wish: int, mode: str, budget: int, *, again: bool) -> None:
        self._first(wish, mode)
        self.steps.append(Edit(wish, mode, budget, again))

    @rule(wish=wishes, what=st.sampled_from(("resume", "pause", "resume", "cancel")), again=_again)
    def ask(self, wish: int, what: str, *, again: bool) -> None:
        self.steps.append(Ask(wish, what, again))

    @precondition(lambda self: self.asked_first and self.rested)
    @rule(wish=wishes, what=st.sampled_from(("approve", "approve", "reject")), again=_again)
    def answer(self, wish: int, what: str, *, again: bool) -> None:
        if wish in self.asked_first:
            self.steps.append(Ask(wish, what, again))

    @precondition(lambda self: not isinstance(self._last(), Rest))
    @rule(wish=wishes)
    def rest(self, wish: int) -> None:
        self.rested = True
        self.steps.append(Rest(wish))

    @rule(wish=wishes, fare=st.sampled_from(FARES), seen=st.booleans())
    def fare_changes(self, wish: int, fare: int, *, seen: bool) -> None:
        if fare == self.now_costs:
            return
        self.now_costs = fare
        self.steps.append(Fare(fare))
        if seen:
            self.steps.append(Clock(wish, "search", SPANS["search"][1]))

    @precondition(lambda self: self._count(Card) < WISHES)
    @rule(wish=wishes, token=st.sampled_from(CARDS))
    def card_changes(self, wish: int, token: str) -> None:
        if token != self.default:
            self.default = token
            self.at_bank |= token == BANK_CARD
            self.steps.append(Card(token))

    @rule(wish=wishes, what=st.sampled_from(sorted(SPANS)), span=st.integers(0, 3))
    def time_passes(self, wish: int, what: str, span: int) -> None:
        spans = SPANS[what]
        self.steps.append(Clock(wish, what, spans[span % len(spans)]))

    @precondition(lambda self: self.rested and self.at_bank and not isinstance(self._last(), Bank))
    @rule(wish=wishes, outcome=st.sampled_from(("approve", "fail")))
    def bank(self, wish: int, outcome: str) -> None:
        self.steps.append(Bank(wish, outcome))

    @precondition(lambda self: self.rested)
    @rule(wish=wishes, again=_again)
    def give_back(self, wish: int, *, again: bool) -> None:
        self.steps.append(GiveBack(wish, again))

    @rule(wish=wishes, at=_fault, attempt=_attempts, times=st.integers(1, 3))
    def trouble(self, wish: int, at: tuple[str, str], attempt: int, times: int) -> None:
        self.steps.append(Fault(wish, *at, attempt, times))

    @precondition(lambda self: not self._count(Kill))
    @rule(wish=wishes, chance=st.integers(0, 3))
    def kill_now(self, wish: int, chance: int) -> None:
        if chance == 3:
            self.steps.append(Kill(wish))

    def teardown(self) -> None:
        if self._count(Create):
            self.hand_over(Schedule(tuple(self.steps), self.card, self.fare))

    def _count(self, kind: type[Step]) -> int:
        return sum(isinstance(step, kind) for step in self.steps)

    def _last(self) -> Step | None:
        return self.steps[-1] if self.steps else None

    def _first(self, wish: int, mode: str) -> None:
        if mode == "ask_me_first":
            self.asked_first.add(wish)


def think_up(number: int, hand_over: Callable[[Schedule], object], *, shrink: bool = False) -> None:
    """Hand over schedules; the same number always gives the same ones.

    An exception of `hand_over` ends it: with `shrink` after smaller schedules were tried as well.
    """

    class Machine(ScheduleMachine):
        pass

    Machine.hand_over = staticmethod(hand_over)
    choices: dict[str, Any] = {
        "max_examples": EXAMPLES,
        "stateful_step_count": STEPS,
        "database": None,
        "deadline": None,
        "phases": [Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        "suppress_health_check": list(HealthCheck),
        "report_multiple_bugs": False,
        "print_blob": False,
    }
    test = seed(number)(Machine)
    run_state_machine_as_test(test, settings=settings(**choices))


def schedules(number: int) -> list[Schedule]:
    """Return different schedules: a hundred at least, mostly more."""
    found: dict[Schedule, None] = {}
    think_up(number, found.setdefault)
    # Hypothesis likes to vary what it drew just before: neighbours are much alike.
    every = list(found)
    return [each for first in range(3) for each in every[first::3]]

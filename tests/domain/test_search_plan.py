"""The search plan: who is looked at when, held against a simulated market."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.offers import Cabin, DatePair, Party
from domain.search_pace import COLDEST, HOTTEST, STEPS, first_turn, own_interval
from domain.search_plan import Budget, Known, Plan, Watch, plan_budgeted, plan_fixed
from domain.wishes import date_pairs

Planner = Callable[..., Plan]
START = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATE = date(2027, 10, 10)


def watch(key: str = "w", **changes: Any) -> Watch:
    facts = {
        "key": key,
        "campaigns": 1,
        "origins": ("NYC",),
        "destinations": ("LIS",),
        "departure_from": date(2027, 5, 1),
        "departure_until": date(2027, 5, 1),
        "nights_min": 7,
        "nights_max": 7,
        "budget_minor": 50_000,
        "currency": "USD",
        "since": START,
    }
    return Watch(**(facts | changes))


def wide(key: str = "w", **changes: Any) -> Watch:
    return watch(
        key, **({"departure_until": date(2027, 6, 30), "nights_min": 6, "nights_max": 10} | changes)
    )


def plan(
    watches: Sequence[Watch],
    known: Mapping[str, Known] | None = None,
    now: datetime = START,
    horizon: int = 331,
    k: int = 3,
    most: int = 100,
) -> Plan:
    return plan_budgeted(
        watches, known or {}, now=now, horizon_days=horizon, pairs_per_campaign=k, max_looks=most
    )


def fixed(
    watches: Sequence[Watch],
    known: Mapping[str, Known] | None = None,
    now: datetime = START,
    horizon: int = 331,
    k: int = 3,
    most: int = 100,
) -> Plan:
    return plan_fixed(
        watches, known or {}, now=now, horizon_days=horizon, pairs_per_campaign=k, max_looks=most
    )


def simulate(
    watches: Sequence[Watch],
    days: int,
    price: Callable[[DatePair, datetime], int],
    *,
    planner: Planner = plan,
    **options: Any,
):
    """Let the planner drive a year: returns how often each pair was looked at, and the rounds."""
    known: dict[str, Known] = {}
    looks: Counter[str] = Counter()
    now, rounds = START, 0
    while now < START + timedelta(days=days):
        rounds += 1
        round_plan = planner(watches, known, now, **options)
        for look in round_plan.looks:
            looks[look.pair.key] += 1
            known[look.pair.key] = Known(
                last_look_at=now,
                best_minor=price(look.pair, now),
                volatility=0.02,
                looks=looks[look.pair.key],
            )
        if round_plan.next_due_at is None:
            break
        assert round_plan.next_due_at >= now + timedelta(minutes=1)
        now = round_plan.next_due_at
    return looks, rounds


def test_looks_at_a_new_wish_at_once():
    (look,) = plan([watch()]).looks
    assert look.pair.key == "NYC-LIS:2027-05-01:2027-05-08:economy:1a0c0i"
    assert look.reason == "1 wish, never looked at, leaves in 161 days"


@pytest.mark.parametrize(
    ("made", "least", "most"),
    [
        (watch(departure_from=LATE, departure_until=LATE), 90, 200),
        (
            watch(departure_from=LATE, departure_until=LATE, nights_min=None, nights_max=None),
            90,
            200,
        ),
        (wide(), 300, 500),
        (wide(departure_from=LATE, departure_until=date(2027, 11, 9)), 100, 600),
    ],
)
def test_a_quiet_year_is_cheap_and_short(made: Watch, least: int, most: int):
    looks, rounds = simulate([made], 365, lambda _pair, _now: 60_000)
    assert least <= looks.total() <= most
    assert rounds <= most


def test_every_pair_of_a_wide_window_has_its_turn():
    looks, _ = simulate([wide()], 160, lambda _pair, _now: 60_000, k=6)
    assert len(looks) == 61 * 5
    assert max(looks.values()) <= 4


def test_a_hot_pair_does_not_starve_the_others():
    def price(pair: DatePair, _now: datetime):
        return 50_100 if pair.departs_on == date(2027, 5, 3) else 70_000

    looks, _ = simulate([wide(departure_until=date(2027, 5, 20))], 160, price, k=3)
    assert len(looks) == 20 * 5
    hot = sum(n for key, n in looks.items() if ":2027-05-03:" in key)
    assert hot > looks.total() / 2


def test_a_market_far_above_the_limit_costs_less_than_one_close_to_it():
    made = watch(departure_from=LATE, departure_until=LATE)
    far, _ = simulate([made], 200, lambda _pair, _now: 90_000)
    near, _ = simulate([made], 200, lambda _pair, _now: 50_500)
    assert near.total() > 5 * far.total()


def test_a_fare_within_the_limit_that_cannot_be_booked_does_not_burn_looks():
    looks, _ = simulate(
        [watch(departure_from=LATE, departure_until=LATE)], 300, lambda _pair, _now: 40_000
    )
    assert looks.total() <= 310


def test_a_close_fare_is_looked_at_hourly_and_a_far_one_every_three_days():
    for best, hours in ((50_050, 1), (80_000, 72), (None, 72)):
        known = {
            "NYC-LIS:2027-05-01:2027-05-08:economy:1a0c0i": Known(
                last_look_at=START, best_minor=best, volatility=0.02, looks=9
            )
        }
        waiting = plan([watch()], known, START + timedelta(minutes=1))
        assert waiting.looks == ()
        assert waiting.next_due_at == START + timedelta(hours=hours)
        assert len(plan([watch()], known, waiting.next_due_at).looks) == 1


def test_one_look_serves_all_wishes_for_the_pair():
    crowd = [watch(str(n), budget_minor=40_000 + n, campaigns=2) for n in range(50)]
    other = wide("other")
    (look,) = [p for p in plan([*crowd, other], k=500, most=500).looks if p.campaigns > 1]
    assert look.campaigns == 101
    assert look.reason.startswith("101 wishes")


def test_a_new_wish_gets_a_look_though_others_had_theirs():
    key = "NYC-LIS:2027-05-01:2027-05-08:economy:1a0c0i"
    known = {key: Known(last_look_at=START - timedelta(hours=5), best_minor=90_000, looks=9)}
    old = watch("old", since=START - timedelta(days=30))
    assert plan([old], known).looks == ()
    assert len(plan([old, watch("new")], known).looks) == 1
    fresh = {key: Known(last_look_at=START - timedelta(minutes=3), best_minor=90_000, looks=9)}
    assert plan([old, watch("new")], fresh).looks == ()


def test_sleeps_until_the_dates_are_on_sale():
    made = watch(departure_from=date(2027, 11, 1), departure_until=date(2027, 11, 3))
    sleeping = plan([made])
    opens = date(2027, 11, 8) - timedelta(days=331)
    assert sleeping.looks == ()
    assert sleeping.asleep == (("w", opens),)
    assert sleeping.next_due_at == datetime(opens.year, opens.month, opens.day, tzinfo=UTC)
    awake = plan([made], now=sleeping.next_due_at)
    assert [look.pair.departs_on for look in awake.looks] == [date(2027, 11, 1)]
    assert awake.asleep == ()


def test_a_window_that_opens_day_by_day_keeps_to_its_allowance():
    made = wide(departure_from=LATE, departure_until=date(2027, 11, 10))
    looks, _ = simulate([made], 40, lambda _pair, _now: 60_000)
    assert looks.total() <= 3 * 8 + 3 * 40 / 3 + 3


def test_nothing_to_watch_means_nothing_to_wake_for():
    past = watch(departure_from=date(2026, 1, 1), departure_until=START.date())
    nowhere = watch(destinations=("JFK",))
    reversed_window = watch(departure_until=date(2027, 4, 1))
    for watches in ([], [past], [nowhere], [reversed_window]):
        assert plan(watches) == Plan(looks=(), next_due_at=None)


def test_the_round_pays_for_no_more_than_it_may_and_the_rest_come_next():
    crowd = [
        watch(
            str(n), departure_from=date(2027, 5, n), departure_until=date(2027, 5, n), campaigns=n
        )
        for n in range(1, 21)
    ]
    first = plan(crowd, most=5)
    assert [look.campaigns for look in first.looks] == [20, 19, 18, 17, 16]
    assert first.shortfall == 15
    assert first.next_due_at == START + timedelta(minutes=1)
    assert plan(crowd, most=0).looks == ()


def test_reasons_are_in_plain_words():
    key = "NYC-LIS:2027-05-01:2027-05-08:economy:1a0c0i"

    def reason(now: datetime = START + timedelta(days=4), **facts: Any) -> str:
        known = {key: Known(last_look_at=now - timedelta(days=4), looks=9, **facts)}
        return plan([watch()], known, now).looks[0].reason

    assert reason(best_minor=51_000) == (
        "1 wish, the last fare was 10.00 USD above the highest limit, last look 4 days ago, "
        "leaves in 157 days"
    )
    assert "the last fare was within the limit" in reason(best_minor=50_000)
    assert "no fare found last time" in reason()
    assert "leaves tomorrow" in reason(datetime(2027, 4, 30, 12, tzinfo=UTC))


@settings(max_examples=60)
@given(
    watches=st.lists(
        st.builds(
            watch,
            key=st.text(min_size=1, max_size=3),
            campaigns=st.integers(1, 50),
            departure_from=st.dates(date(2026, 11, 1), date(2027, 3, 1)),
            departure_until=st.dates(date(2026, 12, 1), date(2027, 3, 20)),
            nights_min=st.just(3),
            nights_max=st.integers(3, 5),
            cabin=st.sampled_from(Cabin),
            party=st.sampled_from([Party(), Party(adults=2, infants=1)]),
            budget_minor=st.integers(1, 90_000),
        ),
        max_size=5,
    ),
    best=st.none() | st.integers(1, 90_000),
    ages=st.integers(0, 500),
    k=st.integers(1, 6),
    most=st.integers(0, 12),
    planner=st.sampled_from([plan, fixed]),
)
def test_every_plan_keeps_the_rules(
    make: Any,
    watches: Sequence[Watch],
    best: int | None,
    ages: int,
    k: int,
    most: int,
    planner: Planner,
):
    seen = planner(watches, k=50, most=50).looks
    known = {
        look.pair.key: Known(last_look_at=START - timedelta(hours=ages), best_minor=best, looks=5)
        for look in seen[::2]
    }
    found = planner(watches, known, k=k, most=most)
    keys = [look.pair.key for look in found.looks]
    assert len(keys) == len(set(keys)) <= most
    weights = [look.weight for look in found.looks]
    assert weights == sorted(weights, reverse=True)
    wanted: Counter[str] = Counter()
    for made in watches:
        wish = make.wish(
            **{
                name: getattr(made, name)
                for name in (
                    "departure_from",
                    "departure_until",
                    "nights_min",
                    "nights_max",
                    "cabin",
                )
            }
        )
        for pair in date_pairs(wish, made.party, today=START.date(), horizon_days=331):
            wanted[pair.key] += made.campaigns
    for look in found.looks:
        assert look.campaigns == wanted[look.pair.key]
        assert look.reason
    if found.looks or found.shortfall:
        assert found.next_due_at is not None
    if found.next_due_at is not None:
        assert found.next_due_at >= START + timedelta(minutes=1)
    assert planner(watches, known, k=k, most=most) == found


# The fixed mode


def test_the_fixed_mode_looks_every_ten_minutes():
    looks, rounds = simulate([watch()], 1, lambda _pair, _now: 60_000, planner=fixed)
    assert looks.total() == rounds == 144


def test_the_fixed_mode_takes_turns_in_a_wide_window():
    looks, _ = simulate([wide()], 1, lambda _pair, _now: 60_000, planner=fixed, k=3)
    assert 3 * 144 - 6 <= looks.total() <= 3 * 144 + 6
    assert len(looks) == 61 * 5
    assert max(looks.values()) <= 2


def test_the_fixed_mode_says_what_it_could_not_serve():
    crowd = [
        watch(str(n), departure_from=date(2027, 5, n), departure_until=date(2027, 5, n))
        for n in range(1, 21)
    ]
    short = fixed(crowd, most=8)
    assert (len(short.looks), short.shortfall) == (8, 12)
    assert fixed(crowd, most=20).shortfall == 0


# Pace and budget


@given(
    best=st.none() | st.integers(1, 10**7),
    change=st.floats(0.001, 0.5),
    limit=st.integers(1, 10**7),
    days=st.integers(-1, 400),
)
def test_paces_lie_between_an_hour_and_three_days(
    best: int | None, change: float, limit: int, days: int
):
    assert own_interval(best, change, limit, days) in STEPS
    assert HOTTEST <= own_interval(best, change, limit, days) <= COLDEST


@given(st.integers(10_001, 20_000), st.integers(0, 5_000), st.integers(0, 400))
def test_a_price_farther_away_is_never_looked_at_more_often(best: int | None, more: int, days: int):
    near, far = (own_interval(price, 0.02, 10_000, days) for price in (best, best + more))
    assert near <= far


@given(st.integers(0, 300), st.sampled_from(STEPS))
def test_first_turns_come_one_after_the_other(check: int, interval: float):
    assert first_turn(check, interval) < first_turn(check + 1, interval)


def test_the_budget_is_what_is_left_of_quota_and_ratio():
    assert Budget(looks_per_minute=108).looks_for(timedelta(minutes=1)) == 108
    assert Budget(looks_per_minute=108).looks_for(timedelta(seconds=30)) == 54
    assert Budget(looks_per_minute=108, looks_left=7).looks_for(timedelta(minutes=1)) == 7
    assert Budget(looks_per_minute=108, looks_left=-3).looks_for(timedelta(minutes=1)) == 0
    assert Budget(looks_per_minute=60, looks_left=1500).words == (
        "at most 60 looks a minute, 1,500 left without extra cost"
    )
    assert Budget(looks_per_minute=60).words == "at most 60 looks a minute"


def test_ten_thousand_wishes_make_one_look_a_pair():
    crowd = [
        watch(
            str(n),
            departure_from=date(2027, 3, 1) + timedelta(days=n % 200),
            departure_until=date(2027, 3, 1) + timedelta(days=n % 200),
            budget_minor=40_000 + n,
        )
        for n in range(10_000)
    ]
    found = plan(crowd, most=500)
    assert len(found.looks) == 200
    assert {look.campaigns for look in found.looks} == {50}

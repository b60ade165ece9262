"""How long a booking takes from the decision to the money taken, with providers as slow as real."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import select

from benchmarks.installation import SERVERS, Inside, inside, installation
from benchmarks.people import BENCH
from benchmarks.result import Figure, Result, percentile
from benchmarks.saga_runners import side_by_side, temporal
from benchmarks.saga_steps import ready_to_book
from cli.stack import Stack
from db.models import AttemptRow
from db.queries.booking_time import booking_time

WISHES, QUICK_WISHES = 60, 2
SIDE_BY_SIDE = 6
TARGET_SECONDS = 30
SEED = 118
CALLS = 2  # of one kind in a booking, at the most
MARKET = ("JFK", "LIS")
# Seconds: least, most, likeliest. Behind the seller's calls an airline is asked.
_STRIPE = (0.5, 1.5, 0.8)
LATENCY = {
    ("duffel", "create_offer_request"): (3.0, 8.0, 5.0),
    ("duffel", "get_offer"): (0.5, 2.0, 1.0),
    ("duffel", "create_order"): (5.0, 15.0, 8.0),
    ("stripe", "list_payment_intents"): _STRIPE,
    ("stripe", "create_payment_intent"): _STRIPE,
    ("stripe", "get_payment_intent"): _STRIPE,
    ("stripe", "confirm_payment_intent"): _STRIPE,
    ("stripe", "capture_payment_intent"): _STRIPE,
}


def run(*, quick: bool = False) -> dict[str, Any]:
    wishes = QUICK_WISHES if quick else WISHES
    with installation(SERVERS) as stack:
        took = asyncio.run(_book(stack, wishes))
    return _result([each.total_seconds() for each in took]).as_dict()


async def _book(stack: Stack, wishes: int) -> list[timedelta]:
    async with inside(stack) as house:
        jobs = await ready_to_book(house, wishes, MARKET)
        if len(jobs) < wishes:
            raise RuntimeError("the look matched too few campaigns")
        await _slow_down(stack, wishes)
        async with temporal(house, jobs) as book:
            await side_by_side(book, jobs, SIDE_BY_SIDE)
        return await _times(house)


async def _slow_down(stack: Stack, wishes: int) -> None:
    """Let every call wait as long as was drawn for it; calls beyond those wait the longest."""
    drawn = random.Random(SEED)
    headers = {"X-Sandbox-Control": stack.sandbox_control_token}
    async with httpx.AsyncClient(base_url=stack.sandbox_url, headers=headers) as http:
        for (vendor, operation), (least, most, likeliest) in LATENCY.items():
            delays = [(drawn.triangular(least, most, likeliest), 1) for _ in range(CALLS * wishes)]
            for seconds, times in (*delays, (most, None)):
                rule = {"vendor": vendor, "operation": operation, "effect": "delay"}
                answer = await http.post(
                    "/_control/faults", json=rule | {"seconds": seconds, "times": times}
                )
                answer.raise_for_status()


async def _times(house: Inside) -> list[timedelta]:
    """Return what the histogram of a running installation counts."""
    async with house.database.transaction(BENCH) as session:
        attempts = await session.scalars(select(AttemptRow))
        times = [await booking_time(session, attempt) for attempt in attempts]
    return [time for time in times if time is not None]


def _result(seconds: list[float]) -> Result:
    def figure(name: str, part: float) -> Figure:
        value = round(percentile(seconds, part), 1)
        return Figure(f"decision to money taken, {name}", value, "s", at_most=TARGET_SECONDS)

    within = sum(1 for each in seconds if each <= TARGET_SECONDS) / len(seconds)
    return Result(
        name="completion",
        title="A booking, with providers as slow as real",
        sizes={"wishes": len(seconds), "side_by_side": SIDE_BY_SIDE, "seed": SEED},
        figures=(
            figure("median", 0.5),
            figure("p95", 0.95),
            Figure("the slowest", round(max(seconds), 1), "s"),
            Figure(f"within {TARGET_SECONDS} s", round(100 * within, 1), "%"),
        ),
        notes=(
            (
                "Each call of the sandboxes waits as long as was drawn for it, from the same seed "
                f"each time: {_ranges()}."
            ),
            (
                "The seconds are those that a running worker tells Prometheus, from the same rows; "
                "waits for a traveller's bank would not count, and there are none here."
            ),
        ),
    )


def _ranges() -> str:
    spans = {
        operation: f"{least:g} to {most:g} s"
        for (vendor, operation), (least, most, _) in LATENCY.items()
        if vendor == "duffel"
    }
    told = [f"{name.replace('_', ' ')} {span}" for name, span in spans.items()]
    return f"{', '.join(told)}, every call of Stripe {_STRIPE[0]:g} to {_STRIPE[1]:g} s"

"""The console's figures, held against the providers' own ledgers and against our rows."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from cli.invariants import Rows
from db.models.operator_task import TaskState
from db.models.provider_call import CallState
from db.queries.console.books import books, unmatched
from db.queries.console.health import count_stuck, open_calls, open_tasks, provider_figures
from db.session import OPERATOR_ROLE, Database, SystemActor
from domain.attempts import LIVE
from domain.money import Money

_EVER = datetime(2000, 1, 1, tzinfo=UTC)
_LATER = datetime(2100, 1, 1, tzinfo=UTC)
_OPEN = {CallState.SENT, CallState.UNKNOWN}
_MOST = 10_000


async def console_against(ledger: dict[str, Any], rows: Rows, database_url: str) -> list[str]:
    """Return every figure of the console that says something else than the ledgers.

    Read as the console reads: under the operators' own role, which sees nobody's rows whole.
    """
    database = Database(database_url, role=OPERATOR_ROLE, pool_size=1)
    try:
        async with database.transaction(SystemActor("tests")) as session:
            shown = {one.currency: one for one in await books(session)}
            gaps = {str(one.campaign_id): one for one in await unmatched(session, _MOST)}
            providers = {one.provider: one for one in await provider_figures(session, _EVER)}
            counted = {
                "open tasks": (await open_tasks(session))[0],
                "calls without an answer": await open_calls(session, _LATER),
                "stuck attempts": await count_stuck(session, _LATER, patience=timedelta(0)),
            }
    finally:
        await database.close()
    so = {
        "open tasks": sum(task.state is TaskState.OPEN for task in rows.tasks),
        "calls without an answer": sum(call.state in _OPEN for call in rows.calls),
        "stuck attempts": sum(attempt.state in LIVE for attempt in rows.attempts),
    }
    wrong = [
        f"{name}: {counted[name]} shown, {n} are" for name, n in so.items() if counted[name] != n
    ]
    calls = Counter(call.provider for call in rows.calls)
    shown_calls = {name: one.calls for name, one in providers.items()}
    if shown_calls != calls:
        wrong.append(f"calls: {shown_calls} shown, {dict(calls)} are")
    return [*wrong, *_money(ledger, shown), *_gaps(ledger, rows, gaps)]


def _money(ledger: dict[str, Any], shown: dict[str, Any]) -> list[str]:
    """Hold what was taken and given back against the processor's own books."""
    stripe = ledger["stripe"]
    taken: Counter[str] = Counter()
    given: Counter[str] = Counter()
    for intent in stripe["payment_intents"]:
        taken[intent["currency"].upper()] += intent["amount_received"]
    for refund in stripe["refunds"]:
        if refund["status"] == "succeeded":
            given[refund["currency"].upper()] += refund["amount"]
    wrong = []
    for currency in {*taken, *given, *shown}:
        one = shown.get(currency)
        ours = (one.taken_minor, one.given_minor) if one else (0, 0)
        if ours != (taken[currency], given[currency]):
            theirs = (taken[currency], given[currency])
            wrong.append(f"{currency} taken and given: {ours} shown, {theirs} at the processor")
    return wrong


def _gaps(ledger: dict[str, Any], rows: Rows, gaps: dict[str, Any]) -> list[str]:
    """Every wish whose money and seats differ at the providers is shown, and no other."""
    kept: dict[str, int] = defaultdict(int)
    of_intent = {}
    for intent in ledger["stripe"]["payment_intents"]:
        key = _campaign(intent)
        of_intent[intent["id"]] = key
        kept[key] += intent["amount_received"]
    for refund in ledger["stripe"]["refunds"]:
        if refund["status"] == "succeeded":
            kept[of_intent[refund["payment_intent"]]] -= refund["amount"]
    for order in ledger["duffel"]["orders"]:
        if order["status"] in {"live", "pending"}:
            kept[_campaign(order)] -= _minor(order["total_amount"], order["currency"])
    for booking in rows.bookings:
        kept[str(booking.campaign_id)] -= booking.penalty_minor
    # What a person was asked about is known to differ, or has no row of ours.
    asked = {str(task.campaign_id) for task in rows.tasks}
    differ = {key for key, minor in kept.items() if key and minor}
    return [f"wish {key} differs: shown or not" for key in (differ ^ set(gaps)) - asked]


def _campaign(row: dict[str, Any]) -> str:
    return str((row.get("metadata") or {}).get("campaign_id") or "")


def _minor(amount: str, currency: str) -> int:
    return Money.parse(Decimal(amount), currency.upper()).minor

"""The run that clears away, on the console: what it removed, what it did not, when it is due."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from browsing import Site

from api.services import TemporalLink
from api.web.admin.schedules import Scheduled, read_schedule
from db.queries.audit import write_down
from db.session import Database, SystemActor
from domain.audit import Action, Entry
from domain.messages.retention import RETENTION_ID
from domain.retention import Sweep
from runtime.clock import system_now
from runtime.temporal import connect
from workflows.schedules import ensure_retention

PAGE = "/admin/retention"
HOUR = timedelta(hours=1)


async def ran(database: Database, at: datetime, kinds: Iterable[Sweep], removed: int) -> None:
    """Write down a run as its steps do, one kind after the other."""
    run = str(uuid4())
    async with database.transaction(SystemActor("tests")) as session:
        for kind in kinds:
            facts = {"kind": kind.value, "removed": removed}
            await write_down(
                session, Entry(Action.RETENTION_RAN, "retention", run, after=facts), at
            )


async def gauge(site: Site) -> str:
    shown = await site.get("/admin")
    [found] = [one for one in shown.soup.select(".gauge") if "Retention run" in one.get_text()]
    return " ".join(found.get_text(" ").split())


async def test_each_nights_run_is_shown_with_what_it_did_not_get_done(
    support: Site, make_operator: Any, database: Database
) -> None:
    fresh = await support.get(PAGE)
    assert "It has not run yet; it runs every night" in fresh.text
    assert "Temporal does not answer, so nobody knows when the next run is." in fresh.text
    assert "not done" not in fresh.text
    assert "not yet" in await gauge(support)

    now = system_now()
    await ran(database, now - 29 * HOUR, Sweep, 2)
    await ran(database, now - 5 * HOUR, (Sweep.PRICES, Sweep.OFFERS), 7)
    shown = await support.get(PAGE)
    assert "The last run was 5 hours ago and removed 14 rows." in shown.text
    missing = len(Sweep) - 2
    assert f"It did not get {missing} kinds done" in shown.text
    assert shown.text.count("not done") == missing
    last, before = shown.soup.select("table")
    assert "Messages that were sent to you 400 days deleted" in " ".join(last.get_text(" ").split())
    assert "2 sessions" in before.get_text()
    assert f"{missing} kinds not done" in await gauge(support)

    # One that has just cleared something may be clearing on.
    await ran(database, now - timedelta(minutes=2), (Sweep.PRICES,), 1)
    under_way = await support.get(PAGE)
    assert "It is under way: 1 row removed so far" in under_way.text
    assert "not done" not in under_way.text.partition("The nights before")[0]
    assert (await (await make_operator("sales")).get(PAGE)).status == 403


async def test_nights_that_were_missed_want_somebody(admin: Site, database: Database) -> None:
    await ran(database, system_now() - 50 * HOUR, Sweep, 1)
    assert "Nights were missed since" in (await admin.get(PAGE)).text
    assert "2 days ago" in await gauge(admin)
    assert "retention run: 2 days ago" in (await admin.get("/admin")).text


async def test_the_next_run_is_what_temporal_says(
    make_settings: Any, temporal_variables: dict[str, str]
) -> None:
    settings = make_settings(**temporal_variables)
    temporal, client = TemporalLink(settings), await connect(settings)
    assert await read_schedule(temporal, RETENTION_ID) == Scheduled(known=False)
    await ensure_retention(client)
    seen = await read_schedule(temporal, RETENTION_ID)
    assert seen is not None
    assert seen.next_at is not None
    assert (seen.next_at.hour, seen.next_at.minute) == (3, 7)
    assert not seen.paused
    await client.get_schedule_handle(RETENTION_ID).pause()
    paused = await read_schedule(temporal, RETENTION_ID)
    assert paused is not None
    assert paused.paused
    away = TemporalLink(make_settings())
    assert await read_schedule(away, RETENTION_ID) is None

"""A person's own data: seen, taken along, asked to be erased. Temporal is away in these."""

import io
import json
import zipfile
from datetime import timedelta
from typing import Any

from belongings import give_belongings
from browsing import Site
from sqlalchemy import text

from db.reads import Look, looking_at
from db.session import Database, SystemActor
from db.vault import vault_of
from runtime.clock import system_now

_TESTS = SystemActor("tests")
_HERE = "/account/privacy"


async def _step_down(database: Database) -> None:
    async with database.transaction(_TESTS) as session:
        await session.execute(text("UPDATE web_sessions SET stepped_up_at = NULL"))


async def test_the_page_says_what_is_held_and_who_looked_and_why(
    pages: Site, other_pages: Site, database: Any, settings: Any, ana: Any, traveler_body: Any
) -> None:
    await ana.http.post("/api/autobooking/traveler", json=traveler_body)
    shown = await pages.get(_HERE)
    assert "1 traveller with 1 document" in shown.text
    assert "0 wishes" in shown.text
    assert "Nobody of us has looked at your data" in shown.text
    assert "Backups are kept for 35 days" in shown.text

    operators = Database(settings.database_url, role="parker_operator", pool_size=1)
    look, now = Look("eve", "travellers", "Ana asked on the phone"), system_now()
    async with looking_at(operators, vault_of(settings), ana.user_id, look, now) as session:
        assert await session.scalar(text("SELECT count(*) FROM travelers")) == 1
    await operators.close()
    shown = await pages.get(_HERE)
    assert "eve travellers Ana asked on the phone" in shown.text
    assert "Nobody of us has looked" in (await other_pages.get(_HERE)).text
    answer = (await ana.http.get("/api/v1/account/privacy")).json()
    assert [read["why"] for read in answer["looked"]] == ["Ana asked on the phone"]
    assert answer["held"]["travellers"] == {
        "travelers": 1,
        "traveler_documents": 1,
        "traveler_files": 0,
    }


async def test_everything_comes_in_one_file_after_a_second_factor(
    pages: Site, database: Any, settings: Any, ana: Any, ben: Any, traveler_body: Any
) -> None:
    await ana.http.post("/api/autobooking/traveler", json=traveler_body)
    vault = vault_of(settings)
    own = await give_belongings(database, vault, ana.user_id, system_now())
    theirs = await give_belongings(database, vault, ben.user_id, system_now())
    async with database.transaction(_TESTS) as session:
        row_id = own.booking_id
        raw = await vault.seal(
            session, ana.user_id, '{"id": "ord_1"}',
            table="bookings", column="raw_order", row_id=row_id, subject=row_id,
        )  # fmt: skip
        await session.execute(
            text("UPDATE bookings SET raw_order_encrypted = :raw WHERE id = :id"),
            {"raw": raw, "id": row_id},
        )
    address = f"{pages.url}{_HERE}/export"
    cookie = {"Cookie": "; ".join(f"{k}={v}" for k, v in pages.jar.items())}
    answer = await pages.http.get(address, headers=cookie)
    assert answer.headers["content-type"] == "application/zip"
    assert "attachment" in answer.headers["content-disposition"]
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    names = archive.namelist()
    account = json.loads(archive.read("account.json"))
    assert account["users"][0]["email"] == ana.email
    travellers = json.loads(archive.read("travellers.json"))
    assert any(t["family_name"] == "Souza" for t in travellers["travelers"])
    assert any(d["number"] == "CA123456" for d in travellers["traveler_documents"])
    wishes = json.loads(archive.read("wishes.json"))
    assert [w["id"] for w in wishes["autobooking_campaigns"]] == [str(own.campaign_id)]
    assert f"orders/{own.booking_id}.json" in names
    assert any(name.startswith("documents/") for name in names)
    (scan,) = [name for name in names if name.endswith(" passport.pdf")]
    assert scan.startswith(f"documents/{own.traveler_id}/")
    assert archive.read(scan) == b"%PDF-"
    assert travellers["traveler_files"][0]["name"] == "passport.pdf"
    everything = b"".join(archive.read(name) for name in names)
    for secret in (b"_hash", b"_hmac", b"_encrypted", str(theirs.campaign_id).encode()):
        assert secret not in everything

    same = await ana.http.post("/api/v1/account/export")
    assert same.json()["travellers"] == travellers
    await _step_down(database)
    turned = await pages.get(f"{_HERE}/export", follow=False)
    assert turned.headers["location"].startswith("/step-up?next=")


async def test_erasing_is_asked_for_with_a_tick_shown_with_its_day_and_told(
    pages: Site, database: Any, ana: Any
) -> None:
    page = await pages.get(f"{_HERE}/erase")
    assert "We begin in 7 days" in page.text
    assert "Receipts your e-mail address, the booking reference" in page.text
    refused = await pages.submit(page)
    assert refused.status == 422
    assert refused.problems() == ["Tick the box: this cannot be undone once it has begun."]
    done = await pages.submit(refused, {"agreed": "yes"})
    assert done.path == _HERE
    assert "Your account is to be erased" in done.text
    async with database.transaction(_TESTS) as session:
        (row,) = (await session.execute(text("SELECT * FROM erasures"))).mappings().all()
        told = await session.scalars(text("SELECT event FROM notices ORDER BY 1"))
        assert set(told) == {"erasure_asked"}
    assert (row["user_id"], row["state"], row["traveler_id"]) == (ana.user_id, "asked", None)
    assert row["due_at"] - row["asked_at"] == timedelta(days=7)
    # Asked twice, it is asked once.
    await pages.submit(f"{_HERE}/erase", {"agreed": "yes"})
    async with database.transaction(_TESTS) as session:
        assert await session.scalar(text("SELECT count(*) FROM erasures")) == 1
    # The engine is away: nobody claims that it was taken back.
    away = await pages.submit(done, action=f"{_HERE}/erasures/{row['id']}/withdraw")
    assert away.status == 503


async def test_what_is_live_stands_in_the_way_with_its_day(
    pages: Site, other_pages: Site, database: Any, settings: Any, ana: Any, traveler_body: Any
) -> None:
    traveler = (await ana.http.post("/api/autobooking/traveler", json=traveler_body)).json()
    await give_belongings(database, vault_of(settings), ana.user_id, system_now())
    shown = await pages.get(f"{_HERE}/erase")
    assert "We cannot erase your account yet" in shown.text
    assert "a trip has not ended" in shown.text
    assert not shown.soup.find("main").find("form")  # type: ignore[union-attr]
    # A traveller of no trip may go.
    path = f"{_HERE}/travelers/{traveler['id']}/erase"
    page = await pages.get(path)
    assert "Everything we hold about" in page.text
    assert (await other_pages.get(path)).status == 404
    done = await pages.submit(page, {"agreed": "yes"})
    assert "is to be erased" in done.text
    await _step_down(database)
    asked = await pages.submit(page, {"agreed": "yes"}, follow=False)
    assert asked.headers["location"].startswith("/step-up")

"""Cards and passports that expire are told of once a mark, by mail and in the wish's own story."""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from activity_desk import Desk
from house import TESTS
from sqlalchemy import text

from db.queries.travelers import add_traveler
from domain.cards import valid_until
from domain.ids import TravelerId, UserId
from domain.messages.papers import Papers, PapersInput, PapersSeen
from domain.travelers import TravelerDetails, TravelerDocument
from runtime.clock import system_now


async def look(desk: Desk, after: timedelta = timedelta(0)) -> int:
    """Look through everything, as the keeper does."""
    page: PapersInput | None = PapersInput()
    warned = 0
    while page is not None:
        seen: PapersSeen = await desk.take(desk.all.papers.warn_of_expiry, page, after=after)
        warned, page = warned + seen.warned, seen.next
    return warned


async def expires(desk: Desk, user: UserId, year: int, month: int) -> None:
    async with desk.house.database.transaction(TESTS) as session:
        await session.execute(
            text("UPDATE payment_methods SET exp_year = :y, exp_month = :m WHERE user_id = :u"),
            {"y": year, "m": month, "u": user},
        )


async def notices(desk: Desk, event: str) -> list[Any]:
    query = (
        "SELECT data FROM notices WHERE event = :event AND channel = 'email' ORDER BY created_at"
    )
    return [row["data"] for row in await desk.house.rows(query, event=event)]


async def test_a_card_is_told_of_at_each_mark_and_once(desk: Desk) -> None:
    new = await desk.wish()
    user, today = new.owner_id, system_now().date()
    far = today + timedelta(days=200)
    await expires(desk, user, far.year, far.month)
    ends = valid_until(far.year, far.month)
    assert await look(desk) == 0
    for days, told in ((61, 0), (60, 1), (59, 0), (29, 1), (3, 1), (2, 0), (-1, 1), (-2, 0)):
        assert await look(desk, ends - timedelta(days=days) - today) == told, days
    found = await notices(desk, "card_expiring")
    assert [data["days_left"] for data in found] == [60, 29, 3, -1]
    assert [data["wishes"] for data in found] == [1, 1, 1, 1]
    kinds = await desk.house.events(new.campaign_id)
    assert kinds.count("card.expiring") == 4
    await desk.take(desk.all.notices.send_personal_notices, user)
    mails = desk.house.sandbox.ledger()["mail"]["messages"]
    assert len(mails) == 4


async def test_a_spare_card_that_nothing_hangs_on_is_no_news(desk: Desk) -> None:
    user = await desk.house.user()
    await desk.house.card(user)
    today = system_now().date()
    await expires(desk, user, today.year, today.month)
    assert await look(desk) == 1  # the default
    async with desk.house.database.transaction(TESTS) as session:
        await session.execute(text("UPDATE payment_methods SET is_default = false"))
        await session.execute(text("DELETE FROM notices"))
    assert await look(desk) == 0


async def test_a_passport_is_told_of_and_its_date_stays_sealed(desk: Desk) -> None:
    user, today = await desk.house.user(), system_now().date()
    ends = today + timedelta(days=45)
    await traveler(desk, user, ends)
    await traveler(desk, user, today + timedelta(days=4000))
    assert await look(desk) == 1
    assert await look(desk) == 0
    (data,) = await notices(desk, "passport_expiring")
    assert ends.isoformat() not in str(data)
    await desk.take(desk.all.notices.send_personal_notices, user)
    (mail,) = desk.house.sandbox.ledger()["mail"]["messages"]
    assert "passport" in mail["subject"]
    page = PapersInput(papers=Papers.PASSPORTS)
    seen = await desk.take(desk.all.papers.warn_of_expiry, page, after=timedelta(days=20))
    assert (seen.warned, seen.next) == (1, None)


async def traveler(desk: Desk, user: UserId, ends: date) -> None:
    details = TravelerDetails(
        given_name="Ada", family_name="Lovelace", born_on=date(1990, 5, 17), gender="f",
        title="ms", email="ada@example.com", phone="+442080160508",
        documents=(
            TravelerDocument(
                kind="passport", number="CA123456", issuing_country="PT", expires_on=ends
            ),
        ),
    )  # fmt: skip
    traveler_id = TravelerId(uuid4())
    async with desk.house.database.transaction(TESTS) as session:
        sealed = await desk.house.vault.seal_traveler(
            session, user, traveler_id, details, system_now(), label="Ada"
        )
        await add_traveler(session, sealed.traveler, sealed.documents)

"""The list of wishes and the page of one: in words, in figures, and in every state."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from belongings import give_traveler
from browsing import Site
from watched import Watched, usd

from api.web.views.wish_card import CHIPS
from db.models.campaign import CampaignRow
from db.models.mandate_use import MandateUseRow
from db.models.payment import PaymentRow
from db.models.payment_method import PaymentMethodStatus
from db.queries.fares import add_fares
from db.queries.mandates import mandates_of
from db.queries.switches import stop_booking
from db.queries.transitions import change_state
from db.session import Database, SystemActor
from db.vault import vault_of
from domain.attempts import AttemptState, FailureReason
from domain.campaigns import BookingMode, CampaignState
from domain.display import StatusCode
from domain.explanations import NOTHING_READ
from domain.matching import Unread
from domain.offers import BagService, Party
from domain.orders import BookingState
from domain.payments import PaymentState
from runtime.clock import system_now

TESTS = SystemActor("tests")
S, A = CampaignState, AttemptState


@pytest.fixture
async def making(database: Database, ana: Any) -> Any:
    """Return a way to make what Ana's pages show."""

    def make() -> Any:
        return _Made(database, ana.user_id)

    return make


class _Made:
    def __init__(self, database: Database, owner: Any) -> None:
        self._transaction = database.transaction(TESTS)
        self._owner = owner

    async def __aenter__(self) -> Watched:
        return Watched(await self._transaction.__aenter__(), self._owner, system_now())

    async def __aexit__(self, *error: object) -> None:
        await self._transaction.__aexit__(*error)


async def test_nobody_yet_has_one_thing_to_do(pages: Site) -> None:
    shown = await pages.get("/auto-booking/dashboard")
    assert shown.status == 200
    assert "No wishes yet" in shown.text
    assert [a["href"] for a in shown.soup.select("main .btn.main")] == ["/auto-booking/new"]
    assert "live.mjs" not in shown.html


async def test_the_list_says_who_needs_whom_and_what_fares_do(
    pages: Site, other_pages: Site, making: Any
) -> None:
    async with making() as make:
        card = await make.card(exp_month=1, exp_year=make.now.year + 1)
        watching = await make.campaign()
        fares = [
            make.fare(watching, make.now - timedelta(days=n), 111_800 + n * 700) for n in range(20)
        ]
        for fare in fares:
            await add_fares(make.session, [fare])
        asked = await make.campaign(make.wish(destinations=("OPO",)), mode=BookingMode.ASK_ME_FIRST)
        await make.proposal(asked, make.offer("987.00"))
        await change_state(make.session, asked, S.AWAITING_APPROVAL, now=make.now, event="x")
        paused = await make.campaign(make.wish(destinations=("MAD",)), name="Madrid at last")
        await change_state(make.session, paused, S.PAUSED, now=make.now, event="x")
        ended = await make.campaign(make.wish(destinations=("ROM",)))
        await change_state(make.session, ended, S.CANCELLED, now=make.now, event="x")
    shown = await pages.get("/auto-booking/dashboard")
    assert [h.get_text() for h in shown.soup.select("main h2")] == [
        "Needs you", "Watching", "Paused", "Ended",
    ]  # fmt: skip
    assert "1 wish needs you; 1 other watched." in shown.text
    assert "We found flights for 987 USD that satisfy your wish." in shown.text
    filled = shown.soup.select("main .btn.main")
    assert [a.get_text() for a in filled] == ["See the flights for 987 USD"]
    one = shown.soup.select_one(f"#wish-{watching.id}")
    assert one is not None
    words = " ".join(one.get_text(" ").split())
    assert "New York → Lisbon" in words
    assert "in May or June" in words
    assert "1,118 USD 78 above your budget of 1,040" in words
    assert "Last look" in words
    assert "expires in 01/" in words, "the card runs out before the wish does"
    assert one.select_one("svg.spark[aria-label*='between 1,118 and']") is not None
    assert one.select_one(".chip") is not None
    assert "Looks 20" in shown.text
    assert "1 falling" in shown.text
    assert card.last4 in words

    paused_only = await pages.get("/auto-booking/dashboard?show=paused")
    assert [h.get_text() for h in paused_only.soup.select("main h3")] == ["New York → Madrid"]
    none = await pages.get("/auto-booking/dashboard?show=ended&q=nothing")
    assert "None of your wishes stands like that" in none.text
    found = await pages.get("/auto-booking/dashboard?q=at+last")
    assert len(found.soup.select("li.wish")) == 1
    assert (await pages.get("/auto-booking/dashboard?page=0")).status == 422
    theirs = await other_pages.get("/auto-booking/dashboard")
    assert "No wishes yet" in theirs.text


async def test_a_long_list_has_pages(pages: Site, making: Any) -> None:
    async with making() as make:
        await make.card()
        for _ in range(23):
            await make.campaign()
    first = await pages.get("/auto-booking/dashboard")
    assert len(first.soup.select("li.wish")) == 20
    following = first.soup.select_one("a[rel=next]")
    assert following is not None
    second = await pages.get(str(following["href"]))
    assert len(second.soup.select("li.wish")) == 3
    assert second.soup.select_one("a[rel=next]") is None


async def test_a_wish_says_why_nothing_is_booked_and_what_would_have_booked_it(
    pages: Site, other_pages: Site, making: Any
) -> None:
    async with making() as make:
        await make.card()
        bag = BagService(
            service_id="b", price=usd("80"), maximum_quantity=1, passenger_ref="1"
        )  # fmt: skip
        wish = await make.campaign(make.wish(max_connections=0))
        for n in range(2, 31):
            await add_fares(
                make.session, [make.fare(wish, make.now - timedelta(days=n), 110_000 + n * 500)]
            )
        offers = [
            make.offer("1118.00", "204"),
            make.offer("1064.00", "625", stop="MAD"),
            make.offer("990.00", "300", stop="MAD", bag_services=(bag,)),
            make.offer("4118.00", "900"),
        ]
        await make.look(wish, offers)
    path = f"/auto-booking/wishes/{wish.id}"
    shown = await pages.get(path)
    assert shown.status == 200
    text = shown.text
    assert "New York → Lisbon, in May or June" in text
    assert "The best fare today is 1,118 USD, 78 above what you allow." in text
    assert "TAP Air Portugal 204 / 2049, non-stop, 12 to 20 May" in text
    assert "6 to 10 nights, 2 adults, economy, at most 1,040 USD in all" in text
    assert "Nothing was booked, nothing is held." in text
    rows = [" ".join(tr.get_text(" ").split()) for tr in shown.soup.select("#live-why tbody tr")]
    assert len(rows) == 4
    assert "A budget of 1,120 would book it." in rows[0]
    assert "78 over your budget" in rows[0]
    assert any("Allowing 1 stop would book it." in row for row in rows)
    assert any("24 over your budget" in row and "via Madrid" in row for row in rows)
    assert "3,078 over your budget" in rows[-1]
    svg = shown.soup.select_one("#live-chart svg")
    assert svg is not None
    assert svg["aria-label"] in text, "the summary is read by everybody"
    assert svg.select_one("path.band") is not None
    assert len(shown.soup.select("#live-chart tbody tr")) == 30
    assert "Wish made; you allowed one charge of at most 1,040 USD." in text
    assert "You allowed Parker Flight to charge Visa ending 4242 once, at most 1,040 USD" in text
    now = shown.soup.select_one(".tracker [aria-current=step]")
    assert now is not None
    assert "Searching" in now.get_text()
    assert "30 looks" in now.get_text()
    assert "style=" not in shown.html
    assert (await other_pages.get(path)).status == 404
    assert (await pages.get(f"{path}?story=all")).status == 200


CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("validating", {"state": A.VALIDATING}, ["checking the price", "Begun", "may close this page"]),
    ("hold", {"state": A.AUTHORISING}, ["asking your bank to hold 987 USD"]),
    (
        "bank",
        {"state": A.AWAITING_AUTHENTICATION},
        ["Your bank wants you to confirm 987 USD.", "Confirm 987 USD with your bank", "It waits"],
    ),
    (
        "unknown",
        {"state": A.ORDER_UNKNOWN},
        ["You will not be booked twice.", "will finish", "we are finding out"],
    ),
    ("charging", {"state": A.CAPTURING}, ["the card is being charged"]),
]


@pytest.mark.parametrize("why", [w for w in Unread if w is not Unread.SOME_UNREADABLE])
async def test_a_look_in_vain_is_told_until_one_finds_offers(
    pages: Site, making: Any, why: Unread
) -> None:
    async with making() as make:
        await make.card()
        wish = await make.campaign()
        await make.look(wish, [make.offer("1118.00", "204")], make.now - timedelta(minutes=9))
        await make.look_in_vain(wish, why, make.now - timedelta(minutes=5))
    path = f"/auto-booking/wishes/{wish.id}"
    before = await pages.get(path)
    assert (
        f"Asked 5 minutes ago , {NOTHING_READ[why]}: there was nothing to decide on" in before.text
    )
    assert "Last look 9 minutes ago" in before.text
    assert "TAP Air Portugal 204" in before.text
    async with making() as make:
        await make.look(wish, [make.offer("1117.00", "204")], make.now - timedelta(minutes=1))
    after = await pages.get(path)
    assert "Last look 1 minute ago" in after.text
    assert NOTHING_READ[why] not in after.text


@pytest.mark.parametrize(("name", "changes", "words"), CASES, ids=[case[0] for case in CASES])
async def test_a_booking_in_progress_survives_a_reload(
    pages: Site, making: Any, name: str, changes: dict[str, Any], words: list[str]
) -> None:
    async with making() as make:
        card = await make.card()
        wish = await make.campaign()
        offer = make.offer("987.00")
        await change_state(make.session, wish, S.BOOKING, now=make.now, event="campaign.booking")
        await make.attempt(wish, card, offer, **changes)
    path = f"/auto-booking/wishes/{wish.id}"
    shown = await pages.get(path)
    for expected in words:
        assert expected in shown.text
    tracker = shown.soup.select("#live-now .tracker li")
    assert [li.get_text().partition(",")[0].lstrip("✓◉○ ") for li in tracker] == [
        "Checking price", "Authorising card", "Placing order", "Issuing ticket",
    ]  # fmt: skip
    assert len([li for li in tracker if li.get("aria-current")]) == 1
    assert "%" not in shown.text
    assert shown.soup.select_one("noscript meta[http-equiv=refresh]") is not None
    firm = name in {"unknown", "charging"}
    assert bool(shown.soup.select(f"form[action='{path}/cancel']")) is not firm


async def test_a_decline_says_what_happened_to_the_money_and_what_to_do(
    pages: Site, making: Any
) -> None:
    async with making() as make:
        card = await make.card(status=PaymentMethodStatus.NEEDS_ATTENTION)
        wish = await make.campaign()
        await make.attempt(
            wish, card, make.offer("987.00"), state=A.FAILED,
            failure_reason=FailureReason.CARD_DECLINED, finished_at=make.now,
        )  # fmt: skip
        wish.action_reason = "card_declined"
        await change_state(make.session, wish, S.NEEDS_ACTION, now=make.now, event="x")
        await stop_booking(make.session, "a test", "tests", make.now)
    shown = await pages.get(f"/auto-booking/wishes/{wish.id}")
    assert "Your card was declined. Nothing was charged and no seat is held." in shown.text
    filled = shown.soup.select("main .btn.main")
    assert [(a.get_text(), a["href"]) for a in filled] == [
        ("Choose another card", "/payment-methods")
    ]
    assert shown.soup.select(f"form[action='/auto-booking/wishes/{wish.id}/resume']")
    assert "Booking is stopped for everybody at the moment." in shown.text
    stopped = shown.soup.select_one("#live-steps .stopped")
    assert stopped is not None


async def test_a_booked_wish_shows_its_reference_first_and_why_these_flights(
    pages: Site, making: Any
) -> None:
    async with making() as make:
        card = await make.card()
        wish = await make.campaign()
        taken, dearer = make.offer("987.00", "204", stop="MAD"), make.offer("1036.00", "900")
        await make.look(wish, [taken, dearer], make.now - timedelta(minutes=2))
        await change_state(make.session, wish, S.BOOKING, now=make.now, event="campaign.booking")
        attempt = await make.attempt(wish, card, taken, state=A.CAPTURED, finished_at=make.now)
        await make.booking(wish, attempt, taken, state=BookingState.TICKETING)
        await change_state(
            make.session, wish, S.BOOKED, now=make.now, event="campaign.booked",
            data={"booking_reference": "7F3KQ2"},
        )  # fmt: skip
    shown = await pages.get(f"/auto-booking/wishes/{wish.id}")
    assert "Booking reference 7F3KQ2" in shown.text
    assert "Booked TAP Air Portugal 204, 2041 / 2049, 20491" in shown.text
    assert "987 USD, 53 under your budget; the non-stop was 49 dearer" in shown.text
    assert "Issuing ticket" in shown.text
    assert not shown.soup.select("#live-why table")
    assert shown.soup.select("a.btn.main[href^='/bookings/']")
    assert "Complete" in shown.text


async def test_flights_are_shown_before_a_yes_and_a_no_needs_the_engine(
    pages: Site, other_pages: Site, making: Any
) -> None:
    async with making() as make:
        await make.card()
        wish = await make.campaign(mode=BookingMode.ASK_ME_FIRST)
        await make.proposal(wish, make.offer("987.00"))
        await change_state(make.session, wish, S.AWAITING_APPROVAL, now=make.now, event="x")
        idle = await make.campaign()
    path = f"/auto-booking/wishes/{wish.id}/approve"
    shown = await pages.get(path)
    assert "Shall we book these flights for 987 USD?" in shown.text
    assert "53 under your budget" in shown.text
    assert "in 1 hour" in shown.text
    button = shown.form(path).find("button")
    assert button is not None
    assert button.get_text() == "Book for 987 USD, obligation to pay"
    assert (await other_pages.get(path)).status == 404
    # The engine is away here: nothing is pretended.
    refused = await pages.submit(shown, action=path)
    assert refused.status == 503
    assert "Nothing was changed" in refused.text
    elsewhere = await pages.get(f"/auto-booking/wishes/{idle.id}/approve")
    assert "not on offer any more" in elsewhere.text
    bank = await pages.get(f"/auto-booking/wishes/{idle.id}/bank")
    assert "needs nothing from you" in bank.text


async def test_consent_is_asked_for_and_a_wish_that_only_tells_needs_none(
    pages: Site, making: Any
) -> None:
    async with making() as make:
        waiting = await make.campaign(consented=False)
        telling = await make.campaign(mode=BookingMode.NOTIFY)
    shown = await pages.get(f"/auto-booking/wishes/{waiting.id}")
    assert "waits for your consent" in shown.text
    assert [a.get_text() for a in shown.soup.select("main .btn.main")] == ["Give your consent"]
    shown = await pages.get(f"/auto-booking/wishes/{telling.id}")
    assert "Tells you and books nothing." in shown.text
    assert not shown.soup.select(".need"), "without a card, since none is needed"
    assert "You allowed" not in shown.text
    shown = await pages.get("/auto-booking/dashboard")
    assert "1 wish needs you; 1 other watched." in shown.text


async def test_flights_just_over_the_budget_can_be_looked_at_and_allowed_once(
    pages: Site, other_pages: Site, making: Any, ana: Any, database: Database, settings: Any
) -> None:
    async with making() as make:
        await make.card()
        traveler = await give_traveler(make.session, vault_of(settings), ana.user_id, make.now)
        wish = await make.campaign(traveler_ids=(traveler,), party=Party())
        await make.look(wish, [make.offer("1118.00", "204"), make.offer("4118.00", "900")])
    path = f"/auto-booking/wishes/{wish.id}"
    shown = await pages.get(path)
    (filled,) = shown.soup.select("main .btn.main")
    assert filled.get_text() == "Allow 1,120 USD and book it"
    check = await pages.get(str(filled["href"]))
    assert "Allow 1,120 USD and book it?" in check.text
    assert "1,118 USD at the last look, 78 above your budget" in check.text
    assert "Visa ending 4242" in check.text
    assert "15 minutes" in check.text
    box = check.soup.select_one("input[name=consent]")
    assert box is not None
    assert not box.has_attr("checked")
    unticked = await pages.submit(check, action=f"{path}/allow-once")
    assert unticked.status == 422
    assert unticked.problems() == ["Tick the box if you agree. Without that nothing is booked."]
    # The engine is away here: nothing is pretended, and the page is kept.
    away = await pages.submit(unticked, {"consent": "yes"}, action=f"{path}/allow-once")
    assert away.status == 503
    assert "does not answer" in away.text
    assert (await other_pages.get(str(filled["href"]))).status == 404
    other = await pages.get(f"{path}/allow-once?look={wish.id}&offer=off_204")
    assert other.status == 409, "nobody looked at that for this wish"
    async with database.transaction(TESTS) as session:
        await stop_booking(session, "a test", "tests", system_now())
    assert not (await pages.get(path)).soup.select("main .btn.main")


async def test_what_was_allowed_can_be_read_and_checked(
    pages: Site, other_pages: Site, making: Any, database: Database
) -> None:
    async with making() as make:
        wish = await make.campaign()
    path = f"/auto-booking/wishes/{wish.id}/mandate"
    shown = await pages.get(path)
    assert "One charge of at most 1,040 USD" in shown.text
    assert "Nothing was taken under it." in shown.text
    async with making() as make:
        charged = await _charged(make, wish)
    shown = await pages.get(path)
    assert "488 USD taken" in shown.text
    assert "488 USD charged, 40 USD of it given back" in shown.text
    assert shown.soup.find("a", string="receipt", href=f"/billing/{charged.id}")
    assert shown.soup.select_one("blockquote") is not None
    async with database.transaction(TESTS) as session:
        (row,) = await mandates_of(session, wish.id)
        assert row.document in shown.text
        row.document = str(row.document).replace("104000", "904000")
    forged = await pages.get(path)
    assert "Nothing may be charged for this wish as it stands." in forged.text
    assert (await other_pages.get(path)).status == 404


async def _charged(make: Watched, wish: CampaignRow) -> PaymentRow:
    """Charge something under the wish's consent, and give a part of it back."""
    attempt = await make.attempt(wish, await make.card(), make.offer("488"))
    (mandate,) = await mandates_of(make.session, wish.id)
    charged = PaymentRow(
        id=uuid4(), attempt_id=attempt.id, campaign_id=wish.id, user_id=wish.user_id,
        rail="stripe", payment_method_id=attempt.payment_method_id, state=PaymentState.REFUNDED,
        amount_minor=48_800, authorised_minor=48_800, captured_minor=48_800, refunded_minor=4_000,
        currency="USD", created_at=make.now, updated_at=make.now,
    )  # fmt: skip
    make.session.add(charged)
    await make.session.flush()
    use = MandateUseRow(
        attempt_id=attempt.id, mandate_id=mandate.id, campaign_id=wish.id, user_id=wish.user_id,
        payment_id=charged.id, amount_minor=48_800, currency="USD", used_at=make.now,
    )  # fmt: skip
    make.session.add(use)
    return charged


async def test_a_cancelling_can_be_taken_back_for_a_minute_and_made_again_after(
    pages: Site, making: Any
) -> None:
    async with making() as make:
        fresh, old = await make.campaign(), await make.campaign()
        for wish, until in ((fresh, make.now + timedelta(seconds=50)), (old, None)):
            await change_state(make.session, wish, S.CANCELLED, now=make.now, event="x")
            wish.undo_until = until
    path = f"/auto-booking/wishes/{fresh.id}"
    shown = await pages.get(path)
    assert "can still take that back" in shown.text
    assert shown.form(f"{path}/undo").get_text(strip=True) == "Take it back"
    assert "live.mjs" in shown.html, "the minute passes while the page is open"
    shown = await pages.get(f"/auto-booking/wishes/{old.id}")
    again = shown.soup.select_one("main .btn.main")
    assert again is not None
    assert (again.get_text(), again["href"]) == (
        "Make it again",
        f"/auto-booking/new?seed=like:{old.id}",
    )
    assert not shown.soup.select("form[action$='/undo']")
    assert "live.mjs" not in shown.html


def test_every_status_has_a_chip() -> None:
    assert set(CHIPS) == set(StatusCode)

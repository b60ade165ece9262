"""Each message as its reader gets it: the same words as text and HTML, one thing to do, no harm."""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from babel.messages.pofile import read_po
from bs4 import BeautifulSoup

from activities.letters import Written, write_mail
from domain.account_notices import ACCOUNT_WRITERS
from domain.attempts import FailureReason
from domain.itineraries import Itinerary, Segment, Slice
from domain.letters import Letter, NoticeFacts
from domain.notices import WRITERS, compose
from domain.words import Words
from runtime.catalogue import FOLDER, language_of, phrases, translator
from scripts.catalogue import gathered, updated

BASE = "https://travel.parker.example"
NASTY = '<b>Fes & "co"</b>'
DATA: dict[str, Any] = {
    "booking_reference": "RZPNX8",
    "price_minor": 48_700,
    "amount_minor": 48_700,
    "refund_minor": 12_345,
    "currency": "USD",
    "lapses_at": "2026-12-01T10:00:00+00:00",
    "expires_at": "2026-12-01T10:00:00+00:00",
    "ends_at": "2026-12-01T10:00:00+00:00",
    "reason": "card_declined",
    "factor": "passkey",
    "left": 3,
    "due_at": "2026-12-01T10:00:00+00:00",
    "waits_for": ["trip", "refund"],
}
FLIGHT = Itinerary(
    slices=(
        Slice(
            origin="JFK",
            destination="LIS",
            duration_minutes=405,
            segments=(
                Segment(
                    origin="JFK",
                    destination="LIS",
                    departing_at=datetime(2027, 5, 12, 21, 35),  # noqa: DTZ001  # local to JFK
                    arriving_at=datetime(2027, 5, 13, 9, 20),  # noqa: DTZ001  # local to LIS
                    marketing_carrier="TP",
                    flight_number="204",
                    operating_carrier="TP",
                    duration_minutes=405,
                ),
            ),
        ),
    )
)


def facts(**changes: Any) -> NoticeFacts:
    values: dict[str, Any] = {
        "wish": f"JFK to LIS, {NASTY}",
        "data": DATA,
        "campaign_id": UUID(int=1),
        "booking_id": UUID(int=2),
        "itinerary": FLIGHT,
        "tickets": ("047-2402319405",),
        "traveller": NASTY,
        "link": "/pay/secret",
        "sandbox": True,
    }
    return NoticeFacts(**(values | changes))


def mail(*letters: Letter, say: Words | None = None) -> Written:
    return write_mail(letters, say or Words(), base_url=BASE)


def events() -> Iterator[tuple[str, dict[str, Any]]]:
    for event in (*WRITERS, *ACCOUNT_WRITERS):
        reasons: list[str] = [DATA["reason"]]
        if event == "failed":
            reasons = list(FailureReason)
        if event == "action_needed":
            reasons = [*FailureReason, "no_card", "something new"]
        for reason in reasons:
            yield event, {"data": DATA | {"reason": reason}}


@pytest.mark.parametrize(("event", "changes"), list(events()))
def test_text_and_page_say_the_same_and_lead_to_one_place(
    event: str, changes: dict[str, Any]
) -> None:
    letter = compose(event, facts(**changes))
    written = mail(letter)
    lines = written.text.splitlines()
    # The sentence first; then it can be read in any list of mails.
    assert lines[0] == letter.sentence
    assert lines[0].endswith(".")
    assert "SANDBOX" in written.subject
    assert "SANDBOX" in written.text
    page = BeautifulSoup(written.html, "html.parser")
    assert page.find("b") is None
    shown = " ".join(page.body.get_text(" ").split()) if page.body else ""
    for word in written.text.replace("--", "").split():
        assert word.startswith(BASE) or word.rstrip(":") in shown, word
    links = [str(a["href"]) for a in page.find_all("a")]
    assert links[-1] == f"{BASE}/account/notices"
    assert len(links) <= 2
    assert all(link in written.text for link in links)
    assert page.find(["img", "script", "link", "form"]) is None


def test_what_waited_for_one_hour_comes_in_one_mail() -> None:
    letters = [compose(event, facts()) for event in ("ticketed", "refunded", "expiring_soon")]
    written = mail(*letters)
    assert written.subject == "[SANDBOX] 3 things to tell you"
    assert written.text.startswith("3 things happened since we last wrote.\n\n* Your tickets")
    assert all(letter.sentence in written.text for letter in letters)
    assert written.text.count("SANDBOX") == 1


def test_a_letter_says_what_it_encloses() -> None:
    say = Words("de", "Europe/Berlin", translator("de"))
    letter, files = compose("booked", facts(), say), ["itinerary-<A>.pdf", "flights-A.ics"]
    written = write_mail([letter], say, base_url=BASE, enclosed=files)
    assert "Anbei: itinerary-<A>.pdf, flights-A.ics." in written.text
    assert "Anbei: itinerary-&lt;A&gt;.pdf, flights-A.ics." in written.html
    assert "Anbei" not in mail(letter, say=say).text


def test_a_letter_is_in_one_language() -> None:
    say = Words("de", "Europe/Berlin", translator("de"))
    booked = compose("booked", facts(), say)
    assert booked.sentence.startswith("Ihre Flüge sind für 487 USD gebucht")
    assert booked.language == "de"
    written = mail(booked, say=say)
    assert '<html lang="de" dir="ltr">' in written.html
    assert "Wählen Sie, worüber" in written.text
    # The catalogue does not know all of this one, so none of it is used.
    key = compose("api_key_created", facts(), say)
    assert key.language == "en"
    assert key.sentence.startswith("Somebody, probably you")
    assert "Choose what we write" in mail(key, say=say).text
    assert "Choose what we write" in mail(booked, key, say=say).text


def test_catalogues_keep_what_is_put_in_and_what_they_know() -> None:
    template = gathered()
    places = re.compile(r"{\w+}|%\(\w+\)s")
    for path in FOLDER.glob("*.po"):
        known = phrases(path.stem)
        assert len(known) > 200
        for english, said in known.items():
            assert sorted(places.findall(english)) == sorted(places.findall(said)), english
        kept = read_po(io.BytesIO(updated(path.stem, template)))
        assert kept.get("Notices").string == known["Notices"]
        # A sentence that nobody has translated yet waits there.
        assert kept.get("This is our last mail to you.").string == ""
    assert language_of("de-AT") == "de"
    assert language_of("xx") == language_of(None) == "en"


def test_a_reader_gets_their_own_clock_and_figures() -> None:
    say = Words("de", "Europe/Lisbon", lambda words: words)
    letter = compose("authentication_required", facts(sandbox=False), say)
    assert letter.action
    assert letter.action.path == "/pay/secret"
    assert "10:00" in letter.paragraphs[1]
    assert "(Lisbon)" in letter.paragraphs[1]
    assert letter.sandbox is None
    booked = compose("booked", facts(data=DATA | {"price_minor": 123_456}), say)
    assert "1.234,56 USD" in booked.sentence
    plain = compose("booked", facts(data=DATA | {"price_minor": 112_000}))
    assert "1,120 USD" in plain.sentence
    assert "12 May 2027  TP 204  JFK 21:35 - LIS 09:20 +1" in plain.flights[0]
    moment = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert Words("en", "America/New_York").moment(moment) == "1 Jul 2026, 08:00 (New York)"

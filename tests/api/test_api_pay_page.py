"""The way to the bank and back, as a traveller's browser goes it."""

from datetime import timedelta
from typing import Any
from urllib.parse import urljoin
from uuid import UUID, uuid4

import httpx2
from asking import until

from runtime.clock import system_now
from runtime.tokens import PAY_PURPOSE, pay_link, sign_token

ALWAYS_ASKS = "4000002760003184"


async def test_the_traveller_confirms_with_the_bank_and_is_booked(
    running: Any, card_saver: Any, traveler_body: Any, wish: Any
) -> None:
    person = await running.make_person()
    await card_saver(person, ALWAYS_ASKS)
    traveler = (await person.http.post("/api/autobooking/traveler", json=traveler_body)).json()
    made = await person.http.post(
        "/api/autobooking/campaigns",
        json=wish | {"traveler_ids": [traveler["id"]]},
        headers={"Idempotency-Key": "to-the-bank"},
    )
    path = f"/api/autobooking/campaigns/{made.json()['id']}/status"

    async def status() -> Any:
        return (await person.http.get(path)).json()

    async def reached(code: str) -> Any:
        return await until(
            status, lambda found: code in {found["display_status"]["code"], found["status"]}
        )

    asked = await reached("confirm_with_bank")
    link = pay_link(
        running.url,
        running.settings.hmac_secret.get_secret_value(),
        UUID(asked["attempt"]["id"]),
        system_now() + timedelta(hours=1),
        owner=person.user_id,
    )
    async with httpx2.AsyncClient(timeout=60) as browser:
        shown = await browser.get(link)
        assert shown.status_code == 200, shown.text
        assert "Parker Flight" in shown.text
        assert "<script" not in shown.text
        assert "SANDBOX" in shown.text
        assert "script-src 'self'" in shown.headers["content-security-policy"]
        assert (await browser.get(urljoin(running.url, "/static/app.css"))).status_code == 200
        sent = await browser.post(link)
        assert sent.status_code == 303, sent.text
        bank = sent.headers["location"]
        passed = await browser.post(bank, data={"outcome": "approve"})
        assert passed.status_code == 303, passed.text
        back = await browser.get(passed.headers["location"])
        assert back.status_code == 200, back.text
        assert "We are asking your bank" in back.text
    await reached("booked")
    async with httpx2.AsyncClient(timeout=60) as browser:
        late = await browser.get(link)
        assert "nothing to confirm" in late.text


async def test_a_link_that_is_old_changed_or_for_something_else_leads_nowhere(
    nobody: Any, settings: Any
) -> None:
    secret, now = settings.hmac_secret.get_secret_value(), system_now()
    good_for = now + timedelta(hours=1)
    old = sign_token(secret, PAY_PURPOSE, uuid4(), now - timedelta(seconds=1), owner=uuid4())
    strange = sign_token(secret, "card-setup", uuid4(), good_for, owner=uuid4())
    unknown = sign_token(secret, PAY_PURPOSE, uuid4(), good_for, owner=uuid4())
    for token, status in ((old, 410), (strange, 404), (unknown, 404), ("x", 404)):
        for ask in (nobody.get(f"/pay/{token}"), nobody.post(f"/pay/{token}")):
            answer = await ask
            assert answer.status_code == status
            assert answer.headers["content-type"].startswith("text/html")

"""Cards over HTTP: saved on the provider's page, exactly one default, gone when removed."""

from typing import Any

import httpx2

PATH = "/api/autobooking/payment-methods"


async def test_a_card_is_saved_on_the_providers_page(ana: Any, card_saver: Any) -> None:
    card = await card_saver(ana)
    assert (card["brand"], card["last4"], card["is_default"]) == ("visa", "4242", True)
    assert card["valid_until"] > "2027"
    listed = (await ana.http.get(PATH)).json()
    assert listed["items"] == [card]
    assert "4242424242424242" not in str(listed)


async def test_there_is_exactly_one_default(ana: Any, card_saver: Any) -> None:
    first = await card_saver(ana)
    second = await card_saver(ana, "5555555555554444")
    assert (first["is_default"], second["is_default"]) == (True, False)
    chosen = await ana.http.put(f"{PATH}/{second['id']}/default")
    assert chosen.json()["is_default"] is True
    items = (await ana.http.get(PATH)).json()["items"]
    assert [(one["id"], one["is_default"]) for one in items] == [
        (second["id"], True),
        (first["id"], False),
    ]


async def test_a_removed_default_passes_to_the_other_card(ana: Any, card_saver: Any) -> None:
    first = await card_saver(ana)
    second = await card_saver(ana, "5555555555554444")
    assert (await ana.http.delete(f"{PATH}/{first['id']}")).status_code == 204
    items = (await ana.http.get(PATH)).json()["items"]
    assert [(one["id"], one["is_default"]) for one in items] == [(second["id"], True)]
    assert (await ana.http.get(f"{PATH}/{first['id']}")).status_code == 404
    assert (await ana.http.delete(f"{PATH}/{first['id']}")).status_code == 404


async def test_an_unfinished_visit_saves_nothing(ana: Any) -> None:
    headers = {"Idempotency-Key": "visit-one"}
    started = (await ana.http.post(PATH, headers=headers)).json()
    again = (await ana.http.post(PATH, headers=headers)).json()
    assert again == started
    done = await ana.http.post(f"{PATH}/setups/{started['setup_id']}/complete")
    assert done.json() == {
        "setup_id": started["setup_id"],
        "status": "open",
        "payment_method": None,
    }


async def test_somebody_elses_cards_and_visits_are_not_there(
    ana: Any, ben: Any, card_saver: Any
) -> None:
    card = await card_saver(ana)
    visit = (await ana.http.post(PATH)).json()
    for answer in (
        await ben.http.get(f"{PATH}/{card['id']}"),
        await ben.http.put(f"{PATH}/{card['id']}/default"),
        await ben.http.delete(f"{PATH}/{card['id']}"),
        await ben.http.post(f"{PATH}/setups/{visit['setup_id']}/complete"),
    ):
        assert answer.status_code == 404


async def test_a_changed_return_link_leads_nowhere(nobody: httpx2.AsyncClient) -> None:
    answer = await nobody.get(f"{PATH}/setups/return?token=abcdef")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "script" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


async def test_an_installation_may_keep_one_card_a_person(
    make_settings: Any, database: Any, card_saver: Any, api_serving: Any
) -> None:
    settings = make_settings(PARKER_POLICY_PAYMENT_METHODS_MAX_PER_USER="1")
    async with api_serving(settings, database) as make:
        person = await make()
        await card_saver(person)
        answer = await person.http.post(PATH)
        assert (answer.status_code, answer.json()["code"]) == (409, "too_many")

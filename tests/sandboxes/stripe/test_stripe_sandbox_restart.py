"""What outlives the process, and what its settings change."""

from pathlib import Path
from typing import Any

from sandboxes.stripe.cards import CARDS

README = Path(__file__).parents[3] / "sandboxes" / "stripe" / "README.md"


async def test_holds_and_keys_outlive_a_restart(serving: Any, calling: Any, tmp_path: Path) -> None:
    with serving(tmp_path) as url:
        async with calling(url) as api:
            intent = await api.hold(1000)
            path = f"payment_intents/{intent['id']}/capture"
            first = await api.send("POST", path, "k1")
    with serving(tmp_path) as url:
        async with calling(url) as api:
            again = await api.send("POST", path, "k1")
            assert again.content == first.content
            assert (await api.ledger())["balance"] == {"usd": 1000}
            other = await api.hold(500)
            assert other["id"] != intent["id"]


async def test_equal_seeds_give_equal_ids(serving: Any, calling: Any, tmp_path: Path) -> None:
    ids = []
    for name in ("one", "two"):
        with serving(tmp_path / name) as url:
            async with calling(url) as api:
                ids.append((await api.hold(1000))["id"])
    assert ids[0] == ids[1]


async def test_a_fee_is_taken_from_charges_when_set(
    serving: Any, calling: Any, tmp_path: Path
) -> None:
    with serving(tmp_path, 290) as url:
        async with calling(url) as api:
            intent = await api.hold(10000)
            await api.post(f"payment_intents/{intent['id']}/capture")
            row = (await api.get("balance_transactions"))["data"][0]
            assert (row["fee"], row["net"]) == (290, 9710)
            assert (await api.ledger())["balance"] == {"usd": 9710}


def test_the_readme_lists_every_card() -> None:
    text = README.read_text(encoding="utf-8")
    for card in CARDS:
        assert card.number in text
        assert all(f"pm_{name}" in text for name in card.names)

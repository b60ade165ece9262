"""The `parker` commands against the API as it is served."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from commands import Done, without_ours
from commands import parker as run


class Parker:
    """Runs commands with an address and a key in the environment."""

    def __init__(self, **environ: str) -> None:
        self.environ = without_ours() | environ

    async def __call__(self, *arguments: str) -> Done:
        return await asyncio.to_thread(run, *arguments, env=self.environ)


@pytest.fixture
def parker(ana: Any, api_url: str) -> Parker:
    return Parker(PARKER_API_URL=api_url, PARKER_API_KEY=ana.key)


ADD = [
    "traveler",
    "add",
    "--given-name",
    "Ana",
    "--family-name",
    "Souza",
    "--born-on",
    "1990-04-12",
    "--gender",
    "f",
    "--title",
    "ms",
    "--email",
    "ana@example.com",
    "--phone",
    "+351912345678",
    "--passport",
    "CA123456:PT:2036-08-01",
]


async def test_travellers_are_added_listed_and_removed(parker: Parker) -> None:
    code, out, err = await parker(*ADD)
    assert code == 0, err
    traveler = out.strip()
    code, out, err = await parker("traveler", "list", "--json")
    assert [one["id"] for one in json.loads(out)] == [traveler]
    assert (await parker("traveler", "show", traveler))[0] == 0
    assert (await parker("traveler", "remove", traveler))[0] == 0
    code, out, err = await parker("traveler", "show", traveler)
    assert (code, out) == (3, "")
    assert "no such traveller" in err


async def test_exit_codes_say_what_went_wrong(parker: Parker, api_url: str) -> None:
    refused = await parker(*ADD[:-1], "CA123456:PT:2001-08-01")
    assert refused[0] == 2
    assert "documents.0" in refused[2]
    unknown = await Parker(PARKER_API_URL=api_url, PARKER_API_KEY="pk_wrong")("booking", "list")
    assert unknown[0] == 2
    assert (await Parker(PARKER_API_URL=api_url)("booking", "list"))[0] == 2
    away = await Parker(PARKER_API_URL="http://127.0.0.1:1", PARKER_API_KEY="pk_x")(
        "campaign", "list"
    )
    assert away[0] == 5
    page = {"PARKER_API_URL": f"{api_url}/docs?", "PARKER_API_KEY": "pk_x"}
    for command in (["booking", "list"], ["campaign", "watch", "any"]):
        code, out, err = await Parker(**page)(*command)
        assert (code, out) == (5, "")
        assert "is not our API" in err


async def test_a_list_with_nothing_in_it_says_so_beside_the_data(parker: Parker) -> None:
    assert await parker("booking", "list") == (0, "", "There are none.\n")


async def _consent_is_checked_by_pinned_keys_alone(
    parker: Parker, campaign: str, folder: Path
) -> None:
    code, shown, err = await parker("mandate", "show", campaign, "--json")
    assert code == 0, err
    nobodys = Parker(PARKER_API_URL=parker.environ["PARKER_API_URL"])
    code, published, err = await nobodys("mandate", "keys")  # public: no key is asked for
    assert code == 0, err
    file, keys = folder / "mandate.json", folder / "keys.json"
    file.write_text(shown)
    keys.write_text(published)
    nobody = Parker(PARKER_API_URL="http://127.0.0.1:1")
    verify = ["mandate", "verify", str(file), "--keys", str(keys)]
    code, out, err = await nobody(*verify, "--json")
    assert code == 0, err
    told = json.loads(out)
    assert (told["at most"], told["withdrawn"]) == ("1.00 USD", "unknown (offline)")
    assert "1.00 USD" in told["words"]
    assert "said yes to" in told["words"], "the words of a wish that asks first"
    mandate = json.loads(shown)["mandate"]
    assert mandate["standing"] == "standing"
    assert "Ana" not in mandate["document"]
    mandate["document"] = mandate["document"].replace('"minor":100', '"minor":999')
    file.write_text(json.dumps(mandate))
    code, out, err = await nobody(*verify)
    assert (code, out) == (7, "")
    assert "Not genuine" in err


async def test_a_campaign_is_made_seen_and_steered(
    running: Any, card_saver: Any, wish: Any, tmp_path: Path
) -> None:
    person = await running.make_person()
    await card_saver(person)
    parker = Parker(PARKER_API_URL=running.url, PARKER_API_KEY=person.key)
    traveler = (await parker(*ADD))[1].strip()
    day = wish["criteria"]["departure_from"]
    create = ["campaign", "create", "--from", "JFK", "--to", "LIS", "--depart-from", day]
    create += ["--depart-until", day, "--budget", "1", "--traveler", traveler]
    unconsented = await parker(*create)
    assert (unconsented[0], unconsented[1]) == (6, "")
    code, out, err = await parker(*create, "--nights", "6-10", "--ask-first", "--consent")
    assert code == 0, err
    campaign = out.strip()
    code, out, err = await parker("campaign", "list", "--json")
    assert [(one["id"], one["mode"]) for one in json.loads(out)] == [(campaign, "ask_me_first")]
    assert (await parker("campaign", "show", campaign))[0] == 0
    assert (await parker("campaign", "approve", campaign))[0] == 4
    await _consent_is_checked_by_pinned_keys_alone(parker, campaign, tmp_path)
    for what, state in (("pause", "paused"), ("resume", "active"), ("cancel", "cancelled")):
        code, out, err = await parker("campaign", what, campaign)
        assert (code, out.strip()) == (0, state), err
    code, out, err = await parker("campaign", "watch", campaign, "--json")
    assert code == 0, err
    kinds = [json.loads(line)["kind"] for line in out.splitlines()]
    assert kinds[0] == "campaign.created"
    assert kinds[-1] == "campaign.cancelled"
    told = [
        line.split("\t") for line in (await parker("campaign", "watch", campaign))[1].splitlines()
    ]
    assert told[-1][1:] == [
        kinds[-1],
        "You cancelled the wish. Nothing more is searched or charged.",
    ]
    assert told[0][2].startswith("Wish made"), "what happened then, not how it stands now"
    assert (await parker("campaign", "watch", "no-such-wish"))[0] != 0
    file = tmp_path / "mine.json"
    assert (await parker("export", "--out", str(file)))[0] == 0
    assert file.stat().st_mode & 0o077 == 0
    assert campaign in file.read_text()
    assert (await parker("export", "--out", str(file)))[0] == 4  # nothing is overwritten
    assert (await parker("campaign", "resume", campaign))[0] == 4


WHY = ("--reason", "she asked on the phone")


async def looks_are_on_record(variables: dict[str, str], email: str) -> None:
    """Hold what a person is shown of an operator's looks against the commands above."""
    from db.queries.personal_reads import list_personal_reads
    from db.queries.users import find_user_id_by_email_hmac
    from db.session import APP_ROLE, Database, SystemActor
    from db.vault import vault_of
    from runtime.settings import load_settings
    from runtime.tokens import email_hash

    settings = load_settings(variables, env_files=())
    database, vault = (
        Database(settings.database_url, role=APP_ROLE, pool_size=1),
        vault_of(settings),
    )
    async with database.transaction(SystemActor("tests")) as session:
        hashed = email_hash(settings.api_key_pepper, email)
        person = await find_user_id_by_email_hmac(session, hashed)
        assert person is not None
    async with database.transaction(person) as session:
        reads = await list_personal_reads(session, person)
        whys = [
            await vault.open(
                session, person, read.why_encrypted,
                table="personal_reads", column="why", row_id=read.id,
            )
            for read in reads
        ]  # fmt: skip
    await database.close()
    assert whys == ["a key was to be revoked", WHY[1], "a key was asked for"]
    assert {read.what for read in reads} == {"API keys"}
    assert all(read.operator for read in reads)


async def test_keys_are_made_listed_revoked_and_the_master_key_rotated(
    api_url: str, database_url: str, settings: Any, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    secrets = {
        "PARKER_DATABASE_URL": database_url,
        "PARKER_MASTER_KEYS": settings.master_keys.get_secret_value(),
        "PARKER_HMAC_SECRET": settings.hmac_secret.get_secret_value(),
        "PARKER_KEYS_DIR": str(keys),
    }
    operator = Parker(**secrets)
    code, key, err = await operator("keys", "create", "--email", "eva@example.com")
    assert code == 0, err
    assert key.startswith("pk_")
    assert key.strip() not in err
    eva = Parker(PARKER_API_URL=api_url, PARKER_API_KEY=key.strip())
    assert (await eva("traveler", "list", "--json"))[1].strip() == "[]"

    code, out, err = await operator("keys", "list", "--email", "eva@example.com", *WHY, "--json")
    (row,) = json.loads(out)
    assert (await operator("keys", "list", "--email", "eva@example.com"))[0] == 2
    assert key.startswith(row["prefix"])
    assert "key_hash" not in row
    assert (await operator("keys", "revoke", row["id"], "--email", "eva@example.com"))[0] == 0
    assert (await eva("traveler", "list"))[0] == 2
    assert (await operator("keys", "revoke", row["id"], "--email", "x@example.com"))[0] == 3

    await looks_are_on_record(secrets, "eva@example.com")

    # The least for whom the least is enough; without options the operator answers for everything.
    assert (row["scopes"], row["limit_each_minor"]) == (["read", "write", "spend"], None)
    less = ("keys", "create", "--email", "eva@example.com", "--expires", "2099-12-31")
    _, reading, _ = await operator(*less, "--scope", "read")
    looks = Parker(PARKER_API_URL=api_url, PARKER_API_KEY=reading.strip())
    assert (await looks("traveler", "list"))[0] == 0
    code, _, err = await looks("campaign", "pause", row["id"])
    assert code == 7, err
    assert (await operator(*less, "--cap", "520 USD", "--cap-total", "900 USD"))[0] == 0
    _, out, _ = await operator("keys", "list", "--email", "eva@example.com", *WHY, "--json")
    found = json.loads(out)[0]
    limits = (found["limit_each_minor"], found["limit_total_minor"], found["limit_currency"])
    assert limits == (52_000, 90_000, "USD")
    assert found["expires_at"].startswith("2100-01-01 00:00")
    for wrong in (
        ("--cap", "520"),
        ("--cap-total", "1 USD"),
        ("--cap", "9 USD", "--cap-total", "1 USD"),
        ("--scope", "read", "--cap", "9 USD"),
    ):
        assert (await operator(*less, *wrong))[0] == 2, wrong

    from runtime.crypto import new_master_key

    rotated = Parker(
        **secrets
        | {"PARKER_MASTER_KEYS": f"{new_master_key('next')},{secrets['PARKER_MASTER_KEYS']}"}
    )
    code, out, err = await rotated("keys", "rotate")
    assert code == 0, err
    assert "Rewrapped 1 " in err
    assert len(list(keys.glob("*/*/*"))) == 1
    code, out, err = await operator("retention", "list", "--json")
    assert (code, json.loads(out)) == (0, []), err


async def test_booking_is_stopped_and_started(database: Any, settings: Any) -> None:
    from db.queries.switches import booking_stopped
    from db.session import SystemActor

    operator = Parker(
        PARKER_DATABASE_URL=settings.database_url,
        PARKER_MASTER_KEYS=settings.master_keys.get_secret_value(),
        PARKER_HMAC_SECRET=settings.hmac_secret.get_secret_value(),
    )
    for command, stopped in (("stop", True), ("start", False)):
        code, _, err = await operator("booking", command)
        assert code == 0, err
        async with database.transaction(SystemActor("tests")) as session:
            assert await booking_stopped(session) is stopped

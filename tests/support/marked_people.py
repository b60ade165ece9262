"""People who fill in every field there is with words that are looked for afterwards, everywhere.

The sandboxes' own stores and the mailbox are the outside world; all else of a whole installation
is searched: Temporal's database file, Postgres (its files, and every table through SQL), all logs.
"""

import base64
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import httpx2
import psycopg
from house import eventually
from psycopg import sql

from cli.stack import Stack
from db.accounts import ensure_account, issue_api_key
from db.session import WORKER_ROLE, Database, SystemActor
from db.vault import vault_of
from domain.ids import UserId
from runtime.clock import system_now

CAMPAIGNS = "/api/autobooking/campaigns"
CARDS = "/api/autobooking/payment-methods"
HOOKS = "/api/v1/webhooks"
GOOD_CARD, DECLINING_CARD = "4242424242424242", "4000000000000341"
ASKING_CARD = "4000002760003184"
_BEGINNING = 9  # of words that differ in their ends
# What people call their travellers and their wishes: sealed like what they fill in.
OWN_WORDS = {
    "label": "Aunt-Marigoldine",
    "wish": "Trip-with-Oswaldina",
    "key": "Laptop-of-Ferdinandus",
}


def markers(number: int) -> dict[str, str]:
    """Return what this person fills in: nothing of it may be found."""
    return {
        "given_name": f"Zebulonia{'abcdefgh'[number]}",
        "family_name": f"Quixotelle{'abcdefgh'[number]}",
        "born_on": f"1987-03-1{number}",
        "email": f"zq.traveller{number}@marker-mail.com",
        "phone": f"+35191234567{number}",
        "document": f"ZQ77319{number}2",
        "loyalty": f"51290087{number}",
        "account": f"zq.owner{number}@marker-mail.com",
        "hook": f"zq-hook-secret-path-{number}",
    }


class Person:
    """Somebody with an account who fills in every field there is."""

    def __init__(self, number: int, http: httpx2.AsyncClient, user_id: UserId) -> None:
        self.marks, self.http, self.user_id = markers(number), http, user_id

    async def call(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        headers = {"Idempotency-Key": f"marker-{path[-20:]}"}

        async def asked() -> httpx2.Response | None:
            # On a busy machine an answer may come too late; the same key is safe to send again.
            answer = await self.http.request(method, path, json=body, headers=headers)
            return None if answer.status_code == 503 else answer

        answer = await eventually(asked)
        assert answer.status_code in {status, 201}, answer.text
        return answer.json()

    def traveler(self) -> dict[str, Any]:
        marks = self.marks
        document = {
            "kind": "passport",
            "number": marks["document"],
            "issuing_country": "PT",
            "expires_on": "2036-08-01",
        }
        return {
            "label": OWN_WORDS["label"],
            "gender": "f",
            "title": "ms",
            "documents": [document],
            "loyalty": [{"airline": "TP", "number": marks["loyalty"]}],
            **{n: marks[n] for n in ("given_name", "family_name", "born_on", "email", "phone")},
        }

    async def wish(self, card: str, *, days: int, refundable: bool = False, **more: Any) -> str:
        """Save a card and a traveller, be refused a few times on the way, and make a wish."""
        visit = await self.call("POST", CARDS)
        async with httpx2.AsyncClient(timeout=30) as browser:
            left = await browser.post(visit["url"], data={"card": card})
            if "/3ds/" in left.headers["location"]:
                left = await browser.post(left.headers["location"], data={"outcome": "approve"})
            await browser.get(left.headers["location"])
        await self.call("POST", f"{CARDS}/setups/{visit['setup_id']}/complete")
        await self._mistakes()
        # A name that nobody has: it is called, and nobody is there.
        await self.call("POST", HOOKS, {"url": f"https://nowhere.invalid/{self.marks['hook']}"})
        traveler = await self.call("POST", "/api/autobooking/traveler", self.traveler())
        day = (datetime.now(UTC).date() + timedelta(days=days)).isoformat()
        policy = await self.call("GET", "/api/v1/policy")
        body = {
            "name": OWN_WORDS["wish"],
            "mode": "auto",
            "criteria": {
                "origins": ["JFK"],
                "destinations": ["LIS"],
                "departure_from": day,
                "departure_until": day,
                "budget": {"amount": "3000.00", "currency": "USD"},
                "refundable_only": refundable,
            },
            "traveler_ids": [traveler["id"]],
            "consent": {"accepted": True, "text_version": policy["consent"]["version"]},
        }
        return str((await self.call("POST", CAMPAIGNS, body | more))["id"])

    async def _mistakes(self) -> None:
        """Send requests that are refused, each with the markers in another place."""
        marks = self.marks
        wrong: list[Any] = [
            self.traveler() | {"born_on": f"{marks['born_on']}T00:00"},
            self.traveler() | {"phone": f"{marks['phone']}x", "email": f"{marks['email']}@"},
            self.traveler() | {"title": marks["given_name"], "gender": marks["family_name"]},
            self.traveler() | {marks["document"]: marks["email"]},
            list(marks.values()),
        ]
        for body in wrong:
            answer = await self.http.post(
                "/api/autobooking/traveler", json=body, headers={"Idempotency-Key": "a mistake"}
            )
            assert answer.status_code == 422, answer.text
        torn = '{"given_name": "' + marks["given_name"]
        json_type = {"Content-Type": "application/json"}
        answer = await self.http.post(
            "/api/autobooking/traveler", content=torn.encode(), headers=json_type
        )
        assert answer.status_code == 400
        await self.http.get(f"/api/autobooking/traveler/{marks['email']}")
        await self.http.get(CAMPAIGNS, params={"q": marks["family_name"]})

    async def ends(self, campaign: str, *states: str) -> None:
        async def ended() -> bool:
            found = await self.call("GET", f"{CAMPAIGNS}/{campaign}/status")
            return found["status"] in states

        await eventually(ended, seconds=60)


async def give_back(person: Person) -> None:
    (booking,) = (await person.call("GET", "/api/bookings"))["items"]
    path = f"/api/bookings/{booking['id']}"

    async def ticketed() -> bool:
        return (await person.call("GET", path))["status"] == "ticketed"

    await eventually(ticketed)
    quote = await person.http.post(f"{path}/cancellation")
    if quote.status_code == 200:
        confirm = {"quote_id": quote.json()["quote_id"]}
        await person.http.post(f"{path}/cancellation/confirm", json=confirm)


@contextlib.asynccontextmanager
async def people_of(installation: Stack, numbers: Iterable[int]) -> AsyncIterator[list[Person]]:
    settings = installation.settings
    vault, pepper, now = vault_of(settings), settings.api_key_pepper, system_now()
    database = Database(
        settings.database_for("worker"), role=WORKER_ROLE, pool_size=2, words=vault.words()
    )
    found: list[Person] = []
    try:
        for number in numbers:
            async with database.transaction(SystemActor("tests")) as session:
                email = markers(number)["account"]
                user = await ensure_account(session, vault, email=email, pepper=pepper, now=now)
                _, key = await issue_api_key(
                    session, user, name=OWN_WORDS["key"], pepper=pepper, now=now
                )
            headers = {"Authorization": f"Bearer {key}"}
            http = httpx2.AsyncClient(base_url=installation.api_url, headers=headers, timeout=40)
            found.append(Person(number, http, user))
        yield found
    finally:
        for person in found:
            await person.http.aclose()
        await database.close()


def set_fault(installation: Stack, vendor: str, operation: str, effect: str, **more: Any) -> None:
    rule = {"vendor": vendor, "operation": operation, "effect": effect, **more}
    control(installation, "POST", "/faults", rule)


def control(installation: Stack, method: str, path: str, body: Any = None) -> Any:
    answer = httpx.request(
        method,
        f"{installation.sandbox_url}/_control{path}",
        json=body,
        headers={"X-Sandbox-Control": installation.sandbox_control_token},
        timeout=30,
    )
    answer.raise_for_status()
    return answer.json() if answer.content else None


def card_tokens(installation: Stack) -> list[str]:
    """Return the processor's names for customers and cards, as its own API tells them."""
    intents = control(installation, "GET", "/ledger")["stripe"]["payment_intents"]
    customers = {intent["customer"] for intent in intents}
    assert len(customers) >= 5
    tokens = sorted(customers)
    for customer in customers:
        answer = httpx.get(
            f"{installation.sandbox_url}/stripe/v1/customers/{customer}/payment_methods",
            headers={"Authorization": f"Bearer {installation.settings.stripe_secret_key}"},
        )
        tokens += [method["id"] for method in answer.raise_for_status().json()["data"]]
    assert any(token.startswith("pm_") for token in tokens)
    return tokens


def checkpoint(installation: Stack) -> None:
    with psycopg.connect(installation.settings.database_url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")


def files_of(installation: Stack) -> Iterator[tuple[str, bytes]]:
    """Yield every file of the installation but those of the outside world."""
    for path in sorted(installation.state_dir.rglob("*")):
        inside = path.relative_to(installation.state_dir)
        if inside.parts[0] == "sandboxes" or not path.is_file() or path.is_symlink():
            continue
        with contextlib.suppress(FileNotFoundError):  # Postgres clears up as we read
            yield f"/{inside}", Path(path).read_bytes()


def columns_of(url: str) -> Iterator[tuple[str, bytes]]:
    """Yield every column of every table, as COPY writes it."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT c.table_name, c.column_name FROM information_schema.columns c"
            " JOIN information_schema.tables t USING (table_schema, table_name)"
            " WHERE table_schema = 'public' AND t.table_type = 'BASE TABLE'"
        ).fetchall()
        for table, column in names:
            copy = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
                sql.Identifier(column), sql.Identifier(table)
            )
            with connection.cursor().copy(copy) as rows:
                yield f"{table}.{column}", b"".join(bytes(row) for row in rows)


def where(texts: dict[str, bytes], wanted: list[str]) -> list[tuple[str, str]]:
    # Words that begin alike are looked for at once: the forms of a beginning begin theirs.
    alike: dict[str, list[str]] = {}
    for word in wanted:
        alike.setdefault(word[:_BEGINNING], []).append(word)
    return [
        (name, word)
        for name, text in texts.items()
        for beginning, words in alike.items()
        if _stands_in(name, text, beginning)
        for word in words
        if _stands_in(name, text, word)
    ]


def _stands_in(name: str, text: bytes, word: str) -> bool:
    # What Postgres keeps is read through SQL in every form; its files are large, and other
    # places of its own (the write-ahead log) would show a word as it is.
    return any(form in text for form in forms_of(word, plainly="/postgres/" in name))


def forms_of(word: str, *, plainly: bool) -> Iterator[bytes]:
    """Yield the word as it is, in UTF-16, in hexadecimal digits, and inside any base64."""
    plain = word.encode()
    yield plain
    if plainly:
        return
    yield word.encode("utf-16-le")
    yield word.encode("utf-16-be")
    yield plain.hex().encode()
    for shift in range(3):
        # What stands before and after is unknown, so only the digits that it cannot change count.
        coded = base64.b64encode(b"\0" * shift + plain)
        first = (shift * 8 + 5) // 6
        last = (shift + len(plain)) * 8 // 6
        yield coded[first:last]

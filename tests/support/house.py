"""The whole product in one process, on real servers: what workflow and fault tests live in."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
from consents import MANDATE_KEYS, signed
from key_folder import KEYS_DIR
from sandbox import Sandbox
from sqlalchemy import text
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from cli.invariants import check, load_rows, unsettled
from db.models import PaymentCustomerRow, PaymentMethodRow
from db.queries.payment_methods import add_payment_method, ensure_payment_customer
from db.queries.travelers import add_traveler
from db.queries.users import create_user
from db.session import Database, SystemActor
from db.vault import vault_of
from domain.campaigns import BookingMode, CampaignState
from domain.criteria import Criteria
from domain.ids import CampaignId, PaymentMethodId, TravelerId, UserId, campaign_id_for
from domain.messages.attempt import (
    AuthenticationStart,
    BeginAuthentication,
    attempt_workflow_id,
)
from domain.messages.campaign import (
    CampaignAnswer,
    CampaignAnswerCode,
    CampaignInput,
    Consent,
    NewCampaign,
    campaign_workflow_id,
)
from domain.messages.order import order_workflow_id
from domain.messages.search import search_workflow_id
from domain.money import Money
from domain.offers import Party
from domain.travelers import TravelerDetails
from domain.wishes import last_bookable
from providers.duffel.client import Timeouts
from providers.registry import STRIPE_TIMEOUT_SECONDS, Providers, build_providers
from runtime.crypto import new_master_key
from runtime.settings import Settings, load_settings
from runtime.temporal import MAIN_QUEUE, set_search_queue_limit
from workflows.campaign import CampaignWorkflow
from workflows.schedules import ensure_search_runs

T = TypeVar("T")
TESTS = SystemActor("tests")
MASTER_KEYS = new_master_key("test")


def settings_for(database_url: str, sandbox: Sandbox, address: str, **more: Any) -> Settings:
    return load_settings(variables_for(database_url, sandbox, address, **more), env_files=())


def variables_for(
    database_url: str, sandbox: Sandbox, address: str, *,
    namespace: str = "default", **policy: object,
) -> dict[str, str]:  # fmt: skip
    """Return the environment of a process that lives in the house."""
    values = {
        "PARKER_APP_ENV": "test",
        "PARKER_MASTER_KEYS": MASTER_KEYS,
        "PARKER_KEYS_DIR": str(KEYS_DIR),
        "PARKER_MANDATE_KEYS": MANDATE_KEYS,
        "PARKER_HMAC_SECRET": "a-secret-of-the-tests-that-nobody-else-has",
        "PARKER_DATABASE_URL": database_url,
        "PARKER_TEMPORAL_ADDRESS": address,
        "PARKER_TEMPORAL_NAMESPACE": namespace,
        "PARKER_SANDBOX_URL": sandbox.url,
        "PARKER_SANDBOX_SMTP_PORT": str(sandbox.smtp_port),
        "PARKER_SANDBOX_CONTROL_TOKEN": sandbox.control_token,
        "PARKER_POLICY_SEARCHES_PER_MINUTE": "6000",
        "PARKER_NOTICES_WEBHOOK_LOOPBACK": "true",
        # Each takes a second: tests/activities/test_enclosed_handouts.py has them made.
        "PARKER_NOTICES_ENCLOSE_PDFS": "false",
    }
    return values | {f"PARKER_POLICY_{name.upper()}": str(v) for name, v in policy.items()}


# An offer said to be booked, being booked or failed, without an attempt of which that is true.
_UNTRUE_DECISIONS = """
    SELECT d.id, d.verdict FROM offer_decisions d
    WHERE d.verdict IN ('booked', 'attempted', 'failed') AND NOT EXISTS (
        SELECT FROM booking_attempts a
        WHERE a.campaign_id = d.campaign_id AND a.itinerary_key = d.itinerary_key
        AND d.verdict = CASE a.state
            WHEN 'captured' THEN 'booked' WHEN 'failed' THEN 'failed' ELSE 'attempted' END
    )
"""


class House:
    """Database, Temporal, providers and workers, with short words for what tests do."""

    def __init__(
        self, settings: Settings, database: Database, client: Client, providers: Providers,
        sandbox: Sandbox,
    ) -> None:  # fmt: skip
        self.settings, self.database, self.client = settings, database, client
        self.providers, self.sandbox = providers, sandbox
        self.vault = vault_of(settings)

    # People

    async def user(self) -> UserId:
        user_id = UserId(uuid4())
        async with self.database.transaction(TESTS) as session:
            # The key of a person hangs on the person's row.
            await create_user(
                session, user_id=user_id, email_encrypted="-", email_hmac=str(user_id), now=_now()
            )
            sealed = await self.vault.seal(
                session, user_id, f"{user_id}@example.com",
                table="users", column="email", row_id=user_id,
            )  # fmt: skip
            await session.execute(
                text(
                    "UPDATE users SET email_encrypted = :sealed, email_confirmed_at = created_at"
                    " WHERE id = :id"
                ),
                {"sealed": sealed, "id": user_id},
            )
        return user_id

    async def traveler(
        self, user_id: UserId, given_name: str = "Ada", born_on: date = date(1990, 5, 17)
    ) -> TravelerId:
        traveler_id = TravelerId(uuid4())
        details = TravelerDetails(
            given_name=given_name,
            family_name="Lovelace",
            born_on=born_on,
            gender="f",
            title="ms",
            email="ada@example.com",
            phone="+442080160508",
        )
        async with self.database.transaction(TESTS) as session:
            sealed = await self.vault.seal_traveler(session, user_id, traveler_id, details, _now())
            await add_traveler(session, sealed.traveler, sealed.documents)
        return traveler_id

    async def card(self, user_id: UserId, token: str = "pm_card_visa") -> PaymentMethodId:
        """Save one of the sandbox's test cards as the hosted page would."""
        card_id = PaymentMethodId(uuid4())
        customer = await self.providers.vault.create_customer(
            key=f"customer:{user_id}", user_reference=str(user_id)
        )
        method = await self._attach(token, customer)
        async with self.database.transaction(TESTS) as session:
            sealed_customer = await self.vault.seal(
                session, user_id, customer,
                table="payment_customers", column="customer_ref", row_id=user_id,
            )  # fmt: skip
            await ensure_payment_customer(
                session,
                PaymentCustomerRow(
                    user_id=user_id,
                    provider="stripe",
                    customer_ref_encrypted=sealed_customer,
                    created_at=_now(),
                ),
            )
            sealed_method = await self.vault.seal(
                session, user_id, method["id"],
                table="payment_methods", column="method_ref", row_id=card_id,
            )  # fmt: skip
            await add_payment_method(
                session,
                PaymentMethodRow(
                    id=card_id,
                    user_id=user_id,
                    provider="stripe",
                    method_ref_encrypted=sealed_method,
                    brand=method["card"]["brand"],
                    last4=method["card"]["last4"],
                    exp_month=12,
                    exp_year=2034,
                    status="usable",
                    created_at=_now(),
                    updated_at=_now(),
                ),
                default=True,
            )
        return card_id

    async def _attach(self, token: str, customer: str) -> dict[str, Any]:
        async with httpx.AsyncClient() as http:
            answer = await http.post(
                f"{self.sandbox.url}/stripe/v1/payment_methods/{token}/attach",
                data={"customer": customer},
                headers={"Authorization": f"Bearer {self.settings.stripe_secret_key}"},
            )
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    async def someone(self, card: str = "pm_card_visa") -> tuple[UserId, TravelerId]:
        user_id = await self.user()
        await self.card(user_id, card)
        return user_id, await self.traveler(user_id)

    # Campaigns

    def wish(self, **changes: Any) -> Criteria:
        """JFK to LIS, one way, on one day six weeks from now, for a generous budget."""
        day = _now().date() + timedelta(days=42)
        values: dict[str, Any] = {
            "origins": ("JFK",),
            "destinations": ("LIS",),
            "departure_from": day,
            "departure_until": day,
            "budget": Money(minor=200_000, currency="USD"),
        }
        return Criteria(**(values | changes))

    def new_campaign(
        self,
        user_id: UserId,
        travelers: tuple[TravelerId, ...],
        criteria: Criteria | None = None,
        *,
        key: str | None = None,
        mode: BookingMode = BookingMode.AUTO,
        party: Party | None = None,
        months: int = 12,
        now: datetime | None = None,
    ) -> NewCampaign:
        criteria, now, key = criteria or self.wish(), now or _now(), key or str(uuid4())
        expires_at = now + timedelta(days=365 * months // 12)
        last = datetime.combine(last_bookable(criteria), datetime.min.time(), UTC)
        new = NewCampaign(
            campaign_id=campaign_id_for(user_id, key),
            owner_id=user_id,
            name="a wish of the tests",
            criteria=criteria,
            mode=mode,
            traveler_ids=travelers,
            party=party or Party(adults=len(travelers)),
            consent=Consent(text_version="1", cap=criteria.budget, consented_at=now),
            body_hmac=key,
            created_at=now,
            expires_at=expires_at,
            ends_at=min(expires_at, last),
        )
        return signed(new)

    async def create(self, new: NewCampaign) -> CampaignAnswer:
        """Make the wish as the API does; again, under the same key, where workers keep dying."""
        while True:
            start = WithStartWorkflowOperation(
                CampaignWorkflow.run,
                CampaignInput(campaign_id=new.campaign_id, new=new),
                id=campaign_workflow_id(new.campaign_id),
                task_queue=MAIN_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            )
            try:
                return await self.client.execute_update_with_start_workflow(
                    CampaignWorkflow.created, id=str(new.body_hmac), start_workflow_operation=start
                )
            except (RPCError, WorkflowUpdateFailedError) as error:
                if not _passed_by(error):
                    raise

    async def update(
        self, campaign_id: CampaignId, name: str, *args: object, key: str | None = None
    ) -> CampaignAnswer:
        """Ask as the API does: again where the process was just ending, then the rows."""
        key = key or str(uuid4())
        while True:
            try:
                return await self.campaign(campaign_id).execute_update(
                    name, args=args, id=key, result_type=CampaignAnswer
                )
            except (RPCError, WorkflowUpdateFailedError) as error:
                if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
                    return await self._answer_of_rows(campaign_id)
                if not _passed_by(error):
                    raise

    async def _answer_of_rows(self, campaign_id: CampaignId) -> CampaignAnswer:
        row = await self.row("autobooking_campaigns", campaign_id)
        bookings = await self.rows(
            "SELECT booking_reference FROM bookings WHERE campaign_id = :id", id=campaign_id
        )
        booked = row["status"] == "booked"
        return CampaignAnswer(
            code=CampaignAnswerCode.BOOKED if booked else CampaignAnswerCode.ENDED,
            campaign_id=campaign_id,
            state=CampaignState(row["status"]),
            criteria_version=row["criteria_version"],
            booking_reference=bookings[0]["booking_reference"] if booked else None,
        )

    def campaign(self, campaign_id: CampaignId) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(campaign_workflow_id(campaign_id))

    def attempt(self, attempt_id: UUID) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(attempt_workflow_id(attempt_id))

    def order(self, booking_id: UUID) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(order_workflow_id(booking_id))

    async def wish_of_someone(self, card: str = "pm_card_visa", **changes: Any) -> NewCampaign:
        """Let a new person with that card make a wish; the answer says that it is accepted."""
        user, traveler = await self.someone(card)
        new = self.new_campaign(user, (traveler,), self.wish(**changes))
        answer = await self.create(new)
        assert answer.code == "done"
        return new

    # The world outside

    def fault(self, vendor: str, operation: str, effect: str, **more: object) -> str:
        return self.sandbox.fault(vendor, operation, effect, **more)

    def fare(self, amount: str, **more: object) -> None:
        """Set what the cheapest offer from JFK to LIS costs an adult."""
        body = {"origin": "JFK", "destination": "LIS", "amount": amount, **more}
        self.sandbox.control("POST", "/duffel/fares", body)

    def calls(self, vendor: str, operation: str) -> int:
        """Return how often a provider was called for this."""
        counts = self.sandbox.control("GET", f"/requests/count?vendor={vendor}")
        return int(counts.get(vendor, {}).get(operation, 0))

    async def way_to_the_bank(self, attempt_id: UUID) -> str | None:
        """Follow our link; it leads to the bank's page if there is something to confirm."""
        start: AuthenticationStart = await self.attempt(attempt_id).execute_update(
            "begin_authentication",
            BeginAuthentication(return_url="https://parker.example/pay/return"),
            result_type=AuthenticationStart,
        )
        return start.redirect_url

    async def at_the_bank(self, attempt_id: UUID, outcome: str) -> None:
        """Go to the bank's page by our link, answer it, and come back."""
        page = await self.way_to_the_bank(attempt_id)
        assert page
        async with httpx.AsyncClient() as browser:
            answer = await browser.post(page, data={"outcome": outcome})
        assert answer.status_code == 303
        await self.attempt(attempt_id).signal("authentication_returned")

    async def skip(self, handle: WorkflowHandle[Any, Any], span: timedelta) -> None:
        """Move one workflow's clock forward by so much, and none of those that it starts meanwhile.

        An order that began in between would live all of its days at once.
        """
        config = TimeSkippingConfig(
            enabled=False, disable_propagation=True, max_session_skip_count=1_000_000
        )
        await TimeSkipper(self.client, config=config).fast_forward(handle, span)

    async def later(self, span: timedelta, *campaigns: CampaignId) -> None:
        """Move these wishes, then the search loop, so that what it finds meets wishes of then."""
        for campaign_id in campaigns:
            await self.skip(self.campaign(campaign_id), span)
        await self.skip(self.client.get_workflow_handle(search_workflow_id("duffel")), span)

    # Looking

    async def attempts(self, campaign_id: CampaignId) -> list[dict[str, Any]]:
        return await self.rows(
            "SELECT * FROM booking_attempts WHERE campaign_id = :id ORDER BY number", id=campaign_id
        )

    async def attempt_in(self, campaign_id: CampaignId, *states: str) -> dict[str, Any]:
        """Wait until the campaign's newest attempt has come to one of these states."""

        async def reached() -> dict[str, Any] | None:
            found = await self.attempts(campaign_id)
            return found[-1] if found and found[-1]["state"] in states else None

        async def told() -> str:
            found = [(a["state"], a["failure_reason"]) for a in await self.attempts(campaign_id)]
            return f"{found}: {await self.events(campaign_id)}"

        return await eventually(reached, told=told)

    async def tasks(self) -> list[str]:
        """Return the kinds of what a person was asked."""
        return [r["kind"] for r in await self.rows("SELECT kind FROM operator_tasks ORDER BY kind")]

    async def notices(self, campaign_id: CampaignId) -> list[str]:
        rows = await self.rows(
            "SELECT event FROM notices WHERE campaign_id = :id AND channel = 'email'"
            " ORDER BY created_at",
            id=campaign_id,
        )
        return [r["event"] for r in rows]

    def intents(self) -> list[str]:
        """Return the states of all payments in the processor's books, oldest first."""
        intents = self.sandbox.ledger()["stripe"]["payment_intents"]
        return [i["status"] for i in sorted(intents, key=lambda i: i["created"])]

    def orders(self) -> list[str]:
        """Return the states of all orders in the seller's books."""
        return [o["status"] for o in self.sandbox.ledger()["duffel"]["orders"]]

    async def in_order(self) -> None:
        """Wait until the dust has settled and every promise holds in both sides' books."""

        async def wrong() -> tuple[object, ...]:
            async with self.database.transaction(TESTS) as session:
                rows = await load_rows(session)
            untrue = await self.rows(_UNTRUE_DECISIONS)
            return (*unsettled(rows), *untrue) or check(self.sandbox.ledger(), rows)

        async def right() -> bool:
            return not await wrong()

        async def told() -> str:
            return "; ".join(str(each) for each in await wrong())

        await eventually(right, seconds=20, told=told)

    async def rows(self, query: str, **parameters: object) -> list[dict[str, Any]]:
        async with self.database.transaction(TESTS) as session:
            return [dict(r) for r in (await session.execute(text(query), parameters)).mappings()]

    async def row(self, table: str, row_id: UUID) -> dict[str, Any]:
        return (await self.rows(f"SELECT * FROM {table} WHERE id = :id", id=row_id))[0]

    async def state(self, campaign_id: CampaignId) -> str:
        return str((await self.row("autobooking_campaigns", campaign_id))["status"])

    async def events(self, campaign_id: CampaignId) -> list[str]:
        rows = await self.rows(
            "SELECT kind FROM campaign_events WHERE campaign_id = :id ORDER BY seq", id=campaign_id
        )
        return [r["kind"] for r in rows]

    async def watched(self, campaign_id: CampaignId) -> None:
        """Wait until a look has judged the wish."""

        async def looked() -> bool:
            query = (
                "SELECT 1 FROM offer_decisions"
                " WHERE campaign_id = :id AND verdict <> 'unread' LIMIT 1"
            )
            return bool(await self.rows(query, id=campaign_id))

        await eventually(looked)

    async def until(self, campaign_id: CampaignId, *states: str, seconds: float = 40) -> str:
        async def reached() -> str | None:
            state = await self.state(campaign_id)
            return state if state in states else None

        async def told() -> str:
            return f"{await self.state(campaign_id)}: {await self.events(campaign_id)}"

        return await eventually(reached, seconds=seconds, told=told)


def _passed_by(error: RPCError | WorkflowUpdateFailedError) -> bool:
    """Say whether a worker that was dying, or had forgotten the process, took no notice."""
    if isinstance(error, RPCError):
        return error.status is RPCStatusCode.FAILED_PRECONDITION
    return isinstance(error.cause, ApplicationError) and error.cause.type == "UnprocessedUpdate"


async def eventually(
    ask: Callable[[], Awaitable[T | None]],
    *,
    seconds: float = 40,
    told: Callable[[], Awaitable[object]] | None = None,
) -> T:
    """Ask again and again until there is an answer, at most so long."""
    deadline, pause = time.monotonic() + seconds, 0.05
    while True:
        answer = await ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(await told() if told else "it did not come about in time")
        await asyncio.sleep(pause)
        pause = min(1.2 * pause, 0.25)  # whoever waits long takes no time from those who work


@asynccontextmanager
async def open_house(
    database_url: str, sandbox: Sandbox, client: Client, address: str, *,
    extra_headers: Any = None, workers: bool = True, patience: float | None = None,
    **policy: object,
) -> AsyncIterator[House]:  # fmt: skip
    """Open a house; `patience` is how many seconds a silent provider is waited for."""
    from db.session import WORKER_ROLE

    settings = settings_for(database_url, sandbox, address, namespace=client.namespace, **policy)
    async with AsyncExitStack() as opened:
        database = Database(database_url, role=WORKER_ROLE, pool_size=10)
        opened.push_async_callback(database.close)
        hooks: dict[str, Any] = {"extra_headers": extra_headers} if extra_headers else {}
        if patience:
            hooks["duffel_timeouts"] = Timeouts(*[patience] * 4)
        providers = await build_providers(
            settings, **hooks, stripe_timeout_seconds=patience or STRIPE_TIMEOUT_SECONDS
        )
        opened.push_async_callback(providers.aclose)
        await set_search_queue_limit(client, settings.policy.searches_per_second)
        house = House(settings, database, client, providers, sandbox)
        if workers:
            await opened.enter_async_context(at_work(house))
        yield house


@asynccontextmanager
async def at_work(house: House) -> AsyncIterator[None]:
    """Have workers in a house, and its search loop run."""
    import worker as process

    activities = process.Activities(house.settings, house.database, house.providers)
    async with AsyncExitStack() as opened:
        for each in process.build_workers(house.client, house.settings, activities):
            await opened.enter_async_context(each)
        await ensure_search_runs(house.client, "duffel")
        yield


def _now() -> datetime:
    return datetime.now(UTC)


__all__ = ["House", "WorkflowUpdateFailedError", "eventually", "open_house", "settings_for"]

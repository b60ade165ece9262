"""The worker process: settings, clients, activities, workers. It lists what runs; no logic."""

import asyncio
import gc
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import Worker, WorkerDeploymentConfig

from activities.accounts import AccountActivities
from activities.acting import AskersAct
from activities.allowances import AllowanceActivities
from activities.attempts import AttemptActivities
from activities.audit import AuditActivities
from activities.campaigns import CampaignActivities
from activities.care import CareActivities
from activities.changes import ChangeActivities
from activities.consents import ConsentActivities
from activities.disputes import DisputeActivities
from activities.erasures import ErasureActivities
from activities.mandate_guard import MandateGuard
from activities.notices import NoticeActivities
from activities.offers import OfferActivities
from activities.operating import OperatorActivities
from activities.orders import OrderActivities
from activities.papers import PaperActivities
from activities.payments import PaymentActivities
from activities.provider_events import ProviderEventActivities
from activities.refunds import RefundActivities
from activities.retention import RetentionActivities
from activities.search import SearchActivities
from activities.second_thoughts import SecondThoughtActivities
from activities.unpaid_orders import UnpaidOrderActivities
from activities.webhooks import WebhookDeliveries
from api.handouts.enclosing import Enclosing
from db.account_mail import AccountMail
from db.audit_checkpoints import Checkpoints
from db.provider_states import ProviderStates
from db.session import WORKER_ROLE, Database
from db.vault import vault_of
from providers.breaker import CircuitBreaker
from providers.registry import Providers, build_providers, no_extra_headers
from providers.webhooks.sender import HttpWebhookSender
from runtime.metrics import metrics_runtime
from runtime.settings import ProviderMode, Settings, load_settings
from runtime.telemetry import configure_logging, get_logger
from runtime.temporal import MAIN_QUEUE, SEARCH_QUEUE, connect, set_search_queue_limit
from runtime.workflow_clock import WorkflowClock
from workflows.accounts import PasswordResetWorkflow
from workflows.attempt import AttemptWorkflow
from workflows.audit import AuditKeeperWorkflow
from workflows.campaign import CampaignWorkflow
from workflows.disputes import DisputeWorkflow
from workflows.erasure import ErasureWorkflow
from workflows.notices import NoticeKeeperWorkflow, PaperKeeperWorkflow, TellingWorkflow
from workflows.operator import OperatorActionWorkflow, OperatorKeeperWorkflow
from workflows.order import OrderWorkflow
from workflows.provider_events import ProviderEventsWorkflow
from workflows.retention import RetentionWorkflow
from workflows.schedules import (
    ensure_actions_begin,
    ensure_audit_is_chained,
    ensure_disputes_are_followed,
    ensure_events_are_worked_on,
    ensure_notices_are_told,
    ensure_papers_are_looked_through,
    ensure_retention,
    ensure_search_runs,
)
from workflows.search import SearchKeeperWorkflow, SearchWorkflow

WORKFLOWS: list[type] = [
    CampaignWorkflow,
    SearchWorkflow,
    SearchKeeperWorkflow,
    AttemptWorkflow,
    OrderWorkflow,
    DisputeWorkflow,
    ProviderEventsWorkflow,
    ErasureWorkflow,
    RetentionWorkflow,
    TellingWorkflow,
    NoticeKeeperWorkflow,
    PasswordResetWorkflow,
    PaperKeeperWorkflow,
    AuditKeeperWorkflow,
    OperatorActionWorkflow,
    OperatorKeeperWorkflow,
]
SELLERS = ("duffel",)

# Workflows run in threads, activities in the loop's: a thread gives way after this long. With
# Python's own 5 ms each answer of Postgres or Temporal waits so long for whichever workflow runs.
SWITCH_SECONDS = 0.0005


class Activities:
    """Every activity object of this process, built once."""

    def __init__(self, settings: Settings, database: Database, providers: Providers) -> None:
        policy, vault = settings.policy, vault_of(settings)
        sandbox = settings.provider_mode("duffel") is ProviderMode.SANDBOX
        self.offers = OfferActivities(database, vault, providers.search, policy)
        guard = MandateGuard(settings.mandate_signing)
        self.search = SearchActivities(database, providers.search, policy)
        self.campaigns = CampaignActivities(database, policy, guard)
        self.consents = ConsentActivities(database, guard)
        self.allowances = AllowanceActivities(database, guard)
        self.second_thoughts = SecondThoughtActivities(database, policy)
        self.attempts = AttemptActivities(database)
        self.payments = PaymentActivities(database, vault, providers.payments, policy, guard)
        self.orders = OrderActivities(database, vault, providers.orders, policy, guard)
        self.unpaid = UnpaidOrderActivities(database, providers.orders, providers.cancellations)
        self.care = CareActivities(database, vault, providers.orders, providers.cancellations)
        self.disputes = DisputeActivities(database, providers.disputes)
        self.events = ProviderEventActivities(database)
        self.changes = ChangeActivities(database, vault, providers.orders, providers.changes)
        self.erasures = ErasureActivities(database, vault, providers.vault, settings.privacy)
        self.retention = RetentionActivities(database, vault, settings.privacy)
        self.refunds = RefundActivities(database, providers.payments)
        self.operating = OperatorActivities(
            database, self.orders, providers.orders, settings.operating.begin_within
        )
        checkpoints = Checkpoints(
            settings.operating.folder(settings.state_dir), settings.mandate_signing
        )
        self.audit = AuditActivities(database, checkpoints)
        secret = settings.hmac_secret.get_secret_value()
        self.accounts = AccountActivities(database, AccountMail(vault, secret))
        self.papers = PaperActivities(
            database,
            vault,
            card_marks=settings.money.card_warning_days,
            passport_marks=settings.notices.passport_warning_days,
        )
        self.notices = NoticeActivities(
            database,
            vault,
            providers.mail,
            base_url=settings.base_url,
            link_secret=secret,
            sandbox=sandbox,
            hooks=WebhookDeliveries(
                database,
                vault,
                HttpWebhookSender(
                    seconds=settings.notices.webhook_seconds,
                    loopback=settings.notices.webhook_loopback,
                ),
                base_url=settings.base_url,
                sandbox=sandbox,
                patience=settings.notices.webhook_patience,
            ),
            enclose=Enclosing(vault, settings),
        )

    def main(self) -> list[Any]:
        groups = (
            self.search,
            self.campaigns,
            self.consents,
            self.allowances,
            self.second_thoughts,
            self.attempts,
            self.payments,
            self.orders,
            self.unpaid,
            self.care,
            self.changes,
            self.refunds,
            self.disputes,
            self.events,
            self.papers,
            self.notices,
            self.accounts,
            self.erasures,
            self.retention,
            self.audit,
            self.operating,
        )
        return [m for group in groups for m in activity_methods(group) if m != self.search.look]

    def searching(self) -> list[Any]:
        """Return what spends the seller's search quota; its queue enforces the limit."""
        return [self.search.look, self.offers.choose_offer]


def activity_methods(group: object) -> list[Any]:
    methods = (getattr(group, name) for name in dir(group) if not name.startswith("_"))
    return [m for m in methods if hasattr(m, "__temporal_activity_definition")]


def build_workers(
    client: Client,
    settings: Settings,
    activities: Activities,
    workflows: Sequence[type] = WORKFLOWS,
) -> list[Worker]:
    drain = timedelta(seconds=settings.worker_shutdown_seconds)
    deployed = deployment(settings)
    # Without a name the SDK reads and hashes the code of all that was imported.
    build = f"parker {version('parker-flight')}"
    return [
        Worker(
            client,
            task_queue=MAIN_QUEUE,
            workflows=workflows,
            activities=activities.main(),
            interceptors=[WorkflowClock(), AskersAct()],
            max_cached_workflows=settings.worker_max_cached_workflows,
            max_concurrent_activities=settings.worker_concurrent_activities,
            graceful_shutdown_timeout=drain,
            build_id=None if deployed else build,
            deployment_config=deployed,
        ),
        # A worker of its own: eager activities would go round the queue's limit.
        Worker(
            client,
            task_queue=SEARCH_QUEUE,
            activities=activities.searching(),
            interceptors=[AskersAct()],
            disable_eager_activity_execution=True,
            graceful_shutdown_timeout=drain,
            build_id=build,
        ),
    ]


def deployment(settings: Settings) -> WorkerDeploymentConfig | None:
    """Version this worker where a build is named.

    Runs move to the newest build by themselves, or, where builds are not compatible, stay with the
    one that began them until they go on as new runs.
    """
    if settings.worker_deployment_build is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion("parker", settings.worker_deployment_build),
        use_worker_versioning=True,
        default_versioning_behavior=(
            VersioningBehavior.PINNED
            if settings.worker_deployment_pinned
            else VersioningBehavior.AUTO_UPGRADE
        ),
    )


def simulated_clock() -> Mapping[str, str]:
    """Tell a sandbox the workflow's own time; only simulations switch this on."""
    now = activity.info().started_time if activity.in_activity() else datetime.now(UTC)
    return {"X-Sandbox-Now": now.isoformat()}


async def run(settings: Settings) -> None:
    """Work until told to stop, then drain."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as opened:
        database = Database(
            settings.database_for("worker"),
            role=WORKER_ROLE,
            pool_size=settings.database_pool_size,
            # Nothing that it does needs people's words for things.
            words=vault_of(settings).words(opens=False),
            journal=settings.journal,
        )
        opened.push_async_callback(database.close)
        hook = simulated_clock if settings.simulated_clock else no_extra_headers
        states = ProviderStates(database)
        opened.push_async_callback(states.settle)
        providers = await build_providers(
            settings, hook, breaker=lambda vendor: CircuitBreaker(vendor, states.tell)
        )
        opened.push_async_callback(providers.aclose)
        client = await connect(settings, runtime=metrics_runtime(settings))
        await set_search_queue_limit(client, settings.policy.searches_per_second)
        for worker in build_workers(client, settings, Activities(settings, database, providers)):
            await opened.enter_async_context(worker)
        for seller in SELLERS:
            await ensure_search_runs(client, seller)
        await ensure_notices_are_told(client)
        await ensure_papers_are_looked_through(client)
        await ensure_retention(client)
        await ensure_disputes_are_followed(client)
        await ensure_events_are_worked_on(client)
        await ensure_audit_is_chained(client)
        await ensure_actions_begin(client)
        get_logger("worker").info("worker started", queues=[MAIN_QUEUE, SEARCH_QUEUE])
        await stop.wait()


def work(settings: Settings) -> None:
    """Be the worker until a signal comes."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()  # no garbage is looked for among what was imported
    configure_logging(log_format=settings.log_format, level=settings.log_level, process="worker")
    asyncio.run(run(settings))


if __name__ == "__main__":
    work(load_settings().require_own_login("worker"))

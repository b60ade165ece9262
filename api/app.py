"""The application: what is built at start, which routes there are, what wraps every request."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

from fastapi import FastAPI
from starlette.formparsers import MultiPartParser

from api import errors, health, operator_codec
from api.health import ProviderWatch
from api.live import LiveFeed
from api.middleware import FORM_AROUND_FILE, BodyLimit, Heads, SafeHeaders, UnknownErrors
from api.rest import (
    bookings,
    campaign_actions,
    campaign_status,
    campaigns,
    handouts,
    mandates,
    notices,
    payment_methods,
    places,
    policy,
    privacy,
    travelers,
    trip_requests,
    webhooks,
)
from api.services import Services, TemporalLink
from api.web import (
    account_pages,
    card_setup,
    factor_pages,
    kept_pages,
    making_pages,
    pay,
    watching_pages,
)
from api.web import notices as notice_pages
from api.web import settings as settings_page
from api.web import webhooks as webhook_pages
from api.web.admin import pages as console_pages
from api.web.pages import STATIC, Static
from api.web.problem_pages import lead_elsewhere, problem_page
from api.web.visits import Elsewhere
from api.webhooks import events as provider_events
from db.session import APP_ROLE, OPERATOR_ROLE, Database
from db.vault import PersonalVault, vault_of
from providers.http import HeaderHook
from providers.registry import build_providers, file_scanner, no_extra_headers, open_identity
from runtime.clock import system_now
from runtime.settings import Settings, load_settings

_DESCRIPTION = """
Books a traveller's wish by itself, exactly once.

Send your key as `Authorization: Bearer pk_…`. Requests that make something take an
`Idempotency-Key`: repeating one with the same key never does it twice. Every refusal is a problem
as RFC 9457 describes, with a sentence in `detail` that a person can read.
"""
# Operators are few.
_CONSOLE_POOL = 4
_TAGS = [
    {"name": "campaigns", "description": "Wishes that are watched and booked by themselves."},
    {"name": "trips", "description": "Trips kept in mind, and what past prices tell of them."},
    {"name": "places", "description": "Airports, cities and airlines, by what people write."},
    {"name": "travellers", "description": "Who travels. Stored encrypted, field by field."},
    {"name": "payment methods", "description": "Saved cards. No card number ever reaches us."},
    {"name": "bookings", "description": "What was booked, and giving it back."},
    {"name": "notices", "description": "What you were told, and what you want to be told."},
    {"name": "webhooks", "description": "Your own servers, called when something happens."},
    {"name": "account", "description": "Your own data: what is held, and all of it at once."},
    {"name": "policy", "description": "The rules that hold in this installation."},
    {"name": "health", "description": "Whether we live, can serve, and reach the providers."},
]


_ROUTED = (
    campaigns,
    campaign_actions,
    campaign_status,
    mandates,
    travelers,
    # Before the cards: "setups/return" is no card's id.
    card_setup,
    payment_methods,
    handouts,
    bookings,
    places,
    trip_requests,
    notices,
    webhooks,
    privacy,
    policy,
    health,
    pay,
    notice_pages,
    webhook_pages,
    settings_page,
    operator_codec,
    provider_events,
    *account_pages.PAGES,
    *factor_pages.PAGES,
    *kept_pages.PAGES,
    *making_pages.PAGES,
    *watching_pages.PAGES,
    *console_pages.PAGES,
)


def create_app(
    settings: Settings | None = None,
    *,
    clock: Callable[[], datetime] = system_now,
    provider_headers: HeaderHook = no_extra_headers,
) -> FastAPI:
    """Build the application. Without settings they are read from the environment."""
    chosen = settings or load_settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as opened:
            app.state.services = await _open(chosen, clock, provider_headers, opened)
            yield

    app = FastAPI(
        title="Parker Flight",
        version="0.1.0",
        summary="Campaigns that book themselves.",
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        lifespan=lifespan,
        docs_url=None,  # a page of ours: the viewer that FastAPI brings loads from elsewhere
        redoc_url=None,
        openapi_url="/openapi.json",
        # A router that is included builds its routes again, for each application.
        routes=[route for module in _ROUTED for route in module.router.routes],
    )
    app.mount("/static", Static(directory=STATIC), name="static")
    errors.install(app, problem_page)
    app.add_exception_handler(Elsewhere, lead_elsewhere)  # type: ignore[arg-type]
    # The last one added is the outermost.
    largest = chosen.documents.largest_bytes
    app.add_middleware(BodyLimit, files=largest + FORM_AROUND_FILE)
    # A scan of a passport stays in memory until it is sealed: it never lies in a file in clear.
    MultiPartParser.spool_max_size = largest + 1
    app.add_middleware(Heads)
    app.add_middleware(UnknownErrors)
    app.add_middleware(SafeHeaders, https=chosen.base_url.startswith("https:"))
    return app


async def _open(
    settings: Settings,
    clock: Callable[[], datetime],
    provider_headers: HeaderHook,
    opened: AsyncExitStack,
) -> Services:
    """Build what the routes need; nothing is called, so that the API starts whatever is away."""
    vault = vault_of(settings, clock=clock)
    database = Database(
        settings.database_for("app"),
        role=APP_ROLE,
        pool_size=settings.database_pool_size,
        words=vault.words(),
        journal=settings.journal,
    )
    opened.push_async_callback(database.close)
    providers = await build_providers(settings, provider_headers)
    opened.push_async_callback(providers.aclose)
    identity = open_identity(settings.oidc)
    if identity is not None:
        opened.push_async_callback(identity.aclose)
    live = LiveFeed(database)
    live.start()
    opened.push_async_callback(live.stop)
    return Services(
        settings=settings,
        database=database,
        vault=vault,
        temporal=TemporalLink(settings),
        cards=providers.vault,
        live=live,
        clock=clock,
        providers_watch=ProviderWatch(),
        operators=_operators(settings, vault, opened),
        scanner=file_scanner(settings.documents.clamd),
        identity=identity,
    )


def _operators(settings: Settings, vault: PersonalVault, opened: AsyncExitStack) -> Database | None:
    """Open the console's own way to the database, where this process was given one."""
    address = settings.own_login("operator")
    if address is None and not settings.in_production:
        address = settings.database_address
    if not address:
        return None
    made = Database(
        address,
        role=OPERATOR_ROLE,
        pool_size=_CONSOLE_POOL,
        words=vault.words(),
        journal=settings.journal,
    )
    opened.push_async_callback(made.close)
    return made

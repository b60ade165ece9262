"""What the routes work with, built once at start and given to each request."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from temporalio.client import Client

from api.errors import unavailable
from api.handouts.press import Press
from api.live import LiveFeed
from api.outlook import Outlook
from db.account_mail import AccountMail
from db.acting import said_of_actor
from db.session import Database
from db.vault import PersonalVault
from providers.ports import CardVault, FileScanner, IdentityProvider
from runtime.asked_by import AskingFor
from runtime.passwords import Passwords
from runtime.settings import Settings
from runtime.temporal import RPC_TIMEOUT, connect

if TYPE_CHECKING:
    from api.health import ProviderWatch

_log = logging.getLogger("api")


class TemporalLink:
    """A client made at first use, so that the API starts, and reads, while Temporal is away."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._connecting = asyncio.Lock()

    async def client(self) -> Client:
        """Return the client, or refuse with 503 when the server cannot be reached in time."""
        async with self._connecting:
            if self._client is None:
                try:
                    async with asyncio.timeout(RPC_TIMEOUT.total_seconds()):
                        self._client = await connect(
                            self._settings, identity="api", interceptors=[AskingFor(said_of_actor)]
                        )
                except (RuntimeError, TimeoutError, OSError) as error:
                    _log.warning("temporal away error=%s", type(error).__name__)
                    raise unavailable(
                        "The engine that runs campaigns does not answer at the moment. Nothing was"
                        " changed; repeat the request in a few seconds."
                    ) from error
            return self._client


@dataclass(frozen=True)
class Services:
    """Everything that a route may reach."""

    settings: Settings
    database: Database
    vault: PersonalVault
    temporal: TemporalLink
    cards: CardVault
    live: LiveFeed
    clock: Callable[[], datetime]
    providers_watch: "ProviderWatch"
    operators: Database | None = None
    """What the console sees: everybody's ids and states, a person's own under a reason only.

    None: this process was given no login for it, and there is no console."""
    scanner: FileScanner | None = None
    """Who checks uploads; None: nobody does, and pages say so."""
    identity: IdentityProvider | None = None
    """Who else may say who somebody is, where an installation has such a provider."""
    press: Press = field(default_factory=Press)

    @cached_property
    def outlook(self) -> Outlook:
        return Outlook()

    @cached_property
    def passwords(self) -> Passwords:
        limits = self.settings.accounts
        return Passwords(
            memory_kib=limits.password_memory_kib,
            rounds=limits.password_rounds,
            lanes=limits.password_lanes,
        )

    @cached_property
    def account_mail(self) -> AccountMail:
        return AccountMail(self.vault, self.settings.hmac_secret.get_secret_value())

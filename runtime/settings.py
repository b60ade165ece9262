"""The one settings object: read from the environment and `.env` once, at start, then passed in.

Our own variables begin with PARKER_; a provider's key has the name its own manual gives it.
Each variable is explained in `.env.example`.
"""

import os
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import quote, urlsplit

from dotenv import dotenv_values
from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from runtime.account_settings import AccountSettings
from runtime.crypto import MasterKeys
from runtime.document_settings import DocumentSettings
from runtime.journal import Journal
from runtime.money_settings import MoneySettings
from runtime.notice_settings import NoticeSettings
from runtime.oidc_settings import OidcSettings
from runtime.operating_settings import OperatingSettings
from runtime.policy import Policy
from runtime.privacy_settings import PrivacySettings
from runtime.settings_checks import (
    EXPECTED,
    PREFIX,
    REQUIRED,
    problems_of,
    reached_as,
    variable_of,
)
from runtime.signing import MandateKeys

SANDBOX_DUFFEL_TOKEN = "duffel_test_sandbox"  # noqa: S105 - opens nothing but our own stand-in
SANDBOX_STRIPE_KEY = "sk_test_sandbox"
SANDBOX_WEBHOOK_SECRETS = {"duffel": "sandbox-duffel-secret", "stripe": "whsec_sandbox"}
DUFFEL_URL = "https://api.duffel.com"
STRIPE_URL = "https://api.stripe.com"


class AppEnv(StrEnum):
    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class ProviderMode(StrEnum):
    SANDBOX = "sandbox"  # our own stand-in: nothing is real
    TEST = "test"  # the provider's test mode
    LIVE = "live"  # real seats and real money


DatabaseRole = Literal["owner", "app", "worker", "operator"]
Vendor = Literal["duffel", "stripe", "smtp"]
VENDORS: tuple[Vendor, ...] = ("duffel", "stripe", "smtp")


class SettingsError(Exception):
    """Settings are missing or malformed; the message names each variable and what it expects."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def _own(name: str) -> AliasChoices:
    """Name a variable that is not ours to prefix."""
    return AliasChoices(name)


def _none_if_empty(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


_Port = Annotated[int, Field(ge=1, le=65_535)]
_Optional = Annotated[SecretStr | None, BeforeValidator(_none_if_empty)]
_OptionalText = Annotated[str | None, BeforeValidator(_none_if_empty)]
_NO_SECRET = SecretStr("")


class Settings(BaseSettings):
    """Everything that differs between installations. Frozen."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        enable_decoding=False,
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    app_env: AppEnv = AppEnv.DEVELOPMENT
    state_dir: Path = Path(".parker")
    env_file: str = ".env"
    """Read besides the environment; empty for none. Itself read from the environment only."""
    simulated_clock: bool = False
    """Providers' stand-ins are told the workflow's time: for the demo, tests and simulation."""
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    # Secrets of ours
    master_keys: SecretStr = _NO_SECRET
    keys_dir: Annotated[Path | None, BeforeValidator(_none_if_empty)] = None
    """Where people's keys rest, apart from the database; see `key_folder`."""
    journal_file: Annotated[Path | None, BeforeValidator(_none_if_empty)] = None
    """What was revoked and erased, apart from database and backups; see `journal`."""
    hmac_secret: SecretStr = _NO_SECRET
    """Keys what is compared but never read back: API keys, idempotent bodies, links."""
    mandate_keys: SecretStr = _NO_SECRET
    """Sign what travellers consent to; the current one first, retired ones public only."""

    # Postgres
    database_url: str = ""
    database_app_url: _OptionalText = None
    database_worker_url: _OptionalText = None
    database_operator_url: _OptionalText = None
    backup_passphrase: _Optional = None
    database_pool_size: Annotated[int, Field(ge=2, le=100)] = 10
    supabase_url: _OptionalText = Field(None, validation_alias=_own("SUPABASE_URL"))
    supabase_service_role_key: _Optional = Field(
        None, validation_alias=_own("SUPABASE_SERVICE_ROLE_KEY")
    )

    # Temporal
    temporal_address: str = "127.0.0.1:7233"
    temporal_namespace: str = "default"
    temporal_tls: bool = False
    temporal_api_key: _Optional = None
    temporal_port: _Port = 7233
    temporal_ui_port: _Port = 8233
    temporal_ui_url: _OptionalText = None
    """Where operators' browsers find Temporal's pages, if not on this machine's port."""
    worker_max_cached_workflows: Annotated[int, Field(ge=0, le=10_000)] = 600
    worker_concurrent_activities: Annotated[int, Field(ge=1, le=1000)] = 50
    worker_shutdown_seconds: Annotated[int, Field(ge=0, le=600)] = 20
    worker_metrics_host: str = "127.0.0.1"
    worker_metrics_port: Annotated[_Port | None, BeforeValidator(_none_if_empty)] = None
    """Where a worker's figures are for Prometheus; without a port they are nowhere."""
    worker_deployment_build: _OptionalText = None
    """The build id of versioned workers; without one, workers are not versioned."""
    worker_deployment_pinned: bool = False
    """Keep each run on the build that began it; old workers stay until they have no more runs."""

    # What we serve
    api_host: str = "127.0.0.1"
    api_port: _Port = 8000
    public_url: _OptionalText = None
    api_url: _OptionalText = None
    """Where the command line finds the API, if not at `base_url`."""
    api_key: _Optional = None
    """Whose wishes the command line speaks for."""
    sandbox_port: _Port = 8090
    sandbox_smtp_port: _Port = 8025
    sandbox_url: _OptionalText = None
    """Where the sandboxes are, if not on this machine's `sandbox_port`."""
    sandbox_control_token: _Optional = None
    sandbox_seed: Annotated[int, Field(ge=0)] = 1

    # Providers
    duffel_key: _Optional = Field(None, validation_alias=_own("DUFFEL_API_TOKEN"))
    duffel_url: _OptionalText = Field(None, validation_alias=_own("DUFFEL_API_URL"))
    duffel_hook_secret: _Optional = Field(None, validation_alias=_own("DUFFEL_WEBHOOK_SECRET"))
    stripe_key: _Optional = Field(None, validation_alias=_own("STRIPE_SECRET_KEY"))
    stripe_url: _OptionalText = Field(None, validation_alias=_own("STRIPE_API_URL"))
    stripe_hook_secret: _Optional = Field(None, validation_alias=_own("STRIPE_WEBHOOK_SECRET"))
    smtp_server: _OptionalText = Field(None, validation_alias=_own("SMTP_HOST"))
    smtp_server_port: _Port = Field(587, validation_alias=_own("SMTP_PORT"))
    smtp_username: _OptionalText = Field(None, validation_alias=_own("SMTP_USERNAME"))
    smtp_secret: _Optional = Field(None, validation_alias=_own("SMTP_PASSWORD"))
    smtp_tls: bool = Field(True, validation_alias=_own("SMTP_STARTTLS"))
    mail_from: str = "Parker Flight <travel@parker.example>"

    # Accepted, so that an environment written for the earlier stack starts; `doctor` says so
    upstash_redis_rest_url: _OptionalText = Field(
        None, validation_alias=_own("UPSTASH_REDIS_REST_URL")
    )
    upstash_redis_rest_token: _Optional = Field(
        None, validation_alias=_own("UPSTASH_REDIS_REST_TOKEN")
    )
    launchdarkly_sdk_key: _Optional = Field(
        None, validation_alias=_own("LAUNCHDARKLY_SERVER_SDK_KEY")
    )

    # Groups: the variable of `policy.x` is PARKER_POLICY_X. Each is listed in GROUPS.
    policy: Policy = Field(default_factory=Policy)
    accounts: AccountSettings = Field(default_factory=AccountSettings)
    money: MoneySettings = Field(default_factory=MoneySettings)
    notices: NoticeSettings = Field(default_factory=NoticeSettings)
    privacy: PrivacySettings = Field(default_factory=PrivacySettings)
    documents: DocumentSettings = Field(default_factory=DocumentSettings)
    oidc: OidcSettings = Field(default_factory=OidcSettings)
    operating: OperatingSettings = Field(default_factory=OperatingSettings)

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if problems := problems_of(self):
            raise SettingsError(problems)
        return self

    # Effective values: what a provider's client is built from.

    @property
    def duffel_api_url(self) -> str:
        real = DUFFEL_URL if self.duffel_key else f"{self.sandbox_base_url}/duffel"
        return (self.duffel_url or real).rstrip("/")

    @property
    def duffel_api_token(self) -> str:
        return _reveal(self.duffel_key) or SANDBOX_DUFFEL_TOKEN

    @property
    def duffel_webhook_secret(self) -> str:
        return _reveal(self.duffel_hook_secret) or self._sandbox_hook_secret("duffel")

    @property
    def stripe_api_url(self) -> str:
        real = STRIPE_URL if self.stripe_key else f"{self.sandbox_base_url}/stripe"
        return (self.stripe_url or real).rstrip("/")

    @property
    def stripe_secret_key(self) -> str:
        return _reveal(self.stripe_key) or SANDBOX_STRIPE_KEY

    @property
    def stripe_webhook_secret(self) -> str:
        return _reveal(self.stripe_hook_secret) or self._sandbox_hook_secret("stripe")

    @property
    def smtp_host(self) -> str:
        return self.smtp_server or urlsplit(self.sandbox_base_url).hostname or "127.0.0.1"

    @property
    def smtp_port(self) -> int:
        return self.smtp_server_port if self.smtp_server else self.sandbox_smtp_port

    @property
    def smtp_password(self) -> str | None:
        return _reveal(self.smtp_secret) or None

    @property
    def smtp_starttls(self) -> bool:
        return self.smtp_tls and self.smtp_server is not None

    @property
    def sandbox_base_url(self) -> str:
        return (self.sandbox_url or f"http://127.0.0.1:{self.sandbox_port}").rstrip("/")

    @property
    def base_url(self) -> str:
        """Where travellers reach us, for links in mail, returns from the bank, and passkeys."""
        return (self.public_url or f"http://{reached_as(self.api_host)}:{self.api_port}").rstrip(
            "/"
        )

    @property
    def keys(self) -> MasterKeys:
        """The master keys, the current one first."""
        return MasterKeys.parse(self.master_keys.get_secret_value(), newer=self._newer_keys)

    def _newer_keys(self) -> str:
        """Read the master keys as the installation has them by now."""
        known = read_env_files([self.state_dir / "secrets.env"])
        return known.get(variable("master_keys"), "")

    @property
    def key_folder(self) -> Path:
        """Where people's keys rest; all processes of an installation need the same folder."""
        return self.keys_dir or self.state_dir / "keys"

    @property
    def journal(self) -> Journal:
        """What no backup may bring back; all processes of an installation need the same file."""
        return Journal(self.journal_file or self.state_dir / "journal" / "revocations.jsonl")

    @property
    def mandate_signing(self) -> MandateKeys:
        """The keys of mandates, the one that signs first; a SettingsError without any."""
        self.require("mandate_keys")
        return MandateKeys.parse(self.mandate_keys.get_secret_value())

    @property
    def api_key_pepper(self) -> str:
        return self.hmac_secret.get_secret_value()

    @property
    def in_production(self) -> bool:
        return self.app_env is AppEnv.PRODUCTION

    @property
    def any_sandbox(self) -> bool:
        return any(self.provider_mode(vendor) is ProviderMode.SANDBOX for vendor in VENDORS)

    def provider_mode(self, vendor: Vendor) -> ProviderMode:
        """Say whether a vendor is our stand-in, its own test mode, or real."""
        match vendor:
            case "duffel":
                return _mode(_reveal(self.duffel_key), "duffel_live_")
            case "stripe":
                return _mode(_reveal(self.stripe_key), "sk_live_", "rk_live_")
            case "smtp":
                return ProviderMode.LIVE if self.smtp_server else ProviderMode.SANDBOX

    def database_for(self, role: DatabaseRole) -> str:
        """Return the address to connect with as a role; one address may serve all of them."""
        return self.own_login(role) or self.database_address

    def own_login(self, role: DatabaseRole) -> str | None:
        """Return the address that only this role uses, if there is one."""
        own = {
            "app": self.database_app_url,
            "worker": self.database_worker_url,
            "operator": self.database_operator_url,
        }
        return own.get(role)

    def require_own_login(self, role: DatabaseRole) -> Self:
        """Return the settings unless this process would share its login in production.

        Raises:
            SettingsError: naming the variable that is missing.
        """
        return self.require(f"database_{role}_url") if self.in_production else self

    @property
    def database_address(self) -> str:
        if self.database_url or self.supabase_url is None:
            return self.database_url
        if self.supabase_url.startswith(("postgres://", "postgresql://")):
            return self.supabase_url
        host = urlsplit(self.supabase_url).hostname or ""
        password = quote(_reveal(self.supabase_service_role_key), safe="")
        return f"postgresql://postgres:{password}@db.{host}:5432/postgres?sslmode=require"

    def require(self, *names: str) -> Self:
        """Return the settings if each named one has a value.

        Raises:
            SettingsError: naming every variable that is missing.
        """
        missing = [name for name in names if not self.value_of(name)]
        if missing:
            raise SettingsError(
                f"{variable(name)} is not set: expected {EXPECTED.get(name, 'a value')}"
                for name in missing
            )
        return self

    def value_of(self, name: str) -> str:
        """Return a text or secret as it stands, empty when it is not set."""
        if name == "database_url":
            # A process knows its own login, and need not know the owner's.
            logins = (self.own_login(role) for role in ("app", "worker", "operator"))
            return self.database_address or next(filter(None, logins), "")
        return _reveal(getattr(self, name))

    def _sandbox_hook_secret(self, vendor: Literal["duffel", "stripe"]) -> str:
        if self.provider_mode(vendor) is ProviderMode.SANDBOX:
            return SANDBOX_WEBHOOK_SECRETS[vendor]
        return ""


GROUPS: Mapping[str, type[BaseModel]] = {
    "policy": Policy,
    "accounts": AccountSettings,
    "money": MoneySettings,
    "notices": NoticeSettings,
    "privacy": PrivacySettings,
    "documents": DocumentSettings,
    "oidc": OidcSettings,
    "operating": OperatingSettings,
}


class _Values(EnvSettingsSource):
    """Reads variables from a mapping instead of the process's environment."""

    def __init__(self, settings_class: type[BaseSettings], values: Mapping[str, str]) -> None:
        # An empty variable is one that was not set: compose files and shells make many.
        self._values = {name.lower(): value for name, value in values.items() if value.strip()}
        super().__init__(settings_class)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._values


def load_settings(
    environ: Mapping[str, str] | None = None,
    *,
    env_files: Iterable[Path] | None = None,
    require: Iterable[str] = REQUIRED,
) -> Settings:
    """Read the settings from variables, and where those are silent from files, the last one first.

    Without arguments: the environment, then `.env`, then what a running stack wrote down.

    Raises:
        SettingsError: naming each variable that is missing or malformed.
    """
    values = read_env_files(default_env_files() if env_files is None else env_files)
    values |= os.environ if environ is None else environ

    class Loaded(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (init_settings, _Values(settings_cls, values))

    try:
        settings = Loaded()
    except ValidationError as error:
        raise SettingsError(_explained(error)) from None
    return settings.require(*require)


def read_env_files(files: Iterable[Path]) -> dict[str, str]:
    """Return the variables of files that exist; a later file wins."""
    values: dict[str, str] = {}
    for file in files:
        values |= {k: v for k, v in dotenv_values(file).items() if v is not None}
    return values


def default_env_files() -> tuple[Path, ...]:
    """Return where settings are read from besides the environment, the weakest first."""
    state = Path(os.environ.get(f"{PREFIX}STATE_DIR", ".parker"))
    own = os.environ.get(f"{PREFIX}ENV_FILE", ".env")
    return (state / "secrets.env", state / "stack.env", *([Path(own)] if own else []))


def variable(name: str) -> str:
    """Return the environment variable of a setting; `group.x` for one of a group."""
    group, _, rest = name.partition(".")
    if rest:
        return f"{PREFIX}{group}_{rest}".upper()
    return variable_of(name, Settings.model_fields[name])


def variables() -> dict[str, str]:
    """Return every setting by its environment variable."""
    names = [name for name in Settings.model_fields if name not in GROUPS]
    names += [f"{group}.{name}" for group, model in GROUPS.items() for name in model.model_fields]
    return {variable(name): name for name in names}


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return variables that look like ours and mean nothing, so that a typing slip is seen."""
    known = variables()
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in known)


def _explained(error: ValidationError) -> Iterable[str]:
    known = variables()
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        place = [str(part) for part in problem["loc"]]
        if not place:
            yield problem["msg"]
            continue
        name = ".".join(place[:2]) if place[0] in GROUPS else place[0]
        if name not in known and name.partition(".")[0] in Settings.model_fields:
            name = f"{PREFIX}{name}".upper() if name in GROUPS else variable(name)
        yield f"{name}: {problem['msg'].removeprefix('Value error, ')}"


def _mode(key: str, *live: str) -> ProviderMode:
    if not key:
        return ProviderMode.SANDBOX
    return ProviderMode.LIVE if key.startswith(live) else ProviderMode.TEST


def _reveal(value: SecretStr | str | None) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value().strip()
    return value or ""

"""What settings must not be: malformed, too real for playing, or unfit for production."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from runtime.crypto import MasterKeys
from runtime.signing import MandateKeys

if TYPE_CHECKING:
    from runtime.settings import Settings

PREFIX = "PARKER_"
REQUIRED = ("database_url", "master_keys", "hmac_secret")
# What worker and API need besides: they sign consents, or check what was signed.
SERVING = (*REQUIRED, "mandate_keys")
_SECRET_LENGTH = 32


def problems_of(settings: "Settings") -> list[str]:
    """Return what is wrong, each naming the variable and what it expects."""
    return [*_malformed(settings), *_unsafe(settings)]


def variable_of(name: str, field: FieldInfo) -> str:
    """Return the environment variable that a field is read from."""
    alias = field.validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"{PREFIX}{name}".upper()


def reached_as(host: str) -> str:
    """Return the name under which a browser of this machine reaches what listens on a host.

    A passkey belongs to a name: browsers refuse them where the address is a number.
    """
    return "localhost" if host in _THIS_MACHINE else host


_THIS_MACHINE = ("127.0.0.1", "0.0.0.0", "::1", "::", "")  # noqa: S104 - read, never listened on
EXPECTED = {
    "database_url": "a Postgres address, postgresql://user:password@host:5432/name",
    **dict.fromkeys(
        ("database_app_url", "database_worker_url", "database_operator_url"),
        "the address with a login of this process's own, postgresql://parker_app:...",
    ),
    "master_keys": "id:base64 of 32 bytes, several separated by commas, the current one first",
    "hmac_secret": f"a random text of at least {_SECRET_LENGTH} characters",
    "mandate_keys": "id:base64 of an Ed25519 seed of 32 bytes, several separated by commas, the "
    "current one first (retired ones as id:public:base64)",
    "duffel_key": "a Duffel access token (duffel_test_... or duffel_live_...)",
    "duffel_hook_secret": "the secret that Duffel gave with the webhook",
    "stripe_key": "a Stripe secret key (sk_test_... or sk_live_...)",
    "stripe_hook_secret": "the signing secret of Stripe's webhook endpoint (whsec_...)",
    "smtp_server": "the host name of an SMTP server",
    "public_url": "the https address at which travellers reach this installation",
}


def _malformed_keys(settings: "Settings") -> Iterable[str]:
    for name, parse in (("master_keys", MasterKeys.parse), ("mandate_keys", MandateKeys.parse)):
        keys = settings.value_of(name)
        try:
            if keys:
                parse(keys)
        except ValueError as error:
            yield f"{_called(settings, name)}: {error}; expected {EXPECTED[name]}"


def _malformed(settings: "Settings") -> Iterable[str]:
    yield from _malformed_keys(settings)
    secret = settings.hmac_secret.get_secret_value()
    if secret and len(secret) < _SECRET_LENGTH:
        yield f"{_called(settings, 'hmac_secret')} is too short; expected {EXPECTED['hmac_secret']}"
    for name, value in (
        ("database_url", settings.database_url),
        ("database_app_url", settings.database_app_url),
        ("database_worker_url", settings.database_worker_url),
        ("database_operator_url", settings.database_operator_url),
    ):
        if value and not value.startswith(("postgresql://", "postgres://")):
            yield f"{_called(settings, name)} is malformed; expected {EXPECTED['database_url']}"
    for name, prefixes in (
        ("duffel_key", ("duffel_test_", "duffel_live_")),
        ("stripe_key", ("sk_test_", "sk_live_", "rk_test_", "rk_live_")),
    ):
        key = settings.value_of(name)
        if key and not key.startswith(prefixes):
            yield f"{_called(settings, name)} is malformed; expected {EXPECTED[name]}"
    for name in ("public_url", "temporal_ui_url", "duffel_url", "stripe_url", "sandbox_url"):
        address = urlsplit(getattr(settings, name) or "http://unset")
        if address.scheme not in {"http", "https"} or not address.hostname:
            yield f"{_called(settings, name)} is malformed; expected an http or https address"


def _unsafe(settings: "Settings") -> Iterable[str]:
    return _unfit_for_production(settings) if settings.in_production else _too_real(settings)


def _too_real(settings: "Settings") -> Iterable[str]:
    keys: tuple[tuple[Literal["duffel", "stripe"], str], ...] = (
        ("duffel", "duffel_key"),
        ("stripe", "stripe_key"),
    )
    for vendor, name in keys:
        if settings.provider_mode(vendor) == "live":
            yield (
                f"{_called(settings, name)} is a live key, and {_called(settings, 'app_env')} is "
                f"{settings.app_env}: live keys are refused outside production"
            )


def _unfit_for_production(settings: "Settings") -> Iterable[str]:
    if settings.simulated_clock:
        yield f"{_called(settings, 'simulated_clock')} has no place in production"
    needed = ("duffel_key", "stripe_key", "smtp_server", "public_url", *SERVING)
    if settings.notices.webhook_loopback:
        yield f"{PREFIX}NOTICES_WEBHOOK_LOOPBACK has no place in production"
    for name in needed:
        if not settings.value_of(name):
            yield f"{_called(settings, name)} is not set: production needs {EXPECTED[name]}"
    live = {settings.provider_mode(vendor) == "live" for vendor in ("duffel", "stripe")}
    if len(live) > 1:
        yield (
            f"{_called(settings, 'duffel_key')} and {_called(settings, 'stripe_key')} must both be "
            "live or both be test keys: one alone would take real money for seats that do not "
            "exist, or the reverse"
        )
    for name in ("master_keys", "hmac_secret", "mandate_keys"):
        if any(word in settings.value_of(name).lower() for word in _DEFAULT_SECRETS):
            yield f"{_called(settings, name)} still has the value of an example; make your own"
    if settings.public_url and urlsplit(settings.public_url).scheme != "https":
        yield f"{_called(settings, 'public_url')} must be https in production"


_DEFAULT_SECRETS = ("changeme", "change-me", "example", "insecure")


def _called(settings: "Settings", name: str) -> str:
    return variable_of(name, type(settings).model_fields[name])

